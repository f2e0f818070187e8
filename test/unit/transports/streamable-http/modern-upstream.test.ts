import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../../src/eras/meta-keys.js';
import { Secrets } from '../../../../src/observability/secrets.js';
import { HttpClient } from '../../../../src/remote/http.js';
import type { UpstreamOptions } from '../../../../src/remote/remote-link.js';
import { ModernUpstream } from '../../../../src/transports/streamable-http/modern-upstream.js';
import { decodeHeaderValue } from '../../../../src/transports/streamable-http/param-headers.js';
import * as peer from '../../../contract/http-peer.js';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';
import { Client, events, QUICK, wire } from '../../remote/fixture.js';
import { type Asked, type Server, serve } from '../../remote/server.js';

const VERSION = '2026-07-28';
const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

/** A link that nobody listens to yet. */
function unheard(url: URL, more: Partial<UpstreamOptions> = {}) {
  const told = events();
  const secrets = new Secrets();
  secrets.add('s3cret');
  const http = new HttpClient({ origin: url.origin, verify: true, secrets });
  const upstream = new ModernUpstream({ url, http, emit: told.emit, timings: QUICK, ...more });
  open.push(async () => {
    upstream.close({ kind: 'stopping', text: 'the test is over' });
    await upstream.done;
    await http.close();
  });
  return { link: upstream, texts: told.texts };
}

function connect(url: URL, more: Partial<UpstreamOptions> = {}) {
  const { link, texts } = unheard(url, more);
  return { link, client: new Client(link), texts };
}

async function start(answer: (asked: Asked, response: ServerResponse) => void): Promise<Server> {
  const server = await serve(answer);
  open.push(() => server.stop());
  return server;
}

async function begin(
  answer: (asked: Asked, response: ServerResponse) => void,
  more: Partial<UpstreamOptions> = {},
) {
  const server = await start(answer);
  return { server, ...connect(server.url, more) };
}

/** Params as a modern client sends them. */
function modern(params: object = {}, meta: object = {}): object {
  const own = {
    [META.version]: VERSION,
    [META.capabilities]: {},
    [META.clientInfo]: { name: 'c', version: '1' },
  };
  return { ...params, _meta: { ...own, ...meta } };
}

/** Takes requests and does nothing with them. */
class Nowhere extends HttpClient {
  constructor() {
    super({ origin: 'http://localhost', verify: true });
  }

  override send(): { abort(): void; readonly paused: boolean } {
    return { abort: () => undefined, paused: false };
  }
}

/** `all` resolves when `one` was called so many times. */
function count(times: number): { one(): void; readonly all: Promise<void> } {
  let left = times;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  return {
    one: () => {
      left--;
      if (left === 0) done();
    },
    all,
  };
}

const result = (id: unknown, value: object = {}): object => ({
  jsonrpc: '2.0',
  id,
  result: { resultType: 'complete', ...value },
});

const error = (id: unknown, code: number, data?: unknown): object => ({
  jsonrpc: '2.0',
  ...(id === undefined ? {} : { id }),
  error: { code, message: 'no', ...(data === undefined ? {} : { data }) },
});

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Begins an event stream. */
function stream(response: ServerResponse, ...messages: object[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  for (const message of messages) response.write(`data: ${JSON.stringify(message)}\n\n`);
}

const note = (n: number): object => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 't', progress: n },
});

describe('what is sent', () => {
  test(`${req(
    'modern-http.client.post-each',
    'modern-http.client.accept-both',
    'modern-http.client.metadata-headers',
    'modern-http.client.version-header',
    'modern-http.client.method-header',
    'modern-http.client.name-header',
    'modern-http.client.task-name',
  )} each request is a POST whose headers say what its body says, and nothing else is asked of the server`, async () => {
    const { server, client, link } = await begin(({ message }, response) =>
      json(response, result(message.id)),
    );
    await client.request(1, 'server/discover', modern());
    await client.request('2', 'tools/call', modern({ name: 'get_weather', arguments: { a: 1 } }));
    await client.request(3, 'resources/read', modern({ uri: 'file:///a b' }));
    await client.request(4, 'tasks/get', modern({ taskId: 't-1' }));
    await client.request(5, 'prompts/get', modern({ name: 'p' }, { [META.version]: '2099-01-01' }));
    link.close();
    await link.done;
    expect(
      server.asked.map(({ method, headers }) => [
        method,
        headers['mcp-protocol-version'],
        headers['mcp-method'],
        headers['mcp-name'],
      ]),
    ).toEqual([
      ['POST', VERSION, 'server/discover', undefined],
      ['POST', VERSION, 'tools/call', 'get_weather'],
      ['POST', VERSION, 'resources/read', 'file:///a b'],
      ['POST', VERSION, 'tasks/get', 't-1'],
      ['POST', '2099-01-01', 'prompts/get', 'p'],
    ]);
    for (const { headers } of server.asked) {
      expect(headers.accept).toBe('application/json, text/event-stream');
      expect(headers['content-type']).toBe('application/json');
      expect(headers).not.toHaveProperty('mcp-session-id');
      expect(headers).not.toHaveProperty('last-event-id');
    }
  });

  test(`${req('modern-http.client.single-message')} every octet of one message, there and back`, async () => {
    const bodies: unknown[] = [];
    const answer = Buffer.from(
      '{"é":0.10,"jsonrpc":"2.0","id":12345678901234567890,"result":{"n":1E400}}',
    ).toString('latin1');
    const server = await peer.serve((request, response) => {
      void peer.read(request).then((body) => {
        bodies.push(body);
        response.writeHead(200, { 'content-type': 'application/json' }).end(answer, 'latin1');
      });
    });
    open.push(() => server.stop());
    const { link } = unheard(new URL('/mcp', server.origin));
    const params = `{ "é" :1.0 , "_meta":{"${META.version}":"${VERSION}" } }`;
    const text = Buffer.from(
      `{"x":"é","jsonrpc":"2.0","id":12345678901234567890,"method":"a","params":${params}}`,
    ).toString('latin1');
    const got = new Promise<string>((resolve) => {
      link.listen({ message: (message) => resolve(message.text), closed: () => undefined });
    });
    link.send(message(text));
    expect(await got).toBe(answer);
    expect(bodies).toEqual([text]);
  });

  /** What somebody could have for a name to smuggle a header in, or to be taken for another. */
  const NAMES = [
    'a\r\nX-Evil: 1',
    'a\nX-Evil: 1',
    '\r\n\r\nPOST /other HTTP/1.1\r\n',
    'naïve 世界 🚀',
    '=?base64?QQ==?=',
    '=?base64?=',
    ' padded ',
    '\ttab',
    'nul\u0000',
    'del\u007f',
    '',
  ];
  test.each(
    NAMES.flatMap((name) => ['tools/call', 'prompts/get', 'resources/read'].map((method) => [method, name])),
  )(
    `${req(
      'modern-http.client.name-encoded',
      'modern-http.client.values-encoded',
      'modern-http.client.sentinel-alike',
    )} nothing gets out of its header: %s %j`,
    async (method, name) => {
      const { server, client } = await begin(({ message }, response) => json(response, result(message.id)));
      await client.request(1, method, modern(method === 'resources/read' ? { uri: name } : { name }));
      expect(server.asked).toHaveLength(1);
      const headers = server.asked[0]?.headers ?? {};
      expect(headers).not.toHaveProperty('x-evil');
      expect(headers['mcp-name']).toMatch(/^=\?base64\?[A-Za-z0-9+/=]*\?=$/);
      expect(decodeHeaderValue(String(headers['mcp-name']))).toBe(name);
    },
  );

  test.each<[string, string, object, number]>([
    ['a method that would be a header', 'a\r\nX-Evil: 1', modern(), -32601],
    ['a method beyond ASCII', 'tools/é', modern(), -32601],
    ['an empty method', '', modern(), -32601],
    ['a version that would be a header', 'a', modern({}, { [META.version]: '1\r\nX-Evil: 1' }), -32602],
    ['a version that is no text', 'a', modern({}, { [META.version]: 7 }), -32602],
    ['a version without end', 'a', modern({}, { [META.version]: '1'.repeat(65) }), -32602],
  ])('what has no encoding is refused before it is sent: %s', async (_name, method, params, code) => {
    const { server, client, link } = await begin(({ message }, response) =>
      json(response, result(message.id)),
    );
    expect((await client.request(1, method, params)).error?.code).toBe(code);
    await link.settled();
    expect(server.asked).toEqual([]);
  });

  test('a request that names no version is not taken for one of the legacy era', async () => {
    const { server, client } = await begin(({ message }, response) => json(response, result(message.id)));
    await client.request(1, 'tools/list');
    expect(server.asked[0]?.headers['mcp-protocol-version']).toBe(VERSION);
  });

  test(`${req('modern-http.client.no-responses')} notifications are posted with their method and version; answers are not`, async () => {
    const { server, client, link } = await begin(({ message }, response) => {
      if (message.id === undefined) response.writeHead(202).end();
      else json(response, result(message.id));
    });
    await client.request(1, 'tools/list', modern({}, { [META.version]: '2099-01-01' }));
    client.send(result('s1'));
    client.send({ method: 'notifications/own' });
    client.send({ method: 'notifications/other', params: modern() });
    await link.settled();
    const sent = server.asked
      .slice(1)
      .map(({ message, headers }) => [
        message.method,
        headers['mcp-method'],
        headers['mcp-protocol-version'],
      ]);
    expect(sent.sort()).toEqual([
      ['notifications/other', 'notifications/other', VERSION],
      ['notifications/own', 'notifications/own', '2099-01-01'],
    ]);
  });

  test('a notification that is not taken is told', async () => {
    const { client, link, texts } = await begin((_asked, response) =>
      response.writeHead(400).end('not s3cret'),
    );
    client.send({ method: 'notifications/own' });
    client.send({ method: 'notifications/n\u00f6' });
    await link.settled();
    expect(texts()).toMatch(/notifications\/own was not delivered: .* status 400: not \*\*\*/);
    expect(texts()).toMatch(/was not delivered: The name of the method/);
  });

  test('a server that answers a notification without end holds nothing up', async () => {
    const { client, link } = await begin((_asked, response) => stream(response));
    client.send({ method: 'notifications/own' });
    await link.settled();
  });
});

describe('what comes back', () => {
  test.each(['JSON', 'event stream'])(
    `${req('modern-http.client.both-answers')} the answer, as %s`,
    async (form) => {
      const { client } = await begin(({ message }, response) => {
        if (form === 'JSON') json(response, result(message.id, { a: 1 }));
        else {
          stream(response, result(message.id, { a: 1 }));
          response.end();
        }
      });
      expect(await client.request('x', 'a', modern())).toMatchObject({ result: { a: 1 }, about: '"x"' });
    },
  );

  test(`${req('modern-http.client.comments-ignored')} comments keep a stream alive, notifications belong to its request, nothing follows the answer`, async () => {
    const { client, link, texts } = await begin(({ message }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(':\r\n: alive\n\nretry: 5\nid: e1\n\n');
      response.write(
        `event: message\nid: e2\ndata: ${JSON.stringify(note(1))}\n\n:\n\nevent: other\ndata: x\n\n`,
      );
      response.write(`data: ${JSON.stringify(note(2))}\n\ndata: ${JSON.stringify(result(message.id))}\n\n`);
      response.end(`data: ${JSON.stringify(note(3))}\n\n`);
    });
    await client.request(1, 'a', modern());
    await client.request(2, 'b', modern());
    await link.settled();
    expect(client.got.filter(({ about }) => about === '1').map(({ params }) => params?.progress)).toEqual([
      1,
      2,
      undefined,
    ]);
    expect(client.got).toHaveLength(6);
    expect(texts()).toBe('');
  });

  test('the stream of an answered request is closed in the end', async () => {
    const closed: Promise<unknown>[] = [];
    const { client } = await begin(({ message }, response) => {
      closed.push(once(response, 'close'));
      stream(response, result(message.id));
    });
    await client.request(1, 'a', modern());
    await Promise.all(closed);
  });

  test('requests do not wait for each other', async () => {
    let first: (() => void) | undefined;
    const { client } = await begin(({ message }, response) => {
      if (message.method !== 'first') json(response, result(message.id));
      else first = () => json(response, result(message.id));
    });
    client.send({ id: 1, method: 'first', params: modern() });
    await client.request(2, 'second', modern());
    first?.();
    await client.until(({ id }) => id === 1);
    expect(client.got.map(({ id }) => id)).toEqual([2, 1]);
  });

  test.each([
    [404, -32601, undefined],
    [400, -32602, undefined],
    [400, -32020, undefined],
    [400, -32021, { requiredCapabilities: { sampling: {} } }],
    [400, -32022, { supported: [VERSION], requested: '1' }],
    [500, -32603, undefined],
  ])('a JSON-RPC error under HTTP status %i is the answer as it is: %i', async (status, code, data) => {
    const ids = [7, null, undefined];
    const { client } = await begin(({ message }, response) => {
      json(response, error(ids[Number(message.id) - 7], code, data), status);
    });
    for (const id of [7, 8, 9]) {
      const got = await client.request(id, 'a', modern());
      expect(got.error).toEqual({ code, message: 'no', ...(data === undefined ? {} : { data }) });
      expect(got.about).toBe(String(id));
    }
  });

  test.each<[string, (response: ServerResponse) => void, RegExp, unknown?]>([
    [
      'another status',
      (r) => r.writeHead(404).end('gone'),
      /status 404: gone.*Check the path/,
      { status: 404 },
    ],
    [
      'a page',
      (r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<p>s3cret</p>'),
      /text\/html that is no MCP message \("\*\*\*"\)/,
    ],
    [
      'nothing',
      (r) => r.writeHead(202).end(),
      /ended its answer before it had answered. The server may have processed the request.$/,
    ],
    [
      'a stream without it',
      (r) => {
        stream(r, note(1));
        r.end();
      },
      /before it had answered. The server may have processed the request.$/,
    ],
    [
      'a stream that breaks',
      (r) => {
        stream(r, note(1));
        r.write('data: {', () => r.destroy());
      },
      /broke the connection off.*answer. The server may have processed the request.$/,
    ],
    ['no connection left', (r) => r.destroy(), /closed before it answered|reset/],
    [
      'a redirect elsewhere',
      (r) => r.writeHead(307, { location: 'http://localhost:1/' }).end(),
      /It points to http:\/\/localhost:1: give that URL/,
      { status: 307 },
    ],
    [
      'what is no message',
      (r) => {
        stream(r);
        r.end('data: {"id":1}\n\n');
      },
      /before it had answered. The server may have processed/,
    ],
    [
      'an answer to another request',
      (r) => json(r, result('other')),
      /before it had answered. The server may have processed/,
    ],
  ])('an answer that does not come is an error in words: %s', async (_name, answer, words, data) => {
    const { client, server } = await begin((_asked, response) => answer(response));
    const got = await client.request(1, 'a', modern());
    expect(got.error).toMatchObject({ code: -32603, message: expect.stringMatching(words) });
    expect(got.error?.data).toEqual(data);
    // Nothing is resumed, and nothing else is tried.
    expect(server.asked).toHaveLength(1);
  });

  test('a server that is not there is told of', async () => {
    const server = await serve(() => undefined);
    await server.stop();
    const { client } = connect(server.url);
    expect((await client.request(1, 'a', modern())).error?.message).toMatch(/cannot be reached/);
  });

  test(`${req('modern-stdio.no-requests')} a request of the server, and an answer to another request, are left out with a warning`, async () => {
    const { client, texts } = await begin(({ message }, response) => {
      stream(
        response,
        { jsonrpc: '2.0', id: 's', method: 'roots/list' },
        result('other'),
        result(message.id),
      );
      response.end('data: no JSON\n\n');
    });
    await client.request(1, 'a', modern());
    expect(client.got).toHaveLength(1);
    expect(texts()).toMatch(/sent a request \("roots\/list"\), which a server must not do/);
    expect(texts()).toMatch(/with the id of another request/);
  });

  test('an id that is still open is refused without an id, and the first request goes on', async () => {
    const both = count(2);
    let answer: (() => void) | undefined;
    const { client, server } = await begin(({ message }, response) => {
      if (message.method === 'first') answer = () => json(response, result(message.id));
      else stream(response);
      both.one();
    });
    client.send({ id: 3, method: 'first', params: modern() });
    client.send({ id: 3, method: 'second', params: modern() });
    expect(await client.until(({ error }) => error !== undefined)).toMatchObject({
      id: null,
      error: { code: -32600, message: expect.stringContaining('the id 3 is in use') },
    });
    client.send({ id: 4, method: 'third', params: modern() });
    await both.all;
    answer?.();
    expect((await client.until(({ id }) => id === 3)).result).toBeDefined();
    expect(server.asked.map(({ message }) => message.method).sort()).toEqual(['first', 'third']);
  });

  test('too many open requests are refused', async () => {
    const { client } = connect(new URL('http://localhost/'), { http: new Nowhere() });
    for (let id = 0; id < 4096; id++) client.send({ id, method: 'a', params: modern() });
    expect((await client.request('last', 'a', modern())).error?.message).toMatch(
      /Too many requests .* are open/,
    );
  });

  test('whoever takes a failure over tells the client himself', async () => {
    const taken: unknown[] = [];
    const { client, link } = await begin((_asked, response) => response.writeHead(405).end(), {
      takeOver: (request, failure) => {
        taken.push([request.id, failure.status]);
        return true;
      },
    });
    client.send({ id: 1, method: 'server/discover', params: modern() });
    await link.settled();
    expect(taken).toEqual([['1', 405]]);
    expect(client.got).toEqual([]);
  });

  test('server/discover is not waited for without end', async () => {
    const { client } = await begin((_asked, response) => stream(response), {
      timings: { ...QUICK, handshake: 30 },
    });
    const { error } = await client.request(1, 'server/discover', modern());
    expect(error?.message).toMatch(/did not answer "server\/discover" within 1 s/);
  });
});

describe('cancellation', () => {
  test(`${req('modern-http.client.closing-cancels', 'modern-http.client.late-response-ignored', 'modern-stdio.cancelled-silence', 'modern.cancelled.invalid-ignored')} closes the POST of the request, and nothing more is heard of it`, async () => {
    const closed: Promise<unknown>[] = [];
    let late: (() => void) | undefined;
    const { client, server, link } = await begin(({ message }, response) => {
      closed.push(once(response, 'close'));
      stream(response, note(1));
      late = () => response.write(`data: ${JSON.stringify(result(message.id))}\n\n`);
    });
    client.send({ id: 'é', method: 'a', params: modern() });
    client.link.send(
      wire({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'unknown' } }),
    );
    await client.until(({ params }) => params?.progress === 1);
    late?.();
    client.send({ method: 'notifications/cancelled', params: { requestId: 'é', reason: 'enough' } });
    await link.settled();
    await Promise.all(closed);
    expect(client.got).toHaveLength(1);
    expect(server.asked).toHaveLength(1);
  });

  test('the id of a cancelled request is free again', async () => {
    const { client } = await begin(({ message }, response) => {
      if (message.method === 'second') json(response, result(message.id));
      else stream(response);
    });
    client.send({ id: 1, method: 'first', params: modern() });
    client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect((await client.request(1, 'second', modern())).result).toBeDefined();
  });

  test('close cancels everything', async () => {
    const closed: Promise<unknown>[] = [];
    const came = count(3);
    const { client, link, server } = await begin((_asked, response) => {
      closed.push(once(response, 'close'));
      stream(response);
      came.one();
    });
    client.send({ id: 1, method: 'a', params: modern() });
    client.send({ id: 2, method: 'subscriptions/listen', params: modern() });
    client.send({ method: 'notifications/own' });
    await came.all;
    link.close();
    await link.done;
    await Promise.all(closed);
    client.send({ id: 3, method: 'too-late', params: modern() });
    await link.settled();
    expect(client.got).toEqual([]);
    expect(server.asked).toHaveLength(3);
  });
});

describe('subscriptions/listen', () => {
  test('is not waited for, hears what comes for it, and ends with its answer', async () => {
    let more: (() => void) | undefined;
    const changed = {
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: { _meta: { [META.subscription]: 'l' } },
    };
    const { client, link } = await begin(({ message }, response) => {
      stream(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: {} });
      more = () =>
        response.end(
          `:\n\ndata: ${JSON.stringify(changed)}\n\ndata: ${JSON.stringify(result(message.id))}\n\n`,
        );
    });
    client.send({ id: 'l', method: 'subscriptions/listen', params: modern({ notifications: {} }) });
    await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    await link.settled();
    more?.();
    await client.until(({ id }) => id === 'l');
    expect(client.got.map(({ about }) => about)).toEqual(['"l"', '"l"', '"l"']);
  });

  test(`${req('modern-stdio.listen-lost')} a stream that breaks ends with a cancellation, as on stdio`, async () => {
    const { client } = await begin((_asked, response) => {
      stream(response, note(1));
      response.end();
    });
    client.send({ id: 'l', method: 'subscriptions/listen', params: modern() });
    const { params, about } = await client.until(({ method }) => method === 'notifications/cancelled');
    expect(params).toEqual({ requestId: 'l', reason: expect.stringContaining('Listen again') });
    expect(about).toBe('"l"');
    expect(client.got).toHaveLength(2);
  });

  test('one that never begins is an error', async () => {
    const { client } = await begin((_asked, response) => {
      stream(response);
      response.end();
    });
    const { error } = await client.request('l', 'subscriptions/listen', modern());
    expect(error).toMatchObject({ code: -32603, message: expect.stringContaining('before it had answered') });
  });
});

const TOOL = {
  name: 'sql',
  inputSchema: {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      limit: { type: 'integer', 'x-mcp-header': 'Limit' },
      query: { type: 'string' },
    },
  },
};
const BROKEN = {
  name: 'broken',
  inputSchema: { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } },
};
const sql = (more: object = {}): object =>
  modern({ name: 'sql', arguments: { region: 'é', limit: 5, query: 'q', ...more } });

describe('headers of arguments', () => {
  test(`${req(
    'modern-http.client.params-mirrored',
    'modern-http.client.params-omitted',
    'modern-http.client.invalid-tools',
    'modern-http.client.invalid-tools-told',
  )} are sent for tools that were listed; invalid tools are not listed`, async () => {
    const { client, server, texts } = await begin(({ message }, response) => {
      json(
        response,
        result(message.id, message.method === 'tools/list' ? { tools: [BROKEN, TOOL], ttlMs: 1 } : {}),
      );
    });
    const listed = await client.request(1, 'tools/list', modern());
    expect(listed.result).toEqual({ resultType: 'complete', tools: [TOOL], ttlMs: 1 });
    expect(texts()).toMatch(/The tool "broken" is left out of tools\/list/);
    await client.request(2, 'tools/call', sql());
    await client.request(3, 'tools/call', sql({ region: null, limit: undefined }));
    const sent = server.asked
      .slice(1)
      .map(({ headers }) => [headers['mcp-param-region'], headers['mcp-param-limit']]);
    expect(sent).toEqual([
      ['=?base64?w6k=?=', '5'],
      [undefined, undefined],
    ]);
  });

  /** A server that insists on its headers, and lists its tools on two pages. */
  function strict({ message, headers }: Asked, response: ServerResponse, form: 'status' | 'in band'): void {
    const { id, method } = message;
    const { params } = message as { params?: { cursor?: string } };
    if (method === 'tools/list') {
      const last = params?.cursor === 'two';
      json(response, result(id, last ? { tools: [TOOL] } : { tools: [BROKEN], nextCursor: 'two' }));
    } else if (headers['mcp-param-region'] !== undefined) json(response, result(id, { content: [] }));
    else if (form === 'status') json(response, error(id, -32020), 400);
    else {
      stream(response, note(1), error(id, -32020));
      response.end();
    }
  }

  test.each(['status', 'in band'] as const)(
    `${req('modern-http.client.header-mismatch', 'modern.meta.own-requests')} a call that is refused for them is sent again after the tools are listed: %s`,
    async (form) => {
      const { client, server, link, texts } = await begin((asked, response) => strict(asked, response, form));
      const call = modern(
        { name: 'sql', arguments: { region: 'a' } },
        { progressToken: 'p', [META.logLevel]: 'info', traceparent: 't' },
      );
      expect((await client.request(9, 'tools/call', call)).result).toEqual({
        resultType: 'complete',
        content: [],
      });
      await link.settled();
      expect(client.got.filter(({ id }) => id !== undefined)).toHaveLength(1);
      const [first, page, next, again] = server.asked;
      expect(server.asked).toHaveLength(4);
      expect(again?.message).toEqual(first?.message);
      const meta = { ...(modern() as { _meta: object })._meta, traceparent: 't' };
      expect(page?.message).toMatchObject({ method: 'tools/list', params: { _meta: meta } });
      expect(page?.message).not.toHaveProperty('params._meta.progressToken');
      expect(page?.message).not.toHaveProperty(['params', '_meta', META.logLevel]);
      expect(next?.message).toMatchObject({ params: { cursor: 'two' } });
      for (const own of [page, next]) expect(own?.headers['mcp-method']).toBe('tools/list');
      expect(texts()).toContain('"broken" is left out');
    },
  );

  test('calls that are refused together share one listing', async () => {
    const { client, server } = await begin((asked, response) => strict(asked, response, 'status'));
    const calls = [1, 2, 3].map((id) => client.request(id, 'tools/call', sql()));
    for (const answer of await Promise.all(calls)) expect(answer.result).toBeDefined();
    const lists = server.asked.filter(({ message }) => message.method === 'tools/list').length;
    expect(lists).toBeGreaterThanOrEqual(2);
    expect(lists).toBeLessThanOrEqual(6);
    expect(server.asked.length - lists).toBeLessThanOrEqual(6);
  });

  test('a call that is refused again is refused', async () => {
    const { client, server } = await begin(({ message }, response) => {
      if (message.method === 'tools/list') json(response, result(message.id, { tools: [TOOL] }));
      else json(response, error(message.id, -32020), 400);
    });
    expect((await client.request(1, 'tools/call', sql())).error?.code).toBe(-32020);
    expect(server.asked.map(({ message }) => message.method)).toEqual([
      'tools/call',
      'tools/list',
      'tools/call',
    ]);
  });

  test.each<[string, (response: ServerResponse, id: unknown) => void]>([
    ['an error', (response, id) => json(response, error(id, -32601), 404)],
    ['a page', (response) => response.writeHead(200).end('<html>')],
    ['silence', (response) => stream(response)],
    ['an answer without an end', (response) => stream(response, note(1))],
  ])('where the tools cannot be listed, the refusal stands: %s', async (_name, answer) => {
    const { client, server } = await begin(
      ({ message }, response) => {
        if (message.method === 'tools/list') answer(response, message.id);
        else json(response, error(message.id, -32020), 400);
      },
      { timings: { ...QUICK, refresh: 30 } },
    );
    expect((await client.request(1, 'tools/call', sql())).error?.code).toBe(-32020);
    // The listing may have been given up before it came there; the call is not sent again in any case.
    expect(server.asked.filter(({ message }) => message.method === 'tools/call')).toHaveLength(1);
  });

  test('a listing that never comes to its end does', async () => {
    const { client, server } = await begin(({ message, headers }, response) => {
      if (message.method === 'tools/list')
        json(response, result(message.id, { tools: [TOOL], nextCursor: 'more' }));
      else if (headers['mcp-param-limit'] === undefined) json(response, error(message.id, -32020), 400);
      else json(response, result(message.id));
    });
    expect((await client.request(1, 'tools/call', sql())).result).toBeDefined();
    expect(server.asked).toHaveLength(102);
  });

  test('other requests are not sent again', async () => {
    const { client, server } = await begin(({ message }, response) =>
      json(response, error(message.id, -32020), 400),
    );
    expect((await client.request(1, 'prompts/get', modern({ name: 'a' }))).error?.code).toBe(-32020);
    expect(server.asked).toHaveLength(1);
  });

  test('a call that is cancelled meanwhile is not sent again', async () => {
    let list: (() => void) | undefined;
    const asked = count(1);
    const { client, server, link } = await begin(({ message }, response) => {
      if (message.method === 'tools/list') {
        list = () => json(response, result(message.id, { tools: [TOOL] }));
        asked.one();
      } else if (message.id === 1) json(response, error(message.id, -32020), 400);
      else json(response, result(message.id));
    });
    client.send({ id: 1, method: 'tools/call', params: sql() });
    await asked.all;
    client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await link.settled();
    list?.();
    await client.request(2, 'a', modern());
    expect(client.got.map(({ id }) => id)).toEqual([2]);
    expect(server.asked.map(({ message }) => message.id).filter((id) => id === 1)).toHaveLength(1);
  });
});
