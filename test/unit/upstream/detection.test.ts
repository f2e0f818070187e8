import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { RemoteLink } from '../../../src/remote/remote-link.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { req } from '../../requirements.js';
import { Client, events, QUICK } from '../remote/fixture.js';
import { type Asked, type Server, serve, welcome } from '../remote/server.js';

const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

async function connect(answer: (asked: Asked, response: ServerResponse) => void, timings: object = {}) {
  const server: Server = await serve(answer);
  const options = { url: server.url, transport: 'auto', headers: [], verify: true, era: 'legacy' } as const;
  const link: RemoteLink = connectRemote({ ...options, timings: { ...QUICK, ...timings } }, events().emit);
  cleaning.push(server.stop, async () => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  });
  return { client: new Client(link), asked: server.asked };
}

/** A server with HTTP+SSE only, that answers a POST to the address of its stream with `status`. */
function old(status: number) {
  let stream: ServerResponse | undefined;
  return ({ method, path, message }: Asked, response: ServerResponse): void => {
    if (method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: endpoint\ndata: /post\n\n');
      stream = response;
    } else if (path === '/post') {
      response.writeHead(202).end();
      if (message.id !== undefined) stream?.write(`event: message\ndata: ${welcome(message.id)}\n\n`);
    } else response.writeHead(status).end();
  };
}

test.each([400, 404, 405])(
  `${req('streamable-http.client.detects-old')} HTTP+SSE is found behind a POST's %i`,
  async (status) => {
    const { client, asked } = await connect(old(status));
    expect((await client.begin()).result).toBeDefined();
    const [first, second, third] = asked.map(({ method, path }) => `${method} ${path}`);
    expect([first, second, third]).toEqual(['POST /mcp', 'GET /mcp', 'POST /post']);
  },
);

test('HTTP+SSE is found where a POST begins its stream as a GET does', async () => {
  const ofGet = old(405);
  const { client, asked } = await connect((one, response) => {
    if (one.method !== 'POST' || one.path === '/post') ofGet(one, response);
    else {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: endpoint\ndata: /post\n\n');
    }
  });
  expect((await client.begin()).result).toBeDefined();
  const ways = asked.map(({ method, path }) => `${method} ${path}`);
  expect(ways.slice(0, 3)).toEqual(['POST /mcp', 'GET /mcp', 'POST /post']);
});

test.each([402, 406, 410, 415, 418, 422, 451, 501])('HTTP+SSE is found behind a %i too', async (status) => {
  const { client } = await connect(old(status));
  expect((await client.initialize()).result).toBeDefined();
});

test.each([401, 403, 407, 408, 429, 500])('a %i says nothing of the transport', async (status) => {
  const { client, asked } = await connect(old(status));
  expect((await client.initialize()).error?.message).toContain(`status ${status}`);
  expect(asked.map(({ method }) => method)).toEqual(['POST']);
});

test('where both fail, both are told', async () => {
  const { client } = await connect(({ method }, response) => {
    response.writeHead(method === 'POST' ? 410 : 418).end();
  });
  expect((await client.initialize()).error?.message).toMatch(/POST.*410.*GET.*418/);
});

test('where the GET finds nobody, both are told', async () => {
  const { client } = await connect(
    ({ method }, response) => response.writeHead(method === 'POST' ? 410 : 503).end(),
    { retryWindow: 30 },
  );
  expect((await client.initialize()).error?.message).toMatch(/POST.*410.*GET.*503.*Tried (once|\d+ times)/);
});

test('a first request that fails does not take initialize down with it', async () => {
  const { client, asked } = await connect(({ method, message }, response) => {
    if (method !== 'POST') response.writeHead(405).end();
    else if (message.method === 'initialize') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(message.id));
    } else if (message.id === undefined) response.writeHead(202).end();
    else response.writeHead(400).end('not initialized');
  });
  const pings = [client.request('a', 'ping'), client.request('b', 'ping')];
  const initialized = client.begin();
  for (const ping of pings) expect((await ping).error?.message).toContain('400');
  expect((await initialized).result).toBeDefined();
  expect(asked.filter(({ message }) => message.method === 'initialize')).toHaveLength(1);
});

test('a first request that is never answered does not hold initialize back for ever', async () => {
  const { client } = await connect(
    ({ method, message }, response) => {
      if (method !== 'POST') response.writeHead(405).end();
      else if (message.method === 'initialize') {
        response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(message.id));
      } else if (message.id === undefined) response.writeHead(202).end();
    },
    { handshake: 300 },
  );
  const ping = client.request('a', 'ping');
  expect((await client.begin()).result).toBeDefined();
  expect((await ping).error?.message).toContain('did not answer "ping"');
});

test('what follows an initialize that fails, fails with it', async () => {
  const { client, asked } = await connect((_asked, response) => response.writeHead(500).end());
  const initialized = client.begin();
  const call = client.request(1, 'tools/list');
  expect((await initialized).error?.message).toContain('500');
  expect((await call).error?.message).toContain('500');
  expect(asked).toHaveLength(1);
});

test(`${req('streamable-http.client.cancels-explicitly')} a cancellation is a message, and leaves the POST open`, async () => {
  let open: ServerResponse | undefined;
  let closed = false;
  const { client } = await connect(
    ({ method, message }, response) => {
      const answer = (id: unknown): unknown =>
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
      if (method !== 'POST') response.writeHead(405).end();
      else if (message.id === undefined) response.writeHead(202).end();
      else if (message.method === 'slow') {
        open = response;
        response.on('close', () => {
          closed = !response.writableFinished;
        });
      } else {
        response.writeHead(200, { 'content-type': 'application/json' });
        if (message.method === 'initialize') response.end(welcome(message.id));
        else answer(message.id);
      }
    },
    { cancelled: 60_000 },
  );
  await client.begin();
  client.send({ id: 9, method: 'slow' });
  client.send({ method: 'notifications/cancelled', params: { requestId: 9 } });
  await client.request(10, 'after'); // goes out when the cancellation is taken
  expect(closed).toBe(false);
  const late = open;
  if (late === undefined) throw new Error('the call did not come');
  late.writeHead(200, { 'content-type': 'application/json' });
  late.end(JSON.stringify({ jsonrpc: '2.0', id: 9, result: {} }));
  if (!late.writableFinished) await once(late, 'finish');
  expect(closed).toBe(false);
  expect(client.got.some(({ id }) => id === 9)).toBe(false);
});
