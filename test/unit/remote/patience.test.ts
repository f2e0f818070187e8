/** 429 and 503 with `Retry-After`: the server has processed nothing, and says when to come again. */
import { afterEach, expect, test } from 'vitest';
import { exchange, request } from '../../../src/remote/exchange.js';
import { HttpClient, type HttpOptions } from '../../../src/remote/http.js';
import { askedFor, Patience } from '../../../src/remote/patience.js';
import type { RemoteLink } from '../../../src/remote/remote-link.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, QUICK } from './fixture.js';
import { type Asked, type Server, serve, welcome } from './server.js';

const cleaning: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** A server that refuses with these headers, as often as `times` says, and then answers. */
async function server(
  headers: Record<string, string>,
  times: number,
  status = 503,
  isRefused: (asked: Asked) => boolean = () => true,
): Promise<Server> {
  let refused = 0;
  const started = await serve((asked, response) => {
    if (asked.method !== 'POST') response.writeHead(405).end();
    else if (isRefused(asked) && refused++ < times) response.writeHead(status, headers).end('not now');
    else if (asked.message.id === undefined) response.writeHead(202).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(asked.message.id));
  });
  cleaning.push(started.stop);
  return started;
}

function client(url: URL, options: Partial<HttpOptions> = {}): HttpClient {
  const http = new HttpClient({ origin: url.origin, verify: true, ...options });
  cleaning.push(() => http.close());
  return http;
}

const post = (url: URL) => ({ method: 'POST', url, headers: {}, body: Buffer.from('{"id":1}') }) as const;
const http = (ms: number): string => new Date(ms).toUTCString();

test('what a refusal asks for: seconds, or a date by the clock of the server', () => {
  const asks = (value: string, date?: string): number | undefined =>
    askedFor(429, { 'retry-after': value, ...(date === undefined ? {} : { date }) });
  expect(asks('3')).toBe(3000);
  expect(asks('0.5')).toBe(500);
  const now = Date.now();
  expect(asks(http(now + 90_000), http(now + 60_000))).toBe(30_000);
  expect(asks(http(now - 90_000))).toBe(0);
  expect(asks('Sunday, 06-Nov-94 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:36 GMT')).toBe(1000);
  expect(Number(asks(http(now + 9000)))).toBeGreaterThan(5000);
  for (const nonsense of ['', 'soon', '-1', '1 2', 'Mon, soon', '1e9']) {
    expect(asks(nonsense)).toBeUndefined();
  }
  expect(askedFor(503, { 'retry-after': '1' })).toBe(1000);
  for (const status of [200, 400, 500, 502, 504]) {
    expect(askedFor(status, { 'retry-after': '1' })).toBeUndefined();
  }
});

test('the waits are bounded in number and in time, and no server makes them short', () => {
  const patience = new Patience({ tries: 4, time: 30_000, least: 100 });
  expect(patience.pauseFor(30_001)).toBeUndefined();
  expect([0, 0, 0, 0].map((asked) => patience.pauseFor(asked))).toEqual([100, 200, 400, undefined]);
  expect(new Patience().pauseFor(2000)).toBe(2000);
  expect(patience.story(30_001)).toMatch(
    /^ Tried 4 times in \d+ s\. It is to be asked again in 31 s; a request waits 30 s at most\.$/,
  );
});

test.each([
  [429, 'seconds', { 'retry-after': '0' }],
  [503, 'a date', { 'retry-after': http(0) }],
])('a request is sent again: %s with %s', async (status, _form, headers) => {
  const { url, asked } = await server(headers, 3, status);
  const told = events();
  expect(await request(client(url, { emit: told.emit }), post(url))).toMatchObject({
    text: expect.stringContaining('"id":1'),
  });
  expect(asked).toHaveLength(4);
  expect(told.texts()).toMatch(new RegExp(`HTTP status ${status} and asks for time.*again in 1 s`));
});

test('it is not sent again before the time that it was told', async () => {
  const times: number[] = [];
  const { url, stop } = await serve((_asked, response) => {
    times.push(performance.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '0.3' }).end();
    else response.writeHead(200).end('x');
  });
  cleaning.push(stop);
  await request(client(url), post(url));
  const [first = 0, second = 0] = times;
  expect(second - first).toBeGreaterThanOrEqual(299);
});

test.each([
  [
    'as often as it is sent at all',
    { 'retry-after': '0' },
    3,
    /503: not now Tried 3 times in 1 s\. It is to/,
  ],
  [
    'for longer than it waits',
    { 'retry-after': '3600' },
    1,
    /503: not now It is to be asked again in 3600 s/,
  ],
  ['without a time', {}, 1, /503: not now$/],
])('a request that is refused %s fails with what was tried', async (_how, headers, tries, words) => {
  const { url, asked } = await server(headers, Number.POSITIVE_INFINITY);
  const answer = await request(client(url, { patience: { tries: 3, least: 1 } }), post(url));
  expect(answer).toMatchObject({ status: 503, text: expect.stringMatching(words) });
  expect(asked).toHaveLength(tries);
});

test('one that is given up meanwhile, or whose client closes, is not sent again', async () => {
  const { url, asked } = await server({ 'retry-after': '20' }, 9);
  const paused = async (emitter: Partial<HttpOptions> = {}) => {
    let isPaused = (): void => undefined;
    const pausing = new Promise<void>((resolve) => {
      isPaused = resolve;
    });
    const own = client(url, { ...emitter, emit: () => isPaused() });
    const failed: string[] = [];
    const open = exchange(own, post(url), {
      event: () => undefined,
      body: () => undefined,
      ended: () => failed.push('ended'),
      failed: ({ text }) => failed.push(text),
    });
    await pausing;
    return { own, open, failed };
  };
  const first = await paused();
  await first.own.close();
  expect(first.failed).toEqual([expect.stringContaining('the client is closed')]);
  const second = await paused();
  second.open.abort();
  expect(second.open.paused).toBe(false);
  await second.own.close();
  expect(second.failed).toEqual([]);
  expect(asked).toHaveLength(2);
});

/** A client with a session, and its calls. */
async function begin(url: URL, transport: 'streamablehttp' | 'auto' = 'streamablehttp') {
  const told = events();
  const link: RemoteLink = connectRemote(
    { url, transport, headers: [], verify: true, era: 'legacy', timings: QUICK },
    told.emit,
  );
  cleaning.push(async () => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  });
  const client = new Client(link);
  return { client, link, answer: await client.begin(), texts: told.texts };
}

const named = (asked: readonly Asked[], method: string) =>
  asked.filter(({ message }) => message.method === method);

test.each([429, 503])('initialize, and what follows, wait for the time: %s', async (status) => {
  const { url, asked } = await server({ 'retry-after': '0' }, 2, status);
  const { client, answer } = await begin(url, 'auto');
  expect(answer.result).toBeDefined();
  expect((await client.request(1, 'call')).result).toBeDefined();
  expect(named(asked, 'initialize')).toHaveLength(3);
  expect(named(asked, 'call')).toHaveLength(1);
});

test('a call that its client cancels meanwhile is not sent again, and the server is not told of it', async () => {
  const { url, asked } = await server(
    { 'retry-after': '20' },
    9,
    429,
    ({ message }) => message.method === 'call',
  );
  const { client, link, texts } = await begin(url);
  client.send({ id: 1, method: 'call' });
  while (!texts().includes('asks for time')) await new Promise((resolve) => setImmediate(resolve));
  client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await link.settled();
  expect((await client.request(2, 'other')).result).toBeDefined();
  expect(named(asked, 'call')).toHaveLength(1);
  expect(named(asked, 'notifications/cancelled')).toEqual([]);
  expect(client.got.filter(({ id }) => id === 1)).toEqual([]);
});
