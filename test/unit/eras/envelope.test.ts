import { describe, expect, it } from 'vitest';
import { claimsModern, readEnvelope } from '../../../src/eras/envelope.js';
import { initializeOf } from '../../../src/eras/identity.js';
import { META } from '../../../src/eras/meta-keys.js';
import {
  ALL_VERSIONS,
  isModernVersion,
  NEWEST_MODERN_VERSION,
  shownVersion,
} from '../../../src/eras/versions.js';
import { isLegacyVersion } from '../../../src/relay/handshake.js';
import { req } from '../../requirements.js';
import { message } from '../relay/memory-link.js';

const OWN = { name: 'mcp-proxy', version: '0' };
const FULL = {
  [META.version]: '2026-07-28',
  [META.capabilities]: { sampling: {} },
  [META.clientInfo]: { name: 'a', version: '1' },
  [META.logLevel]: 'debug',
};

const request = (params: unknown) =>
  message(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }));

describe('what a modern request says of its client', () => {
  it('is read', () => {
    expect(readEnvelope(request({ _meta: { ...FULL, traceparent: 'x' } }))).toEqual({
      version: '2026-07-28',
      capabilities: { sampling: {} },
      clientInfo: { name: 'a', version: '1' },
      logLevel: 'debug',
    });
    const { [META.clientInfo]: _, [META.logLevel]: __, ...required } = FULL;
    expect(readEnvelope(request({ _meta: required }))).toMatchObject({
      clientInfo: undefined,
      logLevel: undefined,
    });
  });

  it.each<[string, unknown]>([
    ['no params', undefined],
    ['no _meta', {}],
    ['_meta that is none', { _meta: null }],
    ['_meta that is a list', { _meta: [] }],
    ['no version', { _meta: { ...FULL, [META.version]: undefined } }],
    ['a version that is no text', { _meta: { ...FULL, [META.version]: 20260728 } }],
    ['no capabilities', { _meta: { ...FULL, [META.capabilities]: undefined } }],
    ['capabilities that are nothing', { _meta: { ...FULL, [META.capabilities]: null } }],
    ['capabilities that are a list', { _meta: { ...FULL, [META.capabilities]: [] } }],
    ['a client that is a text', { _meta: { ...FULL, [META.clientInfo]: 'a' } }],
    ['a client that is nothing', { _meta: { ...FULL, [META.clientInfo]: null } }],
    ['a level that nobody knows', { _meta: { ...FULL, [META.logLevel]: 'verbose' } }],
    ['a level that is no text', { _meta: { ...FULL, [META.logLevel]: 1 } }],
  ])('is refused with the name of what is wrong: %s', (_what, params) => {
    expect(readEnvelope(request(params))).toMatch(
      /^params\._meta\["io\.modelcontextprotocol\/\w+"\] must be/,
    );
  });

  it('tells its era, whatever the version is', () => {
    expect(claimsModern(request({ _meta: { [META.version]: 'x' } }))).toBe(true);
    expect(claimsModern(request({ _meta: { [META.version]: 1 } }))).toBe(true);
    expect(claimsModern(request({ _meta: { [META.capabilities]: {} } }))).toBe(false);
    expect(claimsModern(request({ [META.version]: '2026-07-28' }))).toBe(false);
    expect(
      claimsModern(message(`{"jsonrpc":"2.0","method":"x","params":{"_meta":{"${META.version}":""}}}`)),
    ).toBe(true);
  });

  it('names no object that a prototype would add', () => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"__proto__":{"${META.version}":"2026-07-28"},"${META.capabilities}":{}}}}`;
    expect(readEnvelope(message(text))).toMatch(/protocolVersion/);
  });
});

describe('the handshake for a modern client', () => {
  const envelope = (capabilities: Record<string, unknown>, clientInfo?: Record<string, unknown>) => ({
    version: '2026-07-28',
    capabilities,
    clientInfo,
    logLevel: 'debug',
  });

  it('says who the client is, and who asks where it does not say so', () => {
    expect(initializeOf(envelope({ roots: {} }, { name: 'é' }), OWN)).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { roots: {} },
      clientInfo: { name: 'é' },
    });
    expect(initializeOf(envelope({}), OWN)).toMatchObject({ capabilities: {}, clientInfo: OWN });
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['the extension', { extensions: { 'io.modelcontextprotocol/tasks': {} } }, {}],
    [
      'the extension among others',
      { extensions: { 'io.modelcontextprotocol/tasks': {}, 'x/y': { a: 1 } } },
      { extensions: { 'x/y': { a: 1 } } },
    ],
    ['those of 2025-11-25', { tasks: { list: {} }, sampling: { tools: {} } }, { sampling: { tools: {} } }],
    ['extensions that are none', { extensions: 'x', roots: {} }, { roots: {} }],
  ])(`${req('m2l.tasks')} lets nobody start a task: %s`, (_what, capabilities, passed) => {
    expect(initializeOf(envelope(capabilities), OWN).capabilities).toEqual(passed);
  });
});

it('every version is of one era', () => {
  expect(ALL_VERSIONS[0]).toBe(NEWEST_MODERN_VERSION);
  for (const version of ALL_VERSIONS) expect(isModernVersion(version)).toBe(!isLegacyVersion(version));
  expect(ALL_VERSIONS).toEqual([...ALL_VERSIONS].sort().reverse());
  for (const other of ['2027-01-01', '', 1, null, undefined, 'toString', ['2026-07-28']]) {
    expect([isModernVersion(other), isLegacyVersion(other)]).toEqual([false, false]);
  }
});

it.each([
  [['2099-01-01', NEWEST_MODERN_VERSION, '2025-11-25'], NEWEST_MODERN_VERSION],
  [['2099-01-01', 7, '2098-01-01'], '2099-01-01, 2098-01-01'],
  [['a\nb', 'c'.repeat(50)], `a?b, ${'c'.repeat(40)}`],
  [['1', '2', '3', '4', '5', '6'], '1, 2, 3, 4, 5'],
  [[7], undefined],
  [[], undefined],
])('of versions like %j, %s is shown', (supported, shown) => {
  expect(shownVersion(supported)).toBe(shown);
});
