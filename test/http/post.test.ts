/** What a POST on the Streamable HTTP endpoint is answered with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { Client, initializeBody, post, requestBody, STREAMABLE_VERSIONS } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { closeAll, start, type TestProxy } from './harness/proxy.js';

let proxy: TestProxy;
let mcp: string;

beforeAll(async () => {
  proxy = await start();
  mcp = `${proxy.url}/mcp`;
});
afterAll(closeAll);

describe.each(STREAMABLE_VERSIONS)('a client of %s', (version) => {
  let client: Client;

  beforeAll(async () => {
    client = await Client.open(mcp, { version });
  });

  it(`${req('lifecycle.initialize.answered', 'lifecycle.version.answered')} gets the server's own answer to initialize`, async () => {
    const answer = await post(mcp, initializeBody({ version }));
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: 'init',
      result: {
        protocolVersion: version,
        capabilities: { logging: {}, tools: { listChanged: true } },
        serverInfo: { name: 'puppet', version: '1.0.0' },
      },
    });
  });

  it(`${req('streamable-http.session.id-secure', 'streamable-http.session.id-visible-ascii')} gets a session id of its own`, async () => {
    const other = await Client.open(mcp, { version });
    expect(other.session).toMatch(/^[\x21-\x7e]{32,}$/);
    expect(other.session).not.toBe(client.session);
  });

  it(`${req('streamable-http.post.answer-type', 'streamable-http.endpoint.one-path')} gets JSON where the answer comes first`, async () => {
    const answer = await client.post(requestBody(7, 'x/line'));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(Number(answer.headers['content-length'])).toBe(answer.body.length);
    expect(JSON.parse(answer.body)).toMatchObject({ id: 7, result: {} });
  });

  it(`${req('streamable-http.post.answer-type', 'streamable-http.stream.has-response', 'streamable-http.stream.ends-after-response', 'streamable-http.stream.not-closed-early')} gets a stream where something comes before the answer`, async () => {
    const stream = await client.stream('x/emit', { steps: 2, _meta: { progressToken: 'p' } }, 8);
    expect(stream.headers).toMatchObject({ 'x-accel-buffering': 'no' });
    expect(stream.headers['cache-control']).toContain('no-cache');
    await stream.ended();
    expect(stream.messages).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } },
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 2 } },
      { id: 8, result: {} },
    ]);
  });

  it(`${req('streamable-http.stream.primed')} gets an event without data first, if its version has such a thing`, async () => {
    const stream = await client.stream('x/emit', { steps: 1, _meta: { progressToken: 1 } });
    await stream.ended();
    const [first] = stream.events;
    if (version === '2025-11-25') expect(first).toMatchObject({ id: expect.stringMatching(/./), data: '' });
    else expect(stream.events.filter(({ data }) => data === '')).toEqual([]);
    expect(stream.events.map(({ id }) => id)).not.toContain(undefined);
  });

  it(`${req('streamable-http.post.accepted-202', 'base.notification.no-response')} gets 202 and no body for a notification`, async () => {
    const answer = await client.notify('notifications/x', { of: version });
    expect(answer).toMatchObject({ status: 202, body: '' });
    const { messages } = await client.ask('x/seen', { method: 'notifications/x', count: 1 });
    expect(messages).toContainEqual({ jsonrpc: '2.0', method: 'notifications/x', params: { of: version } });
  });

  it(`${req('streamable-http.post.accepted-202')} gets 202 and no body for an answer`, async () => {
    const asked = await Client.open(mcp, { version, capabilities: { roots: {} } });
    const question = { jsonrpc: '2.0', id: 'q1', method: 'roots/list' };
    const stream = await asked.stream('x/emit', { messages: [question], steps: 0 });
    expect(await stream.message(1)).toEqual(question);
    const answer = await asked.post('{"jsonrpc":"2.0","id":"q1","result":{"roots":[]}}');
    expect(answer).toMatchObject({ status: 202, body: '' });
  });

  it(`${req('base.error.same-id', 'base.error.code-and-message', 'base.error.code-integer')} gets the server's error as it is, in a 200`, async () => {
    const answer = await client.post(requestBody('e', 'x/fail'));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: 'e',
      error: { code: -32050, message: 'failed', data: [1] },
    });
  });

  it('gets JSON only where it accepts nothing else, and what came before waits for its own stream', async () => {
    const own = await Client.open(mcp, { version });
    const body = requestBody(1, 'x/emit', { steps: 1, _meta: { progressToken: 1 } });
    const answer = await own.post(body, { accept: 'application/json' });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.body)).toMatchObject({ id: 1, result: {} });
    const stream = await own.listen();
    expect(await stream.message(1)).toMatchObject({ method: 'notifications/progress' });
    stream.break();
  });

  it('gets a stream with the answer where it accepts nothing else', async () => {
    const response = await send(mcp, {
      method: 'POST',
      body: requestBody(1, 'ping'),
      headers: { ...client.headers, accept: 'text/event-stream' },
    });
    const stream = new Stream(response);
    await stream.ended();
    expect(stream.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });

  it(`${req('base.meta.untouched')} sees nothing changed: digits, unknown members, escapes, order`, async () => {
    const own = await Client.open(mcp, { version, capabilities: { roots: {} } });
    const sent =
      '{"zz":[1.0,1e2],"method":"x/line","jsonrpc":"2.0","params":{"big":12345678901234567890,"_meta":{"io.modelcontextprotocol/x":{"é":"\\u00e9"}}},"id":9007199254740993}';
    const answer = await own.post(sent);
    expect(JSON.parse(answer.body).result.line).toBe(sent);
    const text = '{"n":98765432109876543210,"f":1.10,"_meta":{"x":null},"é":"ü"}';
    const raw = await own.post(requestBody(2, 'x/raw', { text }));
    expect(raw.body).toBe(`{"jsonrpc":"2.0","id":2,"result":${text}}`);
  });

  it('may send JSON on many lines: the server reads it on one', async () => {
    const body = JSON.stringify(JSON.parse(requestBody(3, 'x/line', { deep: [{ a: '\n' }] })), null, 2);
    const answer = JSON.parse((await client.post(body.replaceAll('\n', '\r\n'))).body);
    expect(answer.result.line).not.toMatch(/[\r\n]/);
    expect(JSON.parse(answer.result.line).params).toEqual({ deep: [{ a: '\n' }] });
  });

  it(`${req('base.json-rpc', 'base.result.same-id', 'base.result.has-result', 'base.request.id-type')} gets the answer under the id it gave, of either type`, async () => {
    const ids = [0, 1, '1', 'é"\\', -5, 2 ** 53 - 1];
    const answers = await Promise.all(ids.map((id) => client.post(requestBody(id, 'ping'))));
    expect(answers.map(({ body }) => JSON.parse(body))).toEqual(
      ids.map((id) => ({ jsonrpc: '2.0', id, result: {} })),
    );
  });
});

describe('batches', () => {
  const batch = `[${requestBody(1, 'ping')},{"jsonrpc":"2.0","method":"notifications/b"},${requestBody(2, 'ping')}]`;
  let client: Client;

  beforeAll(async () => {
    client = await Client.open(mcp, { version: '2025-03-26' });
  });

  it(`${req('base.batch.received', 'streamable-http.batch.answer-type', 'streamable-http.batch.response-each')} are answered with an array of the answers`, async () => {
    const answer = await client.post(batch);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.body)).toEqual([
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 2, result: {} },
    ]);
  });

  it(`${req('streamable-http.batch.answer-type', 'streamable-http.batch.response-each', 'streamable-http.stream.not-closed-early')} are answered with a stream of them where something comes before`, async () => {
    const emit = requestBody(2, 'x/emit', { steps: 1, _meta: { progressToken: 't' } });
    const response = await send(mcp, {
      method: 'POST',
      body: `[${requestBody(1, 'ping')},${emit}]`,
      headers: client.headers,
    });
    const stream = new Stream(response);
    await stream.ended();
    expect(stream.messages.filter(({ id }) => id !== undefined).map(({ id }) => id)).toEqual([1, 2]);
    expect(stream.messages).toHaveLength(3);
  });

  it(`${req('streamable-http.batch.accepted-202')} of notifications are answered 202`, async () => {
    const answer = await client.post('[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"}]');
    expect(answer).toMatchObject({ status: 202, body: '' });
  });

  it(`${req('streamable-http.batch.accepted-202')} of responses are answered 202, and each is taken`, async () => {
    const asked = await Client.open(mcp, { version: '2025-03-26', capabilities: { roots: {} } });
    const questions = ['a', 'b'].map((id) => ({ jsonrpc: '2.0', id, method: 'roots/list' }));
    const stream = await asked.stream('x/emit', { messages: questions });
    await stream.ended();
    const answers = JSON.stringify(['a', 'b'].map((id) => ({ jsonrpc: '2.0', id, result: { roots: [] } })));
    expect(await asked.post(answers)).toMatchObject({ status: 202, body: '' });
    expect((await asked.post(answers)).status).toBe(400);
  });

  it('of one request are answered with an array of one', async () => {
    expect(JSON.parse((await client.post(`[${requestBody(1, 'ping')}]`)).body)).toHaveLength(1);
  });

  it.each(['2025-06-18', '2025-11-25'])('are refused in %s', async (version) => {
    const other = await Client.open(mcp, { version });
    const answer = await other.post(batch);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error).toMatchObject({
      code: -32600,
      message: expect.stringContaining(version),
    });
  });

  it.each([
    ['empty', '[]'],
    ['with initialize in it', `[${initializeBody()}]`],
    ['with something in it that is no message', `[${requestBody(1, 'ping')},7]`],
    ['with an id twice', `[${requestBody(1, 'ping')},${requestBody(1, 'ping')}]`],
  ])('are refused: %s', async (_, body) => {
    const answer = await client.post(body);
    expect(answer.status, answer.body).toBe(400);
    expect(JSON.parse(answer.body).error.code).toBe(-32600);
  });
});

describe('a large message', () => {
  it('of 10 MiB gets through in both directions', async () => {
    const client = await Client.open(mcp);
    const text = 'ä'.repeat(5 * 1024 * 1024);
    const { line } = await client.ask('x/line', { text });
    expect(JSON.parse(line).params.text === text).toBe(true);
    expect((await client.ask('x/big', { octets: 10 * 1024 * 1024 })).text).toHaveLength(10 * 1024 * 1024);
  });
});

describe('initialize', () => {
  it('that the server refuses gets the error, and there is no session', async () => {
    const answer = await post(mcp, initializeBody({ name: 'refused' }));
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('mcp-session-id');
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: 'init',
      error: { code: -32602, message: 'not you', data: { why: 'refused' } },
    });
    const { servers } = await proxy.status();
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
    expect(servers[0].sessions.filter(({ client }: any) => client.name === 'refused')).toEqual([]);
  });

  it('that is answered with a stream has the session id in the head of it', async () => {
    const response = await send(mcp, {
      method: 'POST',
      body: initializeBody({ name: 'chatty', capabilities: { roots: {} } }),
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    });
    const stream = new Stream(response);
    await stream.ended();
    expect(response.headers['mcp-session-id']).toMatch(/^[\x21-\x7e]+$/);
    expect(stream.messages).toMatchObject([{ method: 'notifications/message' }, { id: 'init', result: {} }]);
  });

  it('twice in a session is refused', async () => {
    const client = await Client.open(mcp);
    const answer = await client.post(initializeBody());
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ id: 'init', error: { code: -32600 } });
    expect(await client.ask('ping')).toEqual({});
  });

  it('without an id is refused', async () => {
    const answer = await post(mcp, '{"jsonrpc":"2.0","method":"initialize","params":{}}');
    expect(answer.status).toBe(400);
  });
});
