/** Connections that are closed on purpose, and kept alive until then. */
import { afterEach, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { Client, initializeBody, requestBody } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { closeAll, eventually, start } from './harness/proxy.js';

const OWN = { capabilities: { roots: {} } };

afterEach(closeAll);

/** Comes back to a stream until something is there. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
async function polled(client: Client, from: string): Promise<any[]> {
  for (let last = from; ; ) {
    const stream = await client.listen(last);
    await stream.ended();
    if (stream.messages.length > 0) return stream.messages;
    last = stream.lastId;
  }
}

describe('polling', () => {
  it(`${req('streamable-http.stream.retry-before-close', 'streamable-http.stream.primed')} an answer that takes long is polled for`, async () => {
    const { url } = await start({ pollAfter: 50 });
    const client = await Client.open(`${url}/mcp`, OWN);
    const call = await client.stream('x/hold', { key: 'k' }, 'held');
    await call.ended();
    expect(call.items).toMatchObject([
      { kind: 'event', data: '' },
      { kind: 'retry', ms: expect.any(Number) },
    ]);
    // As often as needed: each connection tells the place to come back to.
    let last = call.lastId;
    for (let round = 0; round < 2; round++) {
      const again = await client.listen(last);
      await again.ended();
      expect(again.items).toMatchObject([{ kind: 'event', data: '' }, { kind: 'retry' }]);
      expect(again.lastId).not.toBe(last);
      last = again.lastId;
    }
    await client.post(requestBody('r', 'x/release', { key: 'k' }));
    expect(await polled(client, last)).toEqual([{ jsonrpc: '2.0', id: 'held', result: { key: 'k' } }]);
  });

  it('what is answered between two polls while the proxy ends is there for the next one', async () => {
    const proxy = await start({ pollAfter: 50 });
    const client = await Client.open(`${proxy.url}/mcp`, OWN);
    const call = await client.stream('x/hold', { key: 'k' }, 'held');
    await call.ended();
    await client.post(requestBody('r', 'x/release', { key: 'k' }));
    await eventually(async () =>
      (await proxy.status()).servers[0].requests_in_flight === 0 ? true : undefined,
    );
    const closing = proxy.close();
    // The client takes the time that it was told to.
    const told = call.items.find((item) => item.kind === 'retry');
    await new Promise((resolve) => setTimeout(resolve, told?.ms));
    expect(await polled(client, call.lastId)).toEqual([{ jsonrpc: '2.0', id: 'held', result: { key: 'k' } }]);
    await closing;
  });

  it(`${req('streamable-http.get.retry-before-close')} so is the GET stream, and nothing is lost between`, async () => {
    const { url } = await start({ pollAfter: 50 });
    const client = await Client.open(`${url}/mcp`, OWN);
    const stream = await client.listen();
    await stream.ended();
    expect(stream.items.at(-1)).toMatchObject({ kind: 'retry' });
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    await client.post(requestBody('l', 'x/later', { messages: [changed] }));
    expect(await polled(client, stream.lastId)).toEqual([changed]);
  });

  it.each(['2025-03-26', '2025-06-18'])(
    `${req('streamable-http.stream.not-closed-early')} but not by clients of %s`,
    async (version) => {
      const { url } = await start({ pollAfter: 1 });
      const client = await Client.open(`${url}/mcp`, { version, ...OWN });
      const call = await client.stream('x/hold', { key: 'k', steps: 1, _meta: { progressToken: 1 } });
      await call.message(1);
      await client.ask('ping');
      await client.ask('x/release', { key: 'k' });
      await call.ended();
      expect(call.messages).toHaveLength(2);
      expect(call.items.filter(({ kind }) => kind === 'retry')).toEqual([]);
    },
  );
});

describe('keeping alive', () => {
  const limits = { keepAliveMs: 30 };

  it('an answer that takes long turns into a stream, with comments on it', async () => {
    const { url } = await start({ limits });
    const client = await Client.open(`${url}/mcp`, OWN);
    const call = await client.stream('x/hold', { key: 'k' }, 'held');
    await call.until(() => call.items.filter(({ kind }) => kind === 'comment').length >= 2);
    await client.post(requestBody('r', 'x/release', { key: 'k' }));
    await call.ended();
    expect(call.messages).toEqual([{ jsonrpc: '2.0', id: 'held', result: { key: 'k' } }]);
  });

  it('a client that takes JSON only waits for it', async () => {
    const { url } = await start({ limits });
    const client = await Client.open(`${url}/mcp`, OWN);
    const other = await client.stream('x/hold', { key: 'k' });
    const open = client.post(requestBody(1, 'x/hold', { key: 'k' }), { accept: 'application/json' });
    await other.until(() => other.items.filter(({ kind }) => kind === 'comment').length >= 2);
    await client.post(requestBody('r', 'x/release', { key: 'k' }));
    expect((await open).headers['content-type']).toBe('application/json');
    await other.ended();
  });

  it('silent GET and HTTP+SSE streams get comments', async () => {
    const { url } = await start({ limits });
    const client = await Client.open(`${url}/mcp`, OWN);
    const streams = [await client.listen(), new Stream(await send(`${url}/sse`, {}))];
    for (const stream of streams) {
      await stream.until(() => stream.items.filter(({ kind }) => kind === 'comment').length >= 2);
      expect(stream.messages.length).toBeLessThanOrEqual(1);
      stream.break();
    }
  });
});

describe('--stateless', () => {
  it('answers each POST by itself, without a session', async () => {
    const { url, status } = await start({ stateless: true });
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const post = (body: string) => exchange(`${url}/mcp`, { method: 'POST', body, headers });
    const [first, second] = await Promise.all([post(initializeBody()), post(requestBody(1, 'x/pid'))]);
    expect(first.headers).not.toHaveProperty('mcp-session-id');
    expect(JSON.parse(first.body)).toMatchObject({ id: 'init', result: { protocolVersion: '2025-11-25' } });
    expect((await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')).status).toBe(202);
    const { pid, initialize } = JSON.parse(second.body).result;
    expect(initialize).toMatchObject({ capabilities: {}, clientInfo: { name: 'mcp-proxy' } });
    expect(JSON.parse((await post(requestBody(2, 'x/pid'))).body).result.pid).toBe(pid);
    const stream = new Stream(
      await send(`${url}/mcp`, {
        method: 'POST',
        body: requestBody(1, 'x/emit', { steps: 2, _meta: { progressToken: 1 } }),
        headers,
      }),
    );
    await stream.ended();
    expect(stream.messages).toHaveLength(3);
    expect((await post('{"jsonrpc":"2.0","id":1,"result":{}}')).status).toBe(400);
    expect((await post(`[${requestBody(1, 'ping')},${requestBody(2, 'ping')}]`)).status).toBe(200);
    expect((await status()).servers[0]).toMatchObject({ sessions: [], processes: [{ sessions: 0 }] });
  });

  it(`${req('streamable-http.get.stream-or-405')} has no stream to open and no session to end`, async () => {
    const { url } = await start({ stateless: true });
    for (const method of ['GET', 'DELETE']) {
      const answer = await exchange(`${url}/mcp`, { method, headers: { accept: 'text/event-stream' } });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    }
  });

  it.each(['2025-03-26', '2025-06-18', '2024-11-05'])(
    'answers a client of %s in its version',
    async (version) => {
      const { url } = await start({ stateless: true });
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const answer = await exchange(`${url}/mcp`, {
        method: 'POST',
        body: initializeBody({ version }),
        headers,
      });
      expect(JSON.parse(answer.body).result.protocolVersion).toBe(version);
    },
  );
});
