/** Who is let in, and what belongs to whom. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fixtureDefinition } from '../fixtures/processes.js';
import { guards } from '../security.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { type Answer, exchange, Stream, send } from './harness/http.js';
import { META, modernHeaders } from './harness/modern.js';
import { closeAll, puppet, start, type TestProxy } from './harness/proxy.js';

const ANN = 'ann-0123456789abcdef';
const BOB = 'bob-0123456789abcdef';
const AUTH = { apiKeys: `ann:${ANN}\nbob:${BOB}` };
const ann = { authorization: `Bearer ${ANN}` };
const bob = { 'x-api-key': BOB };
const PATHS = [
  '/mcp',
  '/sse',
  '/messages/',
  '/status',
  '/nothing',
  '/servers/default/mcp',
  '/servers/none/mcp',
];

afterEach(closeAll);

function startGuarded(more: Parameters<typeof start>[0] = {}): Promise<TestProxy> {
  return start({ auth: AUTH, ...more }, ann);
}

describe('with keys', () => {
  it(`${guards('auth.required', 'auth.nothing-told')} every path is closed to whoever has none, and nothing tells one from another`, async () => {
    const proxy = await startGuarded({ namedServers: [puppet({ name: 'a' })] });
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { 'x-api-key': `${ANN}x` }]) {
      const answers: Answer[] = [];
      for (const path of [
        ...PATHS,
        '/servers/a/mcp',
        '/servers/a/sse',
        '/servers/a/messages/?session_id=1',
      ]) {
        for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
          answers.push(await exchange(proxy.url + path, { method, headers }));
        }
      }
      const [{ status, headers: got, body }] = answers as [Answer];
      expect(status).toBe(401);
      expect(got['www-authenticate']).toMatch(/^Bearer realm="mcp-proxy"/);
      expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
      for (const answer of answers) {
        expect({ ...answer.headers, date: '' }).toEqual({ ...got, date: '' });
        expect([answer.status, answer.body]).toEqual([401, body]);
      }
    }
    expect((await proxy.status()).servers[0].sessions).toEqual([]);
  });

  it(`${guards('auth.required')} a key lets in, as a bearer token or by itself, with both transports and both eras`, async () => {
    const { url } = await startGuarded();
    expect(await (await Client.open(`${url}/mcp`, { headers: ann })).ask('ping')).toEqual({});
    expect(await (await Client.open(`${url}/mcp`, { headers: bob })).ask('ping')).toEqual({});
    expect((await exchange(`${url}/status`, { headers: { ...ann, 'x-api-key': ANN } })).status).toBe(200);
    const stream = new Stream(await send(`${url}/sse`, { headers: bob }));
    const endpoint = await stream.next();
    if (endpoint.kind !== 'event') throw new Error('no endpoint');
    expect((await post(url + endpoint.data, initializeBody(), { headers: bob })).status).toBe(202);
    expect(await stream.message(1)).toMatchObject({ id: 'init', result: {} });
    stream.break();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x/pid', params: { _meta: META } });
    const headers = { ...modernHeaders('x/pid'), ...bob };
    expect(JSON.parse((await post(`${url}/mcp`, body, { headers })).body)).toMatchObject({ result: {} });
  });

  it(`${guards('auth.contradiction')} two that differ let nobody in, in either order`, async () => {
    const { url } = await startGuarded();
    for (const headers of [
      { ...ann, ...bob },
      { authorization: 'Bearer wrong', 'x-api-key': ANN },
      { ...ann, 'x-api-key': 'wrong' },
      { ...ann, 'x-api-key': `${ANN}, ${ANN}` },
    ]) {
      expect((await exchange(`${url}/status`, { headers })).status).toBe(401);
    }
  });

  it(`${guards('auth.contradiction')} nor does a header that comes twice`, async () => {
    const { url } = await startGuarded();
    const { hostname, port } = new URL(url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = ['Host', `${hostname}:${port}`, 'X-API-Key', ANN, 'X-API-Key', BOB];
      request({ hostname, port, path: '/status', headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
    expect(status).toBe(401);
  });

  it(`${guards('auth.order')} whoever comes from a page or under a name that may not is refused before that`, async () => {
    const { url } = await startGuarded({ allowOrigins: ['https://app.example'] });
    expect(
      (await exchange(`${url}/mcp`, { headers: { ...ann, origin: 'https://evil.example' } })).status,
    ).toBe(403);
    expect((await exchange(`${url}/mcp`, { headers: { ...ann, host: 'evil.example' } })).status).toBe(403);
    const origin = 'https://app.example';
    const asked = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    expect(await exchange(`${url}/mcp`, { method: 'OPTIONS', headers: asked })).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-headers': 'authorization' },
    });
    // A page has to be able to read what it is asked for.
    expect(await exchange(`${url}/mcp`, { headers: { origin } })).toMatchObject({
      status: 401,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-expose-headers': expect.stringContaining('WWW-Authenticate'),
      },
    });
  });

  it(`${guards('auth.body-unread')} what somebody unknown sends is neither kept nor looked into`, async () => {
    const { url, events } = await startGuarded({ limits: { maxBody: 1000 } });
    const answer = await post(`${url}/mcp`, 'x'.repeat(8_000_000), { chunked: true });
    expect(answer.status).toBe(401);
    expect(events.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it(`${guards('auth.told')} wrong keys are told of once, without what was sent`, async () => {
    const { url, events } = await startGuarded();
    for (let n = 0; n < 5; n++) {
      await exchange(`${url}/status`, { headers: { authorization: 'Bearer canary-canary-canary' } });
    }
    const told = events.filter(({ level }) => level === 'warning').map(({ text }) => text);
    expect(told).toEqual([expect.stringMatching(/a request was refused.*401/)]);
    expect(JSON.stringify(events)).not.toContain('canary');
  });

  it(`${guards('keys.reloaded')} one that is taken out of the file is good for nothing any more`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
    const file = join(directory, 'keys');
    writeFileSync(file, `ann:${ANN}\nbob:${BOB}\n`, { mode: 0o600 });
    try {
      const { url } = await start({ auth: { apiKeyFile: file } }, ann);
      const client = await Client.open(`${url}/mcp`, { headers: bob });
      writeFileSync(file, `ann:${ANN}\n`);
      for (;;) {
        const answer = await client.post(requestBody(1, 'ping'));
        if (answer.status === 401) break;
        expect(answer.status).toBe(200);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect((await exchange(`${url}/status`, { headers: ann })).status).toBe(200);
      await closeAll();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a session', () => {
  it(`${guards('session.bound')} is not there for another, who has its id: no message, no stream, no replay, no end`, async () => {
    const { url } = await startGuarded();
    const mcp = `${url}/mcp`;
    const own = await Client.open(mcp, { headers: ann });
    const call = await own.stream('x/emit', { steps: 2, _meta: { progressToken: 1 } });
    await call.ended();
    const thief = new Client(mcp, own.version, own.session, bob);
    expect((await thief.post(requestBody(1, 'x/pid'))).status).toBe(404);
    expect((await thief.post(initializeBody())).status).toBe(404);
    await expect(thief.listen()).rejects.toThrow(/^404/);
    await expect(thief.listen(call.events[0]?.id)).rejects.toThrow(/^404/);
    expect((await thief.delete()).status).toBe(404);
    // The same as for one that never was.
    const none = new Client(mcp, own.version, '0'.repeat(32), bob);
    expect((await none.post(requestBody(1, 'x/pid'))).body).toBe(
      (await thief.post(requestBody(1, 'x/pid'))).body,
    );
    expect(await own.ask('ping')).toEqual({});
    const replay = await own.listen(call.events[0]?.id);
    expect(await replay.message(1)).toMatchObject({});
    replay.break();
  });

  it(`${guards('session.bound')} over HTTP+SSE neither`, async () => {
    const { url } = await startGuarded();
    const stream = new Stream(await send(`${url}/sse`, { headers: ann }));
    const endpoint = await stream.next();
    if (endpoint.kind !== 'event') throw new Error('no endpoint');
    expect((await post(url + endpoint.data, initializeBody(), { headers: bob })).status).toBe(404);
    expect((await post(url + endpoint.data, initializeBody(), { headers: ann })).status).toBe(202);
    expect((await post(url + endpoint.data, requestBody(2, 'ping'), { headers: bob })).status).toBe(404);
    stream.break();
  });
});

describe('a process', () => {
  async function pidOf(url: string, headers: Record<string, string>): Promise<number> {
    return (await (await Client.open(url, { headers })).ask('x/pid')).pid;
  }

  async function modernPid(url: string, headers: Record<string, string>): Promise<number> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x/pid', params: { _meta: META } });
    const answer = await post(url, body, { headers: { ...modernHeaders('x/pid'), ...headers } });
    return JSON.parse(answer.body).result.pid;
  }

  it(`${guards('process.bound')} is that of one principal, whatever clients look like`, async () => {
    const { url } = await startGuarded();
    const first = await pidOf(`${url}/mcp`, ann);
    expect(await pidOf(`${url}/mcp`, ann)).toBe(first);
    expect(await pidOf(`${url}/mcp`, bob)).not.toBe(first);
  });

  it(`${guards('process.bound')} of a modern client too`, async () => {
    const { url } = await startGuarded();
    const first = await modernPid(`${url}/mcp`, ann);
    expect(await modernPid(`${url}/mcp`, ann)).toBe(first);
    expect(await modernPid(`${url}/mcp`, bob)).not.toBe(first);
  });

  it(`${guards('process.bound')} and of requests without a session`, async () => {
    const { url } = await startGuarded({ stateless: true });
    const pid = async (headers: Record<string, string>): Promise<number> =>
      JSON.parse((await post(`${url}/mcp`, requestBody(1, 'x/pid'), { headers })).body).result.pid;
    const first = await pid(ann);
    expect(await pid(ann)).toBe(first);
    expect(await pid(bob)).not.toBe(first);
  });

  it('is one for all where that was asked for', async () => {
    const { url } = await startGuarded({ defaultServer: puppet({ sharing: 'shared' }) });
    expect(await pidOf(`${url}/mcp`, bob)).toBe(await pidOf(`${url}/mcp`, ann));
  });
});

it(`${guards('state.bound')} a call that waits for its client goes on for that one only`, async () => {
  const defaultServer = fixtureDefinition('legacy-raw.mjs', {}, { name: 'default' });
  const { url } = await startGuarded({ defaultServer });
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { roots: {} } };
  const question = { id: 'q', method: 'roots/list' };
  const call = { name: 'ask', arguments: { question } };
  let id = 0;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  const calls = async (more: object, headers: Record<string, string>): Promise<any> => {
    const params = { ...call, ...more, _meta };
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params });
    return JSON.parse(
      (await post(`${url}/mcp`, body, { headers: { ...modernHeaders('tools/call', 'ask'), ...headers } }))
        .body,
    );
  };
  const { result } = await calls({}, ann);
  expect(result).toMatchObject({ resultType: 'input_required' });
  const [key] = Object.keys(result.inputRequests);
  const retry = { requestState: result.requestState, inputResponses: { [String(key)]: { roots: [] } } };
  expect(await calls(retry, bob)).toMatchObject({
    error: { code: -32602, message: expect.stringContaining('not given to this client') },
  });
  expect(await calls(retry, ann)).toMatchObject({ result: { resultType: 'complete' } });
});

describe('an address that others reach', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1'])(
    `${guards('bind.refused')} is none to begin with: %s`,
    async (host) => {
      await expect(start({ host })).rejects.toThrow(/--api-key-file.*127\.0\.0\.1.*--allow-unauthenticated/);
    },
  );

  it(`${guards('bind.refused')} is one where clients are asked who they are`, async () => {
    const proxy = await startGuarded({ host: '0.0.0.0' });
    const url = `http://127.0.0.1:${new URL(proxy.url).port}`;
    expect((await exchange(`${url}/status`)).status).toBe(401);
    expect((await exchange(`${url}/status`, { headers: ann })).status).toBe(200);
  });
});

it(`${guards('auth.slow')} who does not finish a request keeps nobody else waiting`, async () => {
  const { url } = await startGuarded();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{');
  const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  expect((await exchange(`${url}/status`, { headers: ann })).status).toBe(200);
  socket.destroy();
});
