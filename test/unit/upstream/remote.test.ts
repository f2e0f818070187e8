import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { RemoteLink } from '../../../src/remote/remote-link.js';
import { connectRemote, type RemoteOptions } from '../../../src/upstream/remote.js';
import { Client, events, Fixture, QUICK } from '../remote/fixture.js';
import { serve, welcome } from '../remote/server.js';

let fixture: Fixture;
let sdk: Fixture;
const links: RemoteLink[] = [];

beforeAll(async () => {
  [fixture, sdk] = await Promise.all([
    Fixture.start('remote-misbehaving.mjs'),
    Fixture.start('remote-sdk.mjs', { SDK: '1' }),
  ]);
});

afterEach(async () => {
  for (const link of links.splice(0)) {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  }
});

afterAll(async () => {
  await Promise.all([fixture.stop(), sdk.stop()]);
});

function connect(url: URL, more: Partial<RemoteOptions> = {}) {
  const told = events();
  const link = connectRemote(
    {
      url,
      transport: 'auto',
      headers: [],
      verify: true,
      era: 'legacy',
      ...more,
      timings: { ...QUICK, ...more.timings },
    },
    told.emit,
  );
  links.push(link);
  return { client: new Client(link), link, texts: told.texts };
}

test.each(['initialize', 'echo'])(
  'an id that is in use while the connection is made is refused without an id: %s',
  async (method) => {
    const { client } = connect(sdk.url('/mcp'));
    const initialized = client.begin('2025-06-18');
    client.send({ id: 0, method, params: {} });
    client.send({ id: 7, method: 'echo', params: { n: 7 } });
    client.send({ id: 7, method: 'echo', params: { n: 8 } });
    expect(await initialized).toMatchObject({ id: 0, result: {} });
    await client.until(({ id }) => id === 7);
    expect(client.got.filter(({ id }) => id === 7)).toHaveLength(1);
    expect(client.got.filter(({ error }) => error?.code === -32600)).toHaveLength(2);
  },
);

test('finds an HTTP+SSE server of the SDK by its 405, and sends nothing twice', async () => {
  const { client, texts } = connect(sdk.url('/sse'));
  const initialized = client.begin('2024-11-05');
  client.send({ id: 1, method: 'echo', params: { n: 1 } });
  client.send({ id: 2, method: 'echo', params: { n: 2 } });
  await initialized;
  await client.until(({ id }) => id === 2);
  expect(client.got.map(({ id }) => id)).toEqual([0, 1, 2]);
  expect(texts()).toContain('over HTTP+SSE');
  const posts = (await sdk.log()).filter(({ method }) => method === 'POST').map(({ path }) => path);
  expect(posts.filter((path) => path === '/sse')).toHaveLength(1);
  expect(posts.filter((path) => path === '/messages')).toHaveLength(4);
});

test('a forced transport is not searched for', async () => {
  const sse = connect(sdk.url('/sse'), { transport: 'sse' });
  expect((await sse.client.begin('2024-11-05')).result).toBeDefined();
  const forced = connect(sdk.url('/sse'), { transport: 'streamablehttp' });
  expect((await forced.client.initialize()).error?.message).toContain('405');
});

test.each(['/old', '/old-absolute'])('an endpoint may be relative or absolute: %s', async (path) => {
  const { client } = connect(fixture.url(path));
  await client.begin('2024-11-05');
  expect((await client.request(1, 'hello')).result).toEqual({ method: 'hello' });
});

test.each([
  ['/html', /text\/html.*Shop Buy now.*URL/],
  ['/nothing', /not look like an MCP server.*POST.*404: Not Found.*GET.*404/],
  ['/old-elsewhere', /another origin \(http:\/\/elsewhere\.example\/steal\?\*\*\*\), which is refused/],
  ['/redirect-away', /307.*points to http:\/\/elsewhere\.example\/mcp\?\*\*\*/],
  ['/token-needed', /401: who\?.*credentials/],
])('what is no MCP server is told in words: %s', async (path, words) => {
  const { client, texts } = connect(fixture.url(path));
  const { error } = await client.initialize();
  expect(error?.message).toMatch(words);
  expect(error?.code).toBe(-32603);
  expect(texts()).not.toMatch(/secret|user:pw/);
  expect((await client.initialize(1)).error).toBeDefined(); // and the link can still be used
});

test('a stream with no endpoint is given up in time', async () => {
  const { client } = connect(fixture.url('/old-silent'), { timings: { endpoint: 100 } });
  expect((await client.initialize()).error?.message).toMatch(/"endpoint" event/);
});

test('an error of the server itself survives the search', async () => {
  const { client } = connect(fixture.url('/init-error'));
  expect((await client.initialize('x')).error).toEqual({ code: -32602, message: 'bad version' });
});

test('403 proves nothing, is not searched further, and shows no secret', async () => {
  const headers = [['Authorization', 'Bearer very-secret-token']] as const;
  const { client, texts } = connect(fixture.url('/forbidden?key=hidden-value'), { headers });
  const { error } = await client.initialize();
  expect(error?.message).toMatch(/403: No: \*\*\*/);
  expect(error?.message + texts()).not.toMatch(/very-secret|hidden-value/);
  const asked = (await fixture.log()).filter((entry) => entry.path === '/forbidden');
  expect(asked.map(({ method }) => method)).toEqual(['POST']);
});

const KEY = 'KEY/abcdef=123456';
const ENCODED = encodeURIComponent(KEY);

test.each<[string, Parameters<typeof serve>[0]]>([
  ['a redirect', (_asked, response) => response.writeHead(302, { location: `/login/${ENCODED}` }).end()],
  ['an endpoint elsewhere', old(`http://elsewhere.example/${KEY}`)],
  ['no message', (_asked, response) => response.end(`no ${KEY}`)],
  ['a refusal', (_asked, response) => response.writeHead(500).end()],
  ['no stream', ({ method }, response) => response.writeHead(method === 'POST' ? 404 : 401).end()],
  [
    'a good server',
    ({ message }, response) =>
      response.setHeader('content-type', 'application/json').end(welcome(message.id)),
  ],
])('a secret in the path of a URL is not shown: %s', async (_what, answer) => {
  const { url, stop } = await serve(answer);
  try {
    for (const era of ['legacy', 'auto'] as const) {
      const headers = [['X-Api-Key', KEY]] as const;
      const { client, link, texts } = connect(new URL(`/a/${ENCODED}/mcp`, url), { headers, era });
      const { error, result } = await client.initialize();
      link.close({ kind: 'stopping', text: 'that was all' });
      await link.done;
      const shown = `${error?.message} ${texts()}`;
      expect(shown).not.toMatch(/abcdef/);
      expect(shown).toMatch(result === undefined ? /\*\*\*/ : /Connected to \S+\/a\/\*\*\*\/mcp/);
    }
  } finally {
    await stop();
  }
});

/** A server with HTTP+SSE only, whose stream names that endpoint. */
function old(endpoint: string): Parameters<typeof serve>[0] {
  return ({ method }, response) => {
    if (method !== 'GET') response.writeHead(405).end();
    else {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
    }
  };
}

test('503 is tried again until it passes', async () => {
  const { client } = connect(fixture.url('/unavailable'));
  expect((await client.begin()).result).toBeDefined();
});

test('a redirect within the origin is followed', async () => {
  const { client } = connect(fixture.url('/redirect'));
  await client.begin();
  expect((await client.request(1, 'hello')).result).toEqual({ method: 'hello' });
});

test('nobody there: tried again, told, and the next initialize finds who came since', async () => {
  const port = await freePort();
  const timings = { retryWindow: 300 };
  const { client } = connect(new URL(`http://127.0.0.1:${port}/decent`), { timings });
  const early = client.request(7, 'early');
  expect((await early).error?.message).toMatch(
    /cannot be reached.*ECONNREFUSED.*Tried (once|\d+ times) in \d+ s/,
  );
  const late = await Fixture.start('remote-misbehaving.mjs', { PORT: String(port) });
  try {
    expect((await client.initialize('again')).result).toBeDefined();
  } finally {
    await late.stop();
  }
});

test.each(['legacy', 'auto'] as const)('no wait goes on after the end of the window: era %s', async (era) => {
  const port = await freePort();
  const url = new URL(`http://127.0.0.1:${port}/decent`);
  const timings = { retryWindow: 50, retryFirst: 2 ** 31 - 1, retryMax: 2 ** 31 - 1 };
  const { client } = connect(url, { timings, era });
  // How often depends on how long the first try takes. That there is an answer at all is what counts.
  expect((await client.initialize()).error?.message).toMatch(/Tried (once|\d+ times) in \d+ s/);
});

test('a server that comes late is waited for, and nothing is lost or doubled', async () => {
  const port = await freePort();
  const { client } = connect(new URL(`http://127.0.0.1:${port}/decent`), {
    timings: { retryWindow: 60_000 },
  });
  const initialized = client.initialize();
  client.send({ method: 'notifications/initialized' });
  client.send({ id: 1, method: 'one' });
  const late = await Fixture.start('remote-misbehaving.mjs', { PORT: String(port) });
  try {
    expect((await initialized).result).toBeDefined();
    await client.until(({ id }) => id === 1);
    const names = (await late.log()).map(({ name }) => name).filter((name) => name !== 'GET');
    expect(names).toEqual(['initialize', 'notifications/initialized', 'one']);
  } finally {
    await late.stop();
  }
});

test('a server may ask in the middle of the handshake', async () => {
  const { client } = connect(fixture.url('/asks-first'));
  const initialized = client.initialize();
  const question = await client.until(({ method }) => method === 'ping');
  client.send({ id: question.id, result: {} });
  expect((await initialized).result).toBeDefined();
});

test('headers: the transport keeps its own, the user has the others', async () => {
  const headers = [
    ['Content-Type', 'text/plain'],
    ['Mcp-Session-Id', 'mine'],
    ['X-Tenant', 'blue'],
  ] as const;
  const { client, texts } = connect(fixture.url('/decent?headers'), { headers });
  await client.begin();
  const [post] = (await fixture.log()).filter((entry) => entry.headers?.['x-tenant'] === 'blue');
  expect(post?.headers).toMatchObject({ 'content-type': 'application/json', 'x-tenant': 'blue' });
  expect(post?.headers).not.toHaveProperty('mcp-session-id');
  expect(texts()).toContain('"Content-Type" is left out');
});

test('a header that cannot be sent is refused without its value', () => {
  const headers = [['X-Bad', 'se\ncret']] as const;
  expect(() => connect(fixture.url('/decent'), { headers })).toThrow(/"X-Bad"(?!.*cret)/s);
  expect(() => connect(fixture.url('/decent'), { verify: '/no/such/file', era: 'legacy' })).toThrow(
    /CA bundle.*ENOENT/,
  );
});

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
