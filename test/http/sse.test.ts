/** HTTP+SSE, the transport of 2024-11-05. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { initializeBody, post, requestBody, updated } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

let proxy: TestProxy;

beforeAll(async () => {
  proxy = await start({ namedServers: [puppet({ name: 'a b' })], limits: { maxBody: 10_000 } });
});
afterAll(closeAll);

/** A client over HTTP+SSE. */
class SseClient {
  readonly stream: Stream;
  readonly endpoint: string;

  constructor(stream: Stream, endpoint: string) {
    this.stream = stream;
    this.endpoint = endpoint;
  }

  static async connect(path = '/sse'): Promise<SseClient> {
    const stream = new Stream(await send(proxy.url + path, { headers: { accept: 'text/event-stream' } }));
    const first = await stream.next();
    if (first.kind !== 'event') throw new Error('no endpoint');
    expect(first.event).toBe('endpoint');
    return new SseClient(stream, first.data);
  }

  static async open(capabilities: object = {}, name = 'sse'): Promise<SseClient> {
    const client = await SseClient.connect();
    await client.post(initializeBody({ version: '2024-11-05', capabilities, name }));
    await client.stream.message(1);
    await client.post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return client;
  }

  async post(body: string): Promise<void> {
    expect((await post(proxy.url + this.endpoint, body)).status).toBe(202);
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  async ask(id: unknown, method: string, params?: object): Promise<any> {
    await this.post(requestBody(id, method, params));
    return this.answer(id);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  async answer(id: unknown): Promise<any> {
    const find = (): unknown => this.stream.messages.find((one) => one.id === id && one.method === undefined);
    await this.stream.until(() => find() !== undefined);
    return find();
  }
}

/** How the proxy says on a stream that it did not take a message: its POST was accepted before. */
function refusal(message: unknown): object {
  return { jsonrpc: '2.0', id: null, error: { code: -32600, message } };
}

it(`${req('sse.two-endpoints', 'sse.endpoint-event', 'streamable-http.compatibility.old-endpoints')} the stream begins with the path to POST to`, async () => {
  const client = await SseClient.connect();
  expect(client.stream.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
  });
  expect(client.endpoint).toMatch(/^\/messages\/\?session_id=[\w-]{32,}$/);
  client.stream.break();
  const named = await SseClient.connect('/servers/a%20b/sse/');
  expect(named.endpoint).toMatch(/^\/servers\/a%20b\/messages\/\?session_id=/);
  named.stream.break();
});

it(`${req('base.result.same-id', 'lifecycle.version.answered')} answers come as message events, and without ids`, async () => {
  const client = await SseClient.open();
  expect(client.stream.messages[0]).toMatchObject({
    id: 'init',
    result: { protocolVersion: '2024-11-05', serverInfo: { name: 'puppet' } },
  });
  expect(await client.ask(5, 'x/line')).toMatchObject({ id: 5, result: {} });
  expect(client.stream.events.slice(1).map(({ event, id }) => [event, id])).toEqual([
    ['message', undefined],
    ['message', undefined],
  ]);
  client.stream.break();
});

it('each of many clients gets its own answers, under the same ids', async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => SseClient.open()));
  await Promise.all(
    clients.map(async (client, n) => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, id) => client.ask(id, 'x/line', { n, id })),
      );
      for (const [id, { result }] of answers.entries()) {
        expect(JSON.parse(result.line).params).toEqual({ n, id });
      }
      expect(client.stream.messages).toHaveLength(11);
    }),
  );
  for (const client of clients) client.stream.break();
});

it(`${req('progress.known-tokens-only', 'progress.stops')} progress comes under the token of its own request, before the answer`, async () => {
  const clients = await Promise.all([SseClient.open(), SseClient.open()]);
  await Promise.all(
    clients.map((one) => one.ask(1, 'x/emit', { steps: 3, _meta: { progressToken: 'same' } })),
  );
  for (const client of clients) {
    expect(client.stream.messages.slice(1).map(({ params }) => params?.progressToken)).toEqual([
      'same',
      'same',
      'same',
      undefined,
    ]);
    client.stream.break();
  }
});

it('questions and notifications go both ways', async () => {
  const client = await SseClient.open({ roots: {} });
  const question = { jsonrpc: '2.0', id: 'q', method: 'roots/list' };
  expect(await client.ask(1, 'x/emit', { messages: [question, updated(1)] })).toMatchObject({ result: {} });
  expect(client.stream.messages.slice(1, 3)).toEqual([question, updated(1)]);
  await client.post('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}');
  client.stream.break();
});

it(`${req('cancellation.stops-work')} the end of the stream ends the session, and cancels what is open`, async () => {
  const watcher = await SseClient.open();
  const client = await SseClient.open();
  await client.post(requestBody('held', 'x/hold', { key: 'x' }));
  await watcher.ask(1, 'x/seen', { method: 'x/hold', count: 1 });
  client.stream.break();
  const { result } = await watcher.ask(2, 'x/seen', { method: 'notifications/cancelled', count: 1 });
  const [held] = (await watcher.ask(3, 'x/seen', { method: 'x/hold' })).result.messages;
  expect(result.messages).toMatchObject([{ params: { requestId: held.id } }]);
  expect((await post(proxy.url + client.endpoint, requestBody(1, 'ping'))).status).toBe(404);
  watcher.stream.break();
});

it('a process of its own ends with its client', async () => {
  const client = await SseClient.open({ roots: {} });
  const { pid } = (await client.ask(1, 'x/pid')).result;
  client.stream.break();
  await eventually(async () => {
    const { servers } = await proxy.status();
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
    return servers[0].processes.some((one: any) => one.pid === pid) ? undefined : true;
  });
});

describe('refused', () => {
  it('POST to the stream is 405: clients find out by that what they talk to', async () => {
    for (const path of ['/sse', '/sse/', '/servers/a%20b/sse']) {
      const answer = await post(proxy.url + path, initializeBody());
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    }
  });

  it('GET of the other endpoint is 405', async () => {
    expect((await exchange(`${proxy.url}/messages/`)).status).toBe(405);
  });

  it.each([
    ['no session', '', 400],
    ['an empty one', '?session_id=', 400],
    ['an unknown one', '?session_id=0', 404],
  ])('%s', async (_, query, status) => {
    const answer = await post(`${proxy.url}/messages/${query}`, requestBody(1, 'ping'));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).error.message).toMatch(/./);
  });

  it.each([
    ['no JSON', '{', 400, -32700],
    ['no message', '{}', 400, -32600],
    ['a batch', `[${requestBody(1, 'ping')}]`, 400, -32600],
    ['too much', requestBody(1, 'ping', { text: 'x'.repeat(10_000) }), 413, -32600],
  ])(`${req('base.json-rpc')} %s`, async (_, body, status, code) => {
    const client = await SseClient.open();
    const answer = await post(proxy.url + client.endpoint, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).error.code).toBe(code);
    expect(await client.ask('after', 'ping')).toMatchObject({ result: {} });
    client.stream.break();
  });

  it.each([{}, { roots: {} }])('on the stream, an answer that nobody waits for: %j', async (capabilities) => {
    const client = await SseClient.open(capabilities);
    const before = client.stream.messages.length;
    await client.post('{"jsonrpc":"2.0","id":"nobody","result":{}}');
    await client.post('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}');
    expect(await client.ask('after', 'ping')).toMatchObject({ result: {} });
    expect(client.stream.messages.slice(before)).toEqual([
      refusal('nobody waits for an answer to "nobody"'),
      refusal('nobody waits for an answer to 1'),
      expect.objectContaining({ id: 'after' }),
    ]);
    client.stream.break();
  });

  it('on the stream, a second answer to a question; the first arrived', async () => {
    const client = await SseClient.open({ roots: {} });
    await client.ask(1, 'x/emit', { messages: [{ jsonrpc: '2.0', id: 'q', method: 'roots/list' }] });
    const before = client.stream.messages.length;
    const answer = '{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}';
    await client.post(answer);
    await client.post(answer);
    expect(await client.ask('after', 'ping')).toMatchObject({ result: {} });
    expect(client.stream.messages.slice(before)).toEqual([
      refusal('nobody waits for an answer to "q"'),
      expect.objectContaining({ id: 'after' }),
    ]);
    client.stream.break();
  });

  it('on the stream, an id in use; the request that has it goes on', async () => {
    const client = await SseClient.open();
    await client.post(requestBody(5, 'x/hold', { key: 'in use' }));
    const before = client.stream.messages.length;
    await client.post(requestBody(5, 'x/line'));
    await client.ask(6, 'x/release', { key: 'in use' });
    await client.answer(5);
    expect(client.stream.messages.slice(before)).toEqual([
      refusal(expect.stringContaining('the id 5 is in use')),
      expect.objectContaining({ id: 5, result: { key: 'in use' } }),
      expect.objectContaining({ id: 6 }),
    ]);
    client.stream.break();
  });

  it('a request before initialize', async () => {
    const client = await SseClient.connect();
    const answer = await post(proxy.url + client.endpoint, requestBody(1, 'ping'));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining('initialize') },
    });
    client.stream.break();
  });

  it("another server's session", async () => {
    const client = await SseClient.open();
    const other = client.endpoint.replace('/messages/', '/servers/a%20b/messages/');
    expect((await post(proxy.url + other, requestBody(1, 'ping'))).status).toBe(404);
    client.stream.break();
  });
});

describe('under a reverse proxy', () => {
  async function endpointOf(url: string, prefix: string | undefined): Promise<string> {
    const headers = prefix === undefined ? {} : { 'x-forwarded-prefix': prefix };
    const stream = new Stream(await send(`${url}/sse`, { headers }));
    const first = await stream.next();
    stream.break();
    return first.kind === 'event' ? first.data : '';
  }

  it.each([
    ['/tools/mcp', '/tools/mcp/messages/'],
    ['/tools/', '/tools/messages/'],
    ['/a%20b', '/a%20b/messages/'],
    ['/.a/b..c', '/.a/b..c/messages/'],
  ])('the endpoint has the prefix %s', async (prefix, path) => {
    expect(await endpointOf(proxy.url, prefix)).toMatch(path);
    expect((await endpointOf(proxy.url, prefix)).startsWith(path)).toBe(true);
  });

  it.each([
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    'evil',
    '/a b',
    '/a?x=',
    '/a#',
    '/a, /b',
    '/"',
    '/..',
    '/../a',
    '/a/../../b',
    '/a/.',
    '/%2e%2E/a',
    '/.%2e',
  ])('a prefix that is none is not repeated: %s', async (prefix) => {
    expect(await endpointOf(proxy.url, prefix)).toMatch(/^\/messages\//);
  });

  it('the configured prefix wins', async () => {
    const { url } = await start({ basePath: '/base/' });
    expect(await endpointOf(url, '/other')).toMatch(/^\/base\/messages\//);
  });
});
