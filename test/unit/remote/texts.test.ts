import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Secrets } from '../../../src/observability/secrets.js';
import { describeUrl } from '../../../src/remote/describe-url.js';
import {
  errorFor,
  excerpt,
  maskedExcerpt,
  networkFailure,
  statusFailure,
} from '../../../src/remote/failure.js';
import { checkHeaders } from '../../../src/remote/headers.js';
import { wire } from './fixture.js';

test('a URL is shown without what may be secret', () => {
  const show = (url: string): string => describeUrl(new URL(url), (text) => text);
  expect(show('https://me:pw@host:8443/a/mcp?key=v&key=w#f')).toBe('https://host:8443/a/mcp?***');
  expect(show('http://host/?bare')).toBe('http://host/?***');
  expect(show('http://host/')).toBe('http://host');
});

test.each([
  ['/KEY-abcdef-123456/mcp', '/***/mcp'],
  ['/Zx9-s3cr3t/va+l=ue/mcp?k=1', '/***/mcp?***'],
  ['/a/Zx9-s3cr3t%2Fva%2Bl%3Due', '/a/***'],
  ['/a/zx/Zx9-s3cr3t%2fva%2bl%3due/b', '/a/zx/***/b'],
  // Written in no usual way: the path is not shown at all.
  ['/a/Zx9-s3cr3t/va%2Bl=ue/b', '/***'],
  ['/a/%5ax9-s3cr3t/va+l=ue/b', '/***'],
  ['/%zz/%e9/%5ax9-s3cr3t/va+l=ue/b?c', '/***?***'],
  ['/z%C3%B6e/mcp', '/***/mcp'],
  ['/z%F6e/mcp', '/***'],
])('a secret is masked in the path of a URL: %s', (path, shown) => {
  const secrets = new Secrets();
  for (const secret of ['KEY-abcdef-123456', 'Bearer Zx9-s3cr3t/va+l=ue', 'zöe']) secrets.add(secret, 3);
  const show = (url: string): string => describeUrl(new URL(url), (text) => secrets.mask(text));
  expect(show(`http://host${path}`)).toBe(`http://host${shown}`);
  expect(show('http://host/a%20b/%E4/%zz')).toBe('http://host/a%20b/%E4/%zz');
});

test('secrets are masked, alone and in their header', () => {
  const secrets = new Secrets();
  secrets.add('Bearer abc.def');
  secrets.add('1');
  expect(secrets.mask('1: "Bearer abc.def" or abc.def')).toBe('1: "***" or ***');
});

test.each([
  ['a"b\\c', JSON.stringify({ said: 'a"b\\c' })],
  ['a/b c+d', 'said: a%2Fb%20c%2Bd'],
  ['a/b c+d', 'said: a%2fb+c%2bd'],
  ['CAN%41RY%20x', 'said: CANARY x and CAN%41RY%20x and CANARY+x'],
  ['zwölf', 'said: zw\\u00f6lf, zw%C3%B6lf'],
  ['in  two', 'said: in two'],
])('a secret is masked in any writing: %s', (secret, text) => {
  const secrets = new Secrets();
  secrets.add(secret, 3);
  expect(secrets.mask(text)).not.toMatch(/[ab]"|CAN|zw|two|a%2/);
  expect(secrets.mask(text)).toContain('***');
});

test('of two secrets the longer one is masked whole', () => {
  const secrets = new Secrets();
  secrets.add('abc', 3);
  secrets.add('abcdef', 3);
  secrets.add('ab', 3);
  expect(secrets.mask('abcdef abc ab')).toBe('*** *** ab');
});

test('a secret at the place where a text is cut is not shown by half', () => {
  const mask = (text: string) => text.replaceAll('CANARY-99', '***');
  expect(maskedExcerpt(`${'y'.repeat(195)}CANARY-99 and more`, '', mask)).not.toContain('CAN');
});

test('HTML becomes words, and long texts are cut', () => {
  const page =
    '<!DOCTYPE html><head><style>b{}</style></head><b>Bad\u0007</b>&nbsp;<i\n>gate&amp;way<script>x';
  expect(excerpt(page, '')).toBe('Bad gate&way');
  expect(excerpt('y'.repeat(500), 'text/plain')).toHaveLength(200);
});

test('the user of a URL becomes Basic, unless there is an Authorization', () => {
  const url = new URL('https://a%3A:p%40ss@host/mcp');
  expect(checkHeaders([], url).headers.authorization).toBe(
    `Basic ${Buffer.from('a::p@ss').toString('base64')}`,
  );
  expect(checkHeaders([['AUTHORIZATION', 'x']], url).headers).toEqual({ authorization: 'x' });
  expect(() => checkHeaders([['bad name', 'x']], url)).toThrow('"bad name"');
});

test('headers that say what is in the body are the transport’s own', () => {
  const given = ['Mcp-Method', 'mcp-name', 'MCP-PARAM-Region', 'mcp-param-', 'Mcp-Parameter'].map(
    (name) => [name, 'x'] as const,
  );
  const { headers, dropped } = checkHeaders(given, new URL('http://host/'));
  expect(headers).toEqual({ 'mcp-parameter': 'x' });
  expect(dropped).toEqual(['Mcp-Method', 'mcp-name', 'MCP-PARAM-Region', 'mcp-param-']);
});

const DOUBT = ' The server may have processed the request.';

test.each([
  ['ECONNREFUSED', 'connect', 'unsent', ''],
  ['ECONNRESET', 'read', 'sent', DOUBT],
  ['ECONNRESET', 'read', 'unsent', ''],
  ['ECONNRESET', 'connect', 'unsent', ''],
  ['EPIPE', 'write', 'sent', DOUBT],
  ['ECONNRESET', undefined, 'sent', DOUBT],
  ['ETIMEDOUT', 'connect', 'unsent', ''],
  ['ETIMEDOUT', 'read', 'sent', DOUBT],
  ['ECONNRESET', 'read', 'begun', DOUBT],
] as const)(
  'whether a request may have been processed is told: %s, %s, %s',
  (code, syscall, stage, doubt) => {
    const failure = networkFailure(
      Object.assign(new Error('x'), { code }, syscall === undefined ? {} : { syscall }),
      'it',
      stage,
      (text) => text,
    );
    expect(failure.kind).toBe(stage === 'begun' ? 'lost' : 'unreachable');
    const told = (method: string): string => errorFor(wire({ jsonrpc: '2.0', id: 1, method }), failure).text;
    expect(told('tools/call').includes(DOUBT)).toBe(doubt !== '');
    expect(told('initialize')).not.toContain(DOUBT);
  },
);

test('a connection that is dead is told from one that never was', () => {
  const failure = (syscall: string): string =>
    networkFailure(
      Object.assign(new Error('x'), { code: 'ETIMEDOUT', syscall }),
      'it',
      'sent',
      (text) => text,
    ).text;
  expect(failure('connect')).toContain('no connection in time');
  expect(failure('read')).toContain('does not answer any more');
});

test.each([
  [502, true],
  [503, false],
  [504, true],
  [500, true],
])('a server that failed, or a gateway, does not say how far a request came: %d', (status, inDoubt) => {
  const failure = statusFailure({ status, contentType: '', body: Buffer.from('') }, 'it', (text) => text);
  expect(failure.inDoubt ?? false).toBe(inDoubt ?? false);
});

test('a refusal in an encoding that was not asked for is not read, which is said', () => {
  const body = gzipSync('<p>out of order</p>');
  const refusal = { status: 502, contentType: 'text/html', body, encoding: 'gzip' };
  const { text } = statusFailure(refusal, 'it', (one) => one);
  expect(text).toBe(
    'it answered with HTTP status 502: why, it says in an encoding it was not asked for (gzip).',
  );
});
