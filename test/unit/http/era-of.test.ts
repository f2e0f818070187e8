import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_VERSIONS } from '../../../src/eras/versions.js';
import { eraOf, type Verdict } from '../../../src/http/era-of.js';
import type { Message } from '../../../src/jsonrpc/message.js';
import { scan } from '../../../src/jsonrpc/scan.js';
import { req } from '../../requirements.js';

const MODERN = '2026-07-28';
const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
const META = { [VERSION]: MODERN, [CAPABILITIES]: {} };
const HEADER = { 'mcp-protocol-version': MODERN };

function posted(body: unknown): { messages: readonly Message[]; batch: boolean } {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const scanned = scan(Buffer.from(text).toString('latin1'));
  if (scanned.kind === 'malformed') throw new TypeError(scanned.reason);
  if (scanned.kind !== 'batch') return { messages: [scanned], batch: false };
  return { messages: scanned.items.filter((item) => item.kind !== 'malformed'), batch: true };
}

function verdict(body: unknown, headers: Record<string, string> = {}): Verdict {
  return eraOf(posted(body), headers);
}

/** The kind of the verdict, or the code of the refusal. */
function outcome(body: unknown, headers: Record<string, string> = {}): string | number {
  const found = verdict(body, headers);
  return found.kind === 'refused' ? found.refusal.code : found.kind;
}

function refusal(body: unknown, headers: Record<string, string> = {}): unknown {
  const found = verdict(body, headers);
  return found.kind === 'refused' ? found.refusal : found.kind;
}

const request = (method: string, params?: object): object => ({ jsonrpc: '2.0', id: 7, method, params });
const modern = (method: string, params: object = {}, meta: object = META): object =>
  request(method, { ...params, _meta: meta });
const note = (method: string, params?: object): object => ({ jsonrpc: '2.0', method, params });
const answer = { jsonrpc: '2.0', id: 7, result: {} };
const error = { jsonrpc: '2.0', id: 7, error: { code: 1, message: 'x' } };
const headers = (method: string, more: object = {}): Record<string, string> => ({
  ...HEADER,
  'mcp-method': method,
  ...more,
});

describe('a POST', () => {
  const rows: readonly [string, unknown, Record<string, string>, string | number][] = [
    ['a modern request', modern('tools/list'), headers('tools/list'), 'modern-request'],
    [
      'a modern request with a session',
      modern('ping'),
      headers('ping', { 'mcp-session-id': 'x' }),
      'modern-request',
    ],
    ['initialize with a claim', modern('initialize'), headers('initialize'), 'modern-request'],
    ['initialize', request('initialize'), {}, 'legacy'],
    ['initialize under a modern header', request('initialize'), HEADER, 'legacy'],
    [
      'initialize under a version nobody knows',
      request('initialize'),
      { 'mcp-protocol-version': 'x' },
      'legacy',
    ],
    ['a claim without headers', modern('tools/list'), {}, -32020],
    ['a claim under a legacy header', modern('tools/list'), { 'mcp-protocol-version': '2025-11-25' }, -32020],
    [
      'a legacy claim under a modern header',
      modern('ping', {}, { ...META, [VERSION]: '2025-11-25' }),
      HEADER,
      -32020,
    ],
    ['no _meta under a modern header', request('tools/list'), HEADER, -32602],
    [
      '_meta without a version',
      modern('tools/list', {}, { [CAPABILITIES]: {} }),
      headers('tools/list'),
      -32602,
    ],
    ['_meta without a version, and no header', modern('ping', {}, { [CAPABILITIES]: {} }), {}, -32602],
    ['_meta with a log level alone', modern('ping', {}, { [LOG_LEVEL]: 'info' }), {}, -32602],
    [
      '_meta without a version under Mcp-Method',
      modern('ping', {}, { [CAPABILITIES]: {} }),
      { 'mcp-method': 'ping' },
      -32602,
    ],
    [
      '_meta without a version under a legacy one',
      modern('ping', {}, { [CAPABILITIES]: {} }),
      { 'mcp-protocol-version': '2025-11-25' },
      'legacy',
    ],
    [
      '_meta without a version in a session',
      modern('ping', {}, { [CAPABILITIES]: {} }),
      { 'mcp-session-id': 'x' },
      'legacy',
    ],
    [
      '_meta without a version under one nobody knows',
      modern('ping', {}, { [CAPABILITIES]: {} }),
      { 'mcp-protocol-version': '2099-01-01' },
      -32022,
    ],
    [
      'initialize, with capabilities in _meta',
      modern('initialize', {}, { [CAPABILITIES]: {} }),
      {},
      'legacy',
    ],
    ['a notification without a version', note('x/y', { _meta: { [CAPABILITIES]: {} } }), {}, 'legacy'],
    ['a batch with a half of one', [request('ping'), modern('ping', {}, { [CAPABILITIES]: {} })], {}, -32600],
    ['_meta that is null', request('tools/list', { _meta: null }), headers('tools/list'), -32602],
    ['_meta with a progress token alone', modern('ping', {}, { progressToken: 1 }), {}, 'legacy'],
    ['a version that is no text', modern('ping', {}, { ...META, [VERSION]: 7 }), headers('ping'), -32602],
    ['a version that is null', modern('ping', {}, { ...META, [VERSION]: null }), {}, -32602],
    ['no capabilities', modern('ping', {}, { [VERSION]: MODERN }), headers('ping'), -32602],
    [
      'capabilities that are no object',
      modern('ping', {}, { ...META, [CAPABILITIES]: [] }),
      headers('ping'),
      -32602,
    ],
    ['a modern notification', note('x/y', { _meta: META }), {}, 'modern-notification'],
    ['a notification under a modern header', note('x/y'), HEADER, 'modern-notification'],
    [
      'a claiming notification under another header',
      note('x', { _meta: META }),
      { 'mcp-protocol-version': 'x' },
      -32020,
    ],
    ['a notification of an unknown version', note('x', { _meta: { [VERSION]: '2099-01-01' } }), {}, -32022],
    ['a notification', note('notifications/initialized'), { 'mcp-protocol-version': '2025-06-18' }, 'legacy'],
    ['an answer', answer, { 'mcp-protocol-version': '2025-06-18' }, 'legacy'],
    ['an answer under a modern header', answer, HEADER, -32600],
    ['an error under a modern header', error, HEADER, -32600],
    ['an answer that holds a version', { ...answer, result: { _meta: META } }, {}, 'legacy'],
    ['a batch', [request('ping')], {}, 'legacy'],
    ['a batch under a modern header', [request('ping')], HEADER, -32600],
    ['a batch with a modern message', [request('ping'), modern('ping')], {}, -32600],
    ['a batch of one modern message', [modern('ping')], headers('ping'), -32600],
    ['a batch with initialize under a modern header', [request('initialize')], HEADER, -32600],
    ['a request without headers', request('ping'), {}, 'legacy'],
    ['a request under Mcp-Method alone', request('ping'), { 'mcp-method': 'tools/list' }, 'legacy'],
    [
      'a legacy version and Mcp-Method',
      request('ping'),
      { 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'x' },
      'legacy',
    ],
    ['a version nobody knows', request('ping'), { 'mcp-protocol-version': '2099-01-01' }, -32022],
    ['an empty version', request('ping'), { 'mcp-protocol-version': '' }, -32022],
    [
      'a version that a session may know',
      request('ping'),
      { 'mcp-protocol-version': '2024-10-07', 'mcp-session-id': 'x' },
      'legacy',
    ],
    ['a batch under a version nobody knows', [request('ping')], { 'mcp-protocol-version': 'x' }, -32022],
  ];

  it.each(rows)(`${req('modern-http.server.era.body-decides')} %s`, (_, body, given, expected) => {
    expect(outcome(body, given)).toBe(expected);
  });
});

describe('a modern request', () => {
  it(`${req('modern-http.server.version.unsupported-400', 'modern-http.server.version.supported-listed')} of an unknown version hears which can be claimed`, () => {
    const claim = modern('ping', {}, { ...META, [VERSION]: '2099-01-01' });
    expect(refusal(claim, { 'mcp-protocol-version': '2099-01-01' })).toMatchObject({
      code: -32022,
      data: { supported: [MODERN], requested: '2099-01-01' },
      id: '7',
    });
    const handshake = modern('ping', {}, { ...META, [VERSION]: '2025-11-25' });
    expect(refusal(handshake, { 'mcp-protocol-version': '2025-11-25' })).toMatchObject({
      data: { supported: [MODERN], requested: '2025-11-25' },
    });
    expect(refusal(request('ping'), { 'mcp-protocol-version': '2099-01-01' })).toMatchObject({
      data: { supported: ALL_VERSIONS, requested: '2099-01-01' },
    });
  });

  it(`${req('modern-http.server.meta.required')} hears which field is missing`, () => {
    expect(refusal(request('ping'), HEADER)).toMatchObject({
      code: -32602,
      text: expect.stringContaining(VERSION),
    });
    expect(refusal(modern('ping', {}, { [VERSION]: MODERN }), headers('ping'))).toMatchObject({
      code: -32602,
      text: expect.stringContaining(CAPABILITIES),
    });
  });

  it(`${req('modern-http.server.meta.required')} that names no version anywhere hears so, under its id`, () => {
    expect(refusal(modern('ping', {}, { [CAPABILITIES]: {} }))).toEqual({
      code: -32602,
      text: expect.stringContaining(VERSION),
      id: '7',
    });
  });

  it('gives what it says of its client', () => {
    expect(verdict(modern('ping'), headers('ping'))).toMatchObject({
      kind: 'modern-request',
      envelope: { version: MODERN, capabilities: {} },
    });
  });

  const tool = (name: unknown): object => modern('tools/call', { name });
  const named = (name: string): Record<string, string> => headers('tools/call', { 'mcp-name': name });

  it.each([
    ['without Mcp-Method', modern('tools/list'), HEADER, false],
    ['with another Mcp-Method', modern('tools/list'), headers('prompts/list'), false],
    ['with Mcp-Method in capitals', modern('tools/list'), headers('TOOLS/LIST'), false],
    ['with Mcp-Method twice', modern('ping'), headers('ping, ping'), false],
    ['with Mcp-Method beyond ASCII', modern('pïng'), headers('pÃ¯ng'), false],
    ['without a name where one is due', tool('a'), headers('tools/call'), false],
    ['with its name', tool('a'), named('a'), true],
    ['with another name', tool('a'), named('b'), false],
    ['with its name in other capitals', tool('a'), named('A'), false],
    ['with blanks around its name', tool('a'), named(' \ta '), true],
    ['with its name in Base64', tool('Zürich 東京'), named('=?base64?WsO8cmljaCDmnbHkuqw=?='), true],
    ['with another name in Base64', tool('a'), named('=?base64?Yg==?='), false],
    ['with a plain name in Base64', tool('a'), named('=?base64?YQ==?='), true],
    ['with Base64 that is not padded', tool('Hello'), named('=?base64?SGVsbG8?='), false],
    ['with Base64 that is none', tool('Hello'), named('=?base64?SGVs!!!bG8=?='), false],
    ['with the mark of Base64 in capitals', tool('=?BASE64?YQ==?='), named('=?BASE64?YQ==?='), true],
    ['with a name that looks like Base64', tool('=?base64?YQ==?='), named('=?base64?YQ==?='), false],
    ['with such a name in Base64', tool('=?base64?YQ==?='), named('=?base64?PT9iYXNlNjQ/WVE9PT89?='), true],
    ['with a name beyond ASCII, not encoded', tool('é'), named('Ã©'), false],
    ['with octets that are no UTF-8', tool('\ufffd'), named('=?base64?/w==?='), false],
    [
      'with the uri of a resource',
      modern('resources/read', { uri: 'x://y?z=1' }),
      headers('resources/read', { 'mcp-name': 'x://y?z=1' }),
      true,
    ],
    [
      'with another uri',
      modern('resources/read', { uri: 'x://y', name: 'n' }),
      headers('resources/read', { 'mcp-name': 'n' }),
      false,
    ],
    [
      'with a prompt',
      modern('prompts/get', { name: 'p' }),
      headers('prompts/get', { 'mcp-name': 'p' }),
      true,
    ],
    ['with a prompt and no name', modern('prompts/get', { name: 'p' }), headers('prompts/get'), false],
    ['without the name in the body, which the server refuses', tool(undefined), headers('tools/call'), true],
    [
      'with a name that nobody asks for',
      modern('tools/list'),
      headers('tools/list', { 'mcp-name': 'x' }),
      true,
    ],
    ['of a task', modern('tasks/get', { taskId: 't' }), headers('tasks/get', { 'mcp-name': 't' }), true],
    ['of a task, without its name', modern('tasks/get', { taskId: 't' }), headers('tasks/get'), true],
    [
      'of another task',
      modern('tasks/cancel', { taskId: 't' }),
      headers('tasks/cancel', { 'mcp-name': 'u' }),
      false,
    ],
  ] satisfies [string, object, Record<string, string>, boolean][])(
    `${req('modern-http.server.headers.validated', 'modern-http.server.headers.mismatch-400', 'modern-http.server.headers.base64-decoded', 'modern-http.server.headers.value-case')} %s`,
    (_, body, given, taken) => {
      expect(outcome(body, given)).toBe(taken ? 'modern-request' : -32020);
    },
  );

  it('is compared as it reads, not as it is spelled', () => {
    const text = JSON.stringify(modern('tools/call', { name: 'a/b' })).replaceAll('/', '\\/');
    expect(outcome(text, named('a/b'))).toBe('modern-request');
  });

  it('is checked in the order of a server: version, its support, the envelope, the other headers', () => {
    const unknown = { ...META, [VERSION]: '2099-01-01' };
    expect(outcome(modern('ping', {}, unknown), HEADER)).toBe(-32020);
    expect(
      outcome(modern('ping', {}, { [VERSION]: '2099-01-01' }), { 'mcp-protocol-version': '2099-01-01' }),
    ).toBe(-32022);
    expect(outcome(modern('ping', {}, { [VERSION]: MODERN }), HEADER)).toBe(-32602);
    expect(outcome(modern('ping'), HEADER)).toBe(-32020);
  });
});

it('no odd value makes a message of one era one of the other, and nothing throws', () => {
  const values = fc.oneof(fc.constantFrom(MODERN, '2025-11-25', '2099-01-01', ''), fc.jsonValue());
  const claims = fc.option(values, { nil: undefined });
  const versions = fc.option(fc.constantFrom(MODERN, '2025-11-25', '2099-01-01', ''), { nil: undefined });
  const methods = fc.constantFrom('initialize', 'tools/call', 'ping', 'x');
  const property = fc.property(methods, claims, versions, fc.boolean(), (method, claim, named, batch) => {
    const meta = claim === undefined ? {} : { [VERSION]: claim, [CAPABILITIES]: {} };
    const call = modern(method, { name: 'n' }, meta);
    const given = named === undefined ? {} : { 'mcp-protocol-version': named };
    const found = outcome(batch ? [call] : call, { ...given, 'mcp-method': method, 'mcp-name': 'n' });
    if (claim !== undefined) expect(found).not.toBe('legacy');
    if (found === 'modern-request') expect([claim, named, batch]).toEqual([MODERN, MODERN, false]);
  });
  fc.assert(property);
});
