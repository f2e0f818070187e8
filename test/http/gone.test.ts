/** Clients that vanish in the middle of something, and what must not stay behind. */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { row } from '../faults/harness/fault.js';
import { BOTH, Client, initializeBody, post, requestBody } from './harness/client.js';
import { exchange, Stream, send, whole } from './harness/http.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

afterEach(closeAll);

const agent = new Agent({ keepAlive: false });
const HEADERS = { 'content-type': 'application/json', accept: BOTH };

/** A POST whose body the test sends when it wants to. */
function slowPost(url: string, headers: Record<string, string> = HEADERS) {
  const sent: ClientRequest = request(url, { method: 'POST', agent, headers });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
  response.catch(() => undefined); // for those that the test breaks
  return { sent, response };
}

/** The first half of the body is there once the proxy has read it; the wait for `/status` sees to that. */
async function begun(proxy: TestProxy, sent: ClientRequest, text: string): Promise<void> {
  await new Promise<void>((resolve) => sent.write(text, () => resolve()));
  await proxy.status();
}

async function sse(proxy: TestProxy): Promise<{ stream: Stream; endpoint: string }> {
  const stream = new Stream(await send(`${proxy.url}/sse`, {}));
  const first = await stream.next();
  if (first.kind !== 'event') throw new Error('no endpoint');
  return { stream, endpoint: proxy.url + first.data };
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
async function server(proxy: TestProxy): Promise<any> {
  return (await proxy.status()).servers[0];
}

/** Settles when nobody uses any process of the default server, and none of them has anything to do. */
async function unused(proxy: TestProxy): Promise<void> {
  await eventually(async () => {
    const { sessions, processes, requests_in_flight: open } = await server(proxy);
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const left = processes.filter((one: any) => one.sessions > 0);
    return sessions.length === 0 && left.length === 0 && open === 0 ? true : undefined;
  });
}

describe('a session that ends while a body is on its way', () => {
  it.each([
    ['initialize', initializeBody({ capabilities: { roots: {} } })],
    ['another request', requestBody(1, 'ping')],
  ])('HTTP+SSE, %s: 404, and nothing is begun', async (_, body) => {
    const proxy = await start();
    const { stream, endpoint } = await sse(proxy);
    const { sent, response } = slowPost(endpoint);
    await begun(proxy, sent, body.slice(0, 10));
    stream.break();
    await eventually(async () => ((await server(proxy)).sessions.length === 0 ? true : undefined));
    sent.end(body.slice(10));
    const answer = await whole(await response);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toHaveProperty('error');
    await unused(proxy);
  });

  it('Streamable HTTP: 404', async () => {
    const proxy = await start();
    const client = await Client.open(`${proxy.url}/mcp`);
    const { sent, response } = slowPost(client.url, client.headers);
    const body = requestBody(1, 'ping');
    await begun(proxy, sent, body.slice(0, 10));
    expect((await client.delete()).status).toBe(200);
    sent.end(body.slice(10));
    expect((await whole(await response)).status).toBe(404);
  });
});

describe('--stateless', () => {
  it(`${row('gone.in-call')} a call whose client has gone is cancelled`, async () => {
    const proxy = await start({ stateless: true });
    const url = `${proxy.url}/mcp`;
    const { sent, response } = slowPost(url);
    sent.end(requestBody('held', 'x/hold', { key: 'never' }));
    await post(url, requestBody(1, 'x/seen', { method: 'x/hold', count: 1 }));
    sent.destroy();
    await expect(response).rejects.toThrow();
    const seen = await post(url, requestBody(2, 'x/seen', { method: 'notifications/cancelled', count: 1 }));
    expect(JSON.parse(seen.body).result.messages).toHaveLength(1);
    await unused(proxy);
  });

  it('so is one whose answer is a stream already', async () => {
    const proxy = await start({ stateless: true });
    const url = `${proxy.url}/mcp`;
    const params = { key: 'never', steps: 1, _meta: { progressToken: 1 } };
    const stream = new Stream(
      await send(url, { method: 'POST', headers: HEADERS, body: requestBody('held', 'x/hold', params) }),
    );
    await stream.message(1);
    stream.break();
    await unused(proxy);
  });
});

describe('a client of Streamable HTTP that vanishes before initialize is answered', () => {
  const silent = puppet({ env: { HTTP_PUPPET: 'silent' } });

  it(`${row('gone.before-session')} leaves no session and no process`, async () => {
    const proxy = await start({ defaultServer: silent });
    const { sent, response } = slowPost(`${proxy.url}/mcp`);
    sent.end(initializeBody({ capabilities: { roots: {} } }));
    await eventually(async () => ((await server(proxy)).sessions.length === 1 ? true : undefined));
    const { processes } = await server(proxy);
    sent.destroy();
    await expect(response).rejects.toThrow();
    await unused(proxy);
    expect((await server(proxy)).processes).not.toContainEqual(
      expect.objectContaining({ pid: processes[0].pid }),
    );
  });

  it('also where it was fed in the meantime', async () => {
    const proxy = await start({ defaultServer: silent, limits: { keepAliveMs: 30 } });
    const stream = new Stream(
      await send(`${proxy.url}/mcp`, {
        method: 'POST',
        headers: HEADERS,
        body: initializeBody({ capabilities: { roots: {} } }),
      }),
    );
    stream.break();
    await unused(proxy);
  });

  it('stays where the client was answered', async () => {
    const proxy = await start();
    const client = await Client.open(`${proxy.url}/mcp`);
    expect((await server(proxy)).sessions).toHaveLength(1);
    expect(await client.ask('ping')).toEqual({});
  });
});

describe('the end of the proxy over HTTP+SSE', () => {
  it('tells each request that is open, and only those', async () => {
    const proxy = await start();
    const { stream, endpoint } = await sse(proxy);
    await post(endpoint, initializeBody());
    await stream.message(1);
    for (const id of ['"held"', '7', '"given up"']) {
      const params = '{"key":"never"}';
      await post(endpoint, `{"jsonrpc":"2.0","id":${id},"method":"x/hold","params":${params}}`);
    }
    await post(endpoint, requestBody('seen', 'x/seen', { method: 'x/hold', count: 3 }));
    await stream.message(2);
    await post(
      endpoint,
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"given up"}}',
    );
    await post(endpoint, requestBody('told', 'x/seen', { method: 'notifications/cancelled', count: 1 }));
    await stream.message(3);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const closing = proxy.close();
      await vi.advanceTimersByTimeAsync(5100);
      vi.useRealTimers();
      await closing;
    } finally {
      vi.useRealTimers();
    }
    await stream.ended();
    const message = expect.stringContaining('stopping');
    expect(stream.messages.slice(3)).toEqual([
      { jsonrpc: '2.0', id: 'held', error: { code: -32603, message } },
      { jsonrpc: '2.0', id: 7, error: { code: -32603, message } },
    ]);
    await expect(exchange(`${proxy.url}/status`)).rejects.toThrow('ECONNREFUSED');
  });
});
