/** Bad input: a clear error, and nothing else is disturbed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { exchange } from './harness/http.js';
import { closeAll, puppet, start, type TestProxy } from './harness/proxy.js';

const LIMIT = 100_000;
let proxy: TestProxy;
let mcp: string;
let client: Client;

beforeAll(async () => {
  proxy = await start({ limits: { maxBody: LIMIT }, namedServers: [puppet({ name: 'other' })] });
  mcp = `${proxy.url}/mcp`;
  client = await Client.open(mcp);
});
afterEach(async () => {
  expect(await client.ask('ping')).toEqual({});
});
afterAll(closeAll);

describe('a body', () => {
  it.each([
    ['that is empty', '', -32700],
    ['that is no JSON', '{"jsonrpc":"2.0","id":1', -32700],
    ['that is JSON and more', `${requestBody(1, 'ping')} x`, -32700],
    ['that is not UTF-8', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xff"}', 'latin1'), -32700],
    ['that is a number', '7', -32600],
    ['that is an object of another kind', '{"hello":"world"}', -32600],
    ['of JSON-RPC 1', '{"id":1,"method":"ping","params":{}}', -32600],
    ['with a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['with an object as its id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ['with both a method and a result', '{"jsonrpc":"2.0","id":1,"method":"a","result":{}}', -32600],
  ])(`${req('base.request.id-not-null', 'base.request.id-type')} %s gets 400`, async (_, body, code) => {
    const answer = await client.post(body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code, message: expect.stringMatching(/./) },
    });
  });

  it.each([
    ['told in advance', false],
    ['in chunks', true],
  ])('that is too large gets 413, and the client can read it: %s', async (_, chunked) => {
    const body = requestBody(1, 'x/line', { text: 'x'.repeat(64 * 1024 * 1024) });
    const answer = await post(mcp, body, { headers: client.headers, chunked });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({
      id: null,
      error: { code: -32600, message: expect.stringContaining(String(LIMIT)) },
    });
  });

  it('that is large and refused for another reason: the client can read that too', async () => {
    const body = 'x'.repeat(32 * 1024 * 1024);
    const answers = await Promise.all([
      client.post(body, { 'content-type': 'text/plain' }),
      client.post(body, { origin: 'http://evil.example' }),
      exchange(`${proxy.url}/nothing`, { method: 'POST', body }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([415, 403, 404]);
  });

  it('of exactly the limit is taken', async () => {
    const empty = requestBody(1, 'x/line', { text: '' });
    const body = requestBody(1, 'x/line', { text: 'x'.repeat(LIMIT - empty.length) });
    expect(body).toHaveLength(LIMIT);
    expect((await client.post(body)).status).toBe(200);
    expect((await client.post(`${body} `)).status).toBe(413);
  });

  it.each(['text/plain', 'application/json-rpc', 'multipart/form-data; boundary=application/json', ''])(
    'of the type "%s" gets 415',
    async (type) => {
      const answer = await client.post(requestBody(1, 'ping'), { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(JSON.parse(answer.body).error.message).toContain('application/json');
    },
  );

  it.each(['application/json; charset=utf-8', 'Application/JSON'])(
    'of the type "%s" is taken',
    async (type) => {
      expect((await client.post(requestBody(1, 'ping'), { 'content-type': type })).status).toBe(200);
    },
  );

  it('that is compressed gets 415', async () => {
    const answer = await client.post(requestBody(1, 'ping'), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(415);
  });
});

describe('headers', () => {
  it.each(['text/html', 'application/json;q=0, text/event-stream;q=0.0'])(
    'Accept: %s gets 406',
    async (accept) => {
      expect((await client.post(requestBody(1, 'ping'), { accept })).status).toBe(406);
    },
  );

  it.each(['*/*', 'application/*', ''])('Accept: "%s" is enough', async (accept) => {
    expect((await client.post(requestBody(1, 'ping'), { accept })).status).toBe(200);
  });

  it('GET that accepts no stream gets 406', async () => {
    const headers = { ...client.headers, accept: 'application/json' };
    expect((await exchange(mcp, { headers })).status).toBe(406);
  });

  it.each(['POST', 'GET', 'DELETE'])(
    `${req('streamable-http.session.unknown-404')} %s with an unknown session gets 404`,
    async (method) => {
      const body = method === 'POST' ? { body: requestBody(1, 'ping') } : {};
      const headers = { ...client.headers, 'mcp-session-id': '0'.repeat(32) };
      const answer = await exchange(mcp, { method, headers, ...body });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body).error.message).toContain('initialize');
    },
  );

  it.each(['POST', 'GET', 'DELETE'])(
    `${req('streamable-http.session.missing-400')} %s without a session gets 400`,
    async (method) => {
      const { 'mcp-session-id': _, ...headers } = client.headers;
      const body = method === 'POST' ? { body: requestBody(1, 'ping') } : {};
      expect((await exchange(mcp, { method, headers, ...body })).status).toBe(400);
    },
  );

  it('a session of one server is unknown on another', async () => {
    const other = new Client(`${proxy.url}/servers/other/mcp`, client.version, client.session);
    expect((await other.post(requestBody(1, 'ping'))).status).toBe(404);
    expect((await other.delete()).status).toBe(404);
    const url = `${proxy.url}/messages/?session_id=${client.session}`;
    expect((await post(url, requestBody(1, 'ping'))).status).toBe(404);
  });

  it.each(['2023-01-01', '2025-11-25, 2025-06-18', 'x'.repeat(200)])(
    `${req('streamable-http.version.invalid-400')} MCP-Protocol-Version: %s gets 400`,
    async (version) => {
      const answer = await client.post(requestBody(1, 'ping'), { 'mcp-protocol-version': version });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body).error.message).toContain('2025-11-25');
    },
  );

  it(`${req('streamable-http.version.assumed')} MCP-Protocol-Version may be missing`, async () => {
    const { 'mcp-protocol-version': _, ...headers } = client.headers;
    expect((await exchange(mcp, { method: 'POST', headers, body: requestBody(1, 'ping') })).status).toBe(200);
  });

  it('other methods get 405', async () => {
    for (const method of ['PUT', 'PATCH', 'HEAD']) {
      const answer = await exchange(mcp, { method, headers: client.headers });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toContain('POST');
    }
  });
});

describe('messages', () => {
  it(`${req('base.request.id-once')} with the id of a request that is open get 400`, async () => {
    const open = client.post(requestBody('same', 'x/hold', { key: 'ids' }));
    await client.ask('x/seen', { method: 'x/hold', count: 1 });
    const answer = await client.post(requestBody('same', 'ping'));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error.message).toContain('"same"');
    await client.ask('x/release', { key: 'ids' });
    expect(JSON.parse((await open).body)).toMatchObject({ id: 'same', result: { key: 'ids' } });
  });

  it(`${req('streamable-http.post.refused-4xx')} that answer what nobody asked get 400`, async () => {
    const answer = await client.post('{"jsonrpc":"2.0","id":"nobody","result":{}}');
    expect(answer.status).toBe(400);
    expect((await client.post('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}')).status).toBe(
      400,
    );
  });

  it('of a question are taken once only', async () => {
    const asked = await Client.open(mcp, { capabilities: { roots: {} } });
    const stream = await asked.stream('x/emit', {
      messages: [{ jsonrpc: '2.0', id: 1, method: 'roots/list' }],
    });
    await stream.message(1);
    const reply = '{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}';
    expect((await asked.post(reply)).status).toBe(202);
    expect((await asked.post(reply)).status).toBe(400);
  });

  it(`${req('cancellation.invalid-ignored', 'cancellation.race')} that cancel what is not open do no harm`, async () => {
    for (const params of [{ requestId: 'gone' }, { requestId: null }, {}, undefined]) {
      expect((await client.notify('notifications/cancelled', params)).status).toBe(202);
    }
  });
});

describe('paths', () => {
  it('that stand for nothing get 404', async () => {
    for (const path of [
      '/',
      '/x',
      '/servers/nobody/mcp',
      '/servers/other',
      '/mcp/x',
      '//mcp',
      '/servers/../mcp/..',
    ]) {
      const answer = await exchange(proxy.url + path, { method: 'POST', body: initializeBody() });
      expect(answer.status, path).toBe(404);
    }
  });

  it('are taken with a slash at the end, with a query, and never redirected', async () => {
    for (const path of ['/mcp/', '/mcp?x=1', '/servers/other/mcp/', '/servers/%6fther/mcp']) {
      expect((await post(proxy.url + path, initializeBody())).status, path).toBe(200);
    }
  });
});
