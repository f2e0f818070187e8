import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../src/eras/meta-keys.js';
import { HttpClient } from '../../../src/remote/http.js';
import { classifyProbe, type EraVerdict, type ProbeOptions, probeRemote } from '../../../src/upstream/era.js';
import { req } from '../../requirements.js';
import { Fixture, wire } from '../remote/fixture.js';
import { serve } from '../remote/server.js';

const VERSION = '2026-07-28';
const CLIENT = { capabilities: { sampling: {} }, clientInfo: { name: 'é', version: '1' } };
const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

async function probe(
  answer: (response: ServerResponse, id: unknown) => void,
  more: Partial<ProbeOptions> = {},
): Promise<EraVerdict> {
  const server = await serve(({ message }, response) => answer(response, message.id));
  open.push(() => server.stop());
  return ask(server.url, more);
}

function ask(url: URL, more: Partial<ProbeOptions> = {}): Promise<EraVerdict> {
  const http = new HttpClient({ origin: url.origin, verify: true });
  open.push(() => http.close());
  return probeRemote({ url, http, ...more }, CLIENT);
}

const rpc = (status: number, body: object) => (response: ServerResponse, id: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
};
const failed = (status: number, code: number, data?: unknown) =>
  rpc(status, { error: { code, message: 'no', data } });
const discovered = (supportedVersions: unknown) =>
  rpc(200, {
    result: { resultType: 'complete', supportedVersions, capabilities: {}, ttlMs: 0, cacheScope: 'private' },
  });
const plain =
  (status: number, body?: string, headers?: Record<string, string>) => (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);
const events =
  (...data: string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(data.map((one) => `data: ${one}\n\n`).join(''));
  };

type Case = [name: string, answer: Parameters<typeof probe>[0]];

describe('the answer to server/discover', () => {
  test(`${req('modern.era.probed', 'modern.meta.own-requests')} is asked for as a modern client does`, async () => {
    const server = await serve(({ message }, response) => discovered([VERSION])(response, message.id));
    open.push(() => server.stop());
    const verdict = await ask(server.url);
    const [asked] = server.asked;
    expect(server.asked).toHaveLength(1);
    expect(asked?.headers).toMatchObject({
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': VERSION,
      'mcp-method': 'server/discover',
    });
    expect(asked?.message).toMatchObject({
      params: {
        _meta: {
          [META.version]: VERSION,
          [META.capabilities]: CLIENT.capabilities,
          [META.clientInfo]: CLIENT.clientInfo,
        },
      },
    });
    expect(verdict).toMatchObject({ era: 'modern', version: VERSION, discovered: { kind: 'response' } });
    expect(verdict.reason).toContain(VERSION);
  });

  const MODERN_RESULTS: Case[] = [
    ['a version that is known among others', discovered(['2099-01-01', VERSION, '2025-11-25'])],
    [
      'on an event stream',
      (response, id) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const note = { jsonrpc: '2.0', method: 'notifications/message', params: {} };
        response.write(`:\n\ndata: ${JSON.stringify(note)}\n\n`);
        response.end(
          `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { supportedVersions: [VERSION] } })}\n\n`,
        );
      },
    ],
  ];
  test.each(MODERN_RESULTS)(
    `${req('modern.era.modern')} is a result of a modern server: %s`,
    async (_name, answer) => {
      expect(await probe(answer)).toMatchObject({
        era: 'modern',
        version: VERSION,
        discovered: { kind: 'response' },
      });
    },
  );

  const MODERN_ERRORS: [...Case, string | undefined][] = [
    [
      '-32022 that names a version we know',
      failed(400, -32022, { supported: ['2025-11-25', VERSION], requested: VERSION }),
      VERSION,
    ],
    ['the same under 200', failed(200, -32022, { supported: [VERSION] }), VERSION],
    ['400 with -32020', failed(400, -32020), undefined],
    ['400 with -32021', failed(400, -32021, { requiredCapabilities: {} }), undefined],
    [
      '400 with -32020 and no id',
      (response) => rpc(400, { id: null, error: { code: -32020, message: '' } })(response, null),
      undefined,
    ],
  ];
  test.each(MODERN_ERRORS)(
    `${req('modern-http.client.era-by-body', 'modern.era.modern')} is an error that only a modern server has: %s`,
    async (_name, answer, version) => {
      expect(await probe(answer)).toMatchObject({ era: 'modern', version, discovered: undefined });
    },
  );

  const LEGACY: Case[] = [
    ['a result that lists legacy versions only', discovered(['2025-11-25', '2025-06-18'])],
    ['a result that lists nothing', discovered([])],
    ['a result that lists no texts', discovered([1])],
    ['a result of something else', rpc(200, { result: {} })],
    ['200 with -32601', failed(200, -32601)],
    ['200 with -32020, which must be under 400', failed(200, -32020)],
    ['404 with -32601', failed(404, -32601)],
    ['400 with -32600', failed(400, -32600)],
    ['400 with -32000, no session', failed(400, -32000)],
    ['400 with -32022 that lists legacy versions only', failed(400, -32022, { supported: ['2025-11-25'] })],
    ['400 with -32022 that lists nothing', failed(400, -32022)],
    ['404 with -32020', failed(404, -32020)],
    ['an error without a usable code', rpc(400, { error: { code: 'x' } })],
    ['400 without a body', plain(400)],
    ['400 with words', plain(400, 'Missing session ID')],
    [
      '400 with JSON that is no JSON-RPC',
      plain(400, '{"code":-32020}', { 'content-type': 'application/json' }),
    ],
    ['404', plain(404)],
    ['405', plain(405)],
    ['406', plain(406)],
    ['415', plain(415)],
    ['501, which servers of HTTP+SSE answer', plain(501)],
    ['202 and nothing', plain(202)],
    ['a page', plain(200, '<html>', { 'content-type': 'text/html' })],
    ['JSON that is no JSON-RPC', plain(200, '{"error":"unknown"}', { 'content-type': 'application/json' })],
    ['a stream without an answer', events()],
    ['an answer to something else', events('{"jsonrpc":"2.0","id":99,"result":{}}')],
  ];
  test.each(LEGACY)(
    `${req('modern-http.client.era-by-body', 'modern.era.legacy', 'modern.era.no-one-code')} is what a legacy server says: %s`,
    async (_name, answer) => {
      const verdict = await probe(answer);
      expect(verdict).toEqual({
        era: 'legacy',
        reason: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/mcp /),
      });
    },
  );

  test.each<[string, Parameters<typeof probe>[0], RegExp]>([
    ['401', failed(401, -32020), /status 401.*credentials/],
    ['403', plain(403), /status 403/],
    ['407', plain(407), /status 407/],
    ['408', plain(408), /status 408/],
    ['429', failed(429, -32022, { supported: [VERSION] }), /status 429/],
    ['500', failed(500, -32603), /status 500/],
    ['502', plain(502), /status 502/],
    ['503', failed(503, -32020), /status 503/],
    ['a redirect', plain(307, '', { location: 'http://localhost:1/' }), /give that URL/],
    ['no connection left', (response) => response.destroy(), /closed before it answered|reset/],
    [
      'a stream that breaks',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: {', () => response.destroy());
      },
      /broke the connection off/,
    ],
    [
      'versions nobody knows',
      discovered(['2099-01-01', 'x\u0007y']),
      /does not know: 2099-01-01, x\?y\. A newer version/,
    ],
    [
      '-32022 with versions nobody knows',
      failed(400, -32022, { supported: ['2099-01-01'] }),
      /does not know/,
    ],
  ])(`${req('modern.era.proves-nothing')} proves nothing: %s`, async (_name, answer, words) => {
    const verdict = await probe(answer);
    expect(verdict).toMatchObject({ era: 'unknown', failure: { text: expect.stringMatching(words) } });
    expect(verdict.reason).toMatch(words);
  });

  test('silence proves nothing, and is waited for no longer than the time for it', async () => {
    for (const begun of [true, false]) {
      const silent = (response: ServerResponse): void => {
        if (begun) response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      };
      const verdict = await probe(silent, { timings: { probe: 30 } });
      expect(verdict).toMatchObject({ era: 'unknown', failure: { kind: 'timeout' } });
    }
  });

  test('nobody there proves nothing', async () => {
    const server = await serve(() => undefined);
    await server.stop();
    expect(await ask(server.url)).toMatchObject({ era: 'unknown', failure: { kind: 'unreachable' } });
  });

  test('whoever gives it up gets no verdict, at once', async () => {
    const given = new AbortController();
    const verdict = probe(() => given.abort(), { signal: given.signal });
    expect(await verdict).toMatchObject({ era: 'unknown', failure: { kind: 'lost' } });
    expect(await probe(plain(404), { signal: AbortSignal.abort() })).toMatchObject({ era: 'unknown' });
  });

  test.each(['1', '2'])('a legacy server of the SDK, version %s, is one', async (SDK) => {
    const fixture = await Fixture.start('remote-sdk.mjs', { SDK });
    open.push(() => fixture.stop());
    expect(await ask(fixture.url('/mcp'))).toMatchObject({ era: 'legacy' });
    expect(await ask(fixture.url('/sse'))).toMatchObject({ era: 'legacy' });
  });
});

test('credentials that cannot be had, and a certificate that is not trusted, prove nothing', () => {
  for (const kind of ['credentials', 'refused'] as const) {
    const failure = { kind, text: 'why' };
    expect(classifyProbe({ failure }, 'x')).toEqual({ era: 'unknown', failure, reason: 'why' });
  }
});

test('the verdict on a message is the same wherever it came from', () => {
  const message = wire({ jsonrpc: '2.0', id: 1, result: { supportedVersions: [VERSION] } });
  const reason = `http://a/ supports the protocol version ${VERSION}.`;
  expect(classifyProbe({ message }, 'http://a/')).toEqual({
    era: 'modern',
    version: VERSION,
    discovered: message,
    reason,
  });
});
