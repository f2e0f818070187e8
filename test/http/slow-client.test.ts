/** A client that reads slowly, or not at all: it stalls itself, and nobody else, and its server is held back. */
import type { IncomingMessage } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { row } from '../faults/harness/fault.js';
import { guards } from '../security.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { modernBody, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

const MIB = 1024 * 1024;
/** More than the systems on both sides take in for a client that does not read. */
const FLOOD = 32;
const ASKABLE = { roots: {} };

afterEach(closeAll);

/** A client over HTTP+SSE past its handshake. */
async function sse(
  proxy: TestProxy,
  capabilities: object = {},
): Promise<{ response: IncomingMessage; stream: Stream; endpoint: string; closed: () => boolean }> {
  const response = await send(`${proxy.url}/sse`, {});
  const stream = new Stream(response);
  const first = await stream.next();
  if (first.kind !== 'event') throw new Error('no endpoint');
  const endpoint = proxy.url + first.data;
  await post(endpoint, initializeBody({ capabilities }));
  await stream.message(1);
  let isClosed = false;
  response.once('close', () => {
    isClosed = true;
  });
  return { response, stream, endpoint, closed: () => isClosed };
}

/** How many notifications the one process has written. */
async function written(proxy: TestProxy): Promise<number> {
  const [process] = (await proxy.status()).servers[0].processes;
  return Number(/\d+$/.exec(process?.stderr.at(-1) ?? '')?.[0] ?? 0);
}

/** Settles when the process writes no more, with how much it has written. */
async function atRest(proxy: TestProxy): Promise<number> {
  let before = 0;
  let looks = 0;
  return eventually(async () => {
    const now = await written(proxy);
    looks = now === before && now > 0 ? looks + 1 : 0;
    before = now;
    return looks === 20 ? now : undefined;
  });
}

const flood = { count: FLOOD, octets: MIB, _meta: { progressToken: 'p' } };

function numbers(stream: Stream): number[] {
  return stream.messages.flatMap(({ params }) => (params?.progress === undefined ? [] : [params.progress]));
}

/** Settles with the last of so many events; they are large, and not looked into before. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
async function lastOf(stream: Stream, count: number): Promise<any> {
  await stream.until(() => stream.items.length >= count);
  return stream.messages.at(-1);
}

const ALL = Array.from({ length: FLOOD }, (_, n) => n + 1);

it(`${row('slow.own')} over HTTP+SSE holds its own server back, and gets everything once it reads`, async () => {
  const proxy = await start({ limits: { maxUnread: 4 * MIB } });
  const { response, stream, endpoint } = await sse(proxy, ASKABLE);
  response.pause();
  await post(endpoint, requestBody('flood', 'x/flood', flood));
  expect(await atRest(proxy)).toBeLessThan(FLOOD);
  expect((await proxy.status()).servers[0].sessions).toHaveLength(1);
  response.resume();
  expect(await lastOf(stream, FLOOD + 3)).toMatchObject({ id: 'flood', result: { count: FLOOD } });
  expect(numbers(stream)).toEqual(ALL);
  stream.break();
});

it('of the modern era holds the server back that works for it alone', async () => {
  const proxy = await start({ limits: { maxUnread: 4 * MIB } });
  const response = await send(`${proxy.url}/mcp`, {
    method: 'POST',
    body: modernBody('flood', 'x/flood', flood).replace('"_meta":{', '"_meta":{"progressToken":"p",'),
    headers: modernHeaders('x/flood'),
  });
  response.pause();
  expect(await atRest(proxy)).toBeLessThan(FLOOD);
  const stream = new Stream(response);
  response.resume();
  expect(await lastOf(stream, FLOOD + 1)).toMatchObject({ id: 'flood', result: { count: FLOOD } });
  expect(numbers(stream)).toEqual(ALL);
});

it(`${row('slow.shared')}${guards('slow.unread')} that shares its server is cut off, and its session ends; the others are served meanwhile`, async () => {
  const proxy = await start({ limits: { maxUnread: 4 * MIB } });
  const other = await Client.open(`${proxy.url}/mcp`);
  const { response, endpoint, closed } = await sse(proxy);
  const { processes } = (await proxy.status()).servers[0];
  expect(processes).toMatchObject([{ sessions: 2 }]);
  response.pause();
  await post(endpoint, requestBody('flood', 'x/flood', { ...flood, count: 4 * FLOOD }));
  await eventually(async () => {
    expect(await other.ask('ping')).toEqual({});
    return (await proxy.status()).servers[0].sessions.length === 1 ? true : undefined;
  });
  response.resume();
  await eventually(() => closed() || undefined);
  expect(await other.ask('ping')).toEqual({});
});

it('that nobody shares its server with yet holds it back until somebody comes, who is served at once', async () => {
  const proxy = await start({ limits: { maxUnread: 4 * MIB } });
  const { response, endpoint, closed } = await sse(proxy);
  response.pause();
  await post(endpoint, requestBody('flood', 'x/flood', { ...flood, count: 4 * FLOOD }));
  expect(await atRest(proxy)).toBeLessThan(4 * FLOOD);
  const other = await Client.open(`${proxy.url}/mcp`);
  expect(await other.ask('ping')).toEqual({});
  await eventually(async () => ((await proxy.status()).servers[0].sessions.length === 1 ? true : undefined));
  response.resume();
  await eventually(() => closed() || undefined);
});

it('that has forgotten one of its streams goes on without it', async () => {
  const proxy = await start({ limits: { stallMs: 300 } });
  const client = await Client.open(`${proxy.url}/mcp`, { capabilities: ASKABLE });
  const { 'content-type': _, ...headers } = client.headers;
  const forgotten = await send(client.url, { headers: { ...headers, accept: 'text/event-stream' } });
  forgotten.on('error', () => undefined).pause();
  const changes = { ...flood, method: 'notifications/resources/updated' };
  expect(await client.ask('x/flood', changes)).toEqual({ count: FLOOD });
  expect(await client.ask('ping')).toEqual({});
  forgotten.destroy();
});

it('whose server ends meanwhile gets what that had to say, and the reason', async () => {
  const proxy = await start();
  const { response, stream, endpoint } = await sse(proxy, ASKABLE);
  response.pause();
  await post(endpoint, requestBody('flood', 'x/flood', flood));
  const count = await atRest(proxy);
  const [{ pid }] = (await proxy.status()).servers[0].processes;
  process.kill(pid, 'SIGKILL');
  await eventually(async () => (await proxy.status()).servers[0].last_exit ?? undefined);
  response.resume();
  await stream.until(() => stream.events.some(({ data }) => data.includes('"id":"flood"')));
  expect(stream.messages.find(({ id }) => id === 'flood')).toMatchObject({
    error: { data: { signal: 'SIGKILL' } },
  });
  // Each in its order, and none left out up to the last that the system had taken from the process.
  const got = numbers(stream);
  expect(got).toEqual(ALL.slice(0, got.length));
  expect(got.length).toBeGreaterThanOrEqual(count - 1);
  stream.break();
});

it(`${row('slow.stream')} on a request's stream is cut off, and can resume; its session stays`, async () => {
  const { url } = await start({ limits: { maxUnread: MIB } });
  const client = await Client.open(`${url}/mcp`, { capabilities: ASKABLE });
  const response = await send(`${url}/mcp`, {
    method: 'POST',
    body: requestBody('slow', 'x/hold', { key: 'k', steps: 1, _meta: { progressToken: 1 } }),
    headers: client.headers,
  });
  const stream = new Stream(response);
  await stream.message(1);
  response.pause();
  const log = {
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { level: 'info', data: 'x'.repeat(MIB) },
  };
  let cut = false;
  response.once('close', () => {
    cut = true;
  });
  for (let round = 0; round < 64; round++)
    await client.post(requestBody(round, 'x/emit', { messages: [log] }));
  await client.ask('x/release', { key: 'k' });
  const resumed = await client.listen(stream.lastId);
  await resumed.ended();
  expect(resumed.messages.at(-1)).toMatchObject({ id: 'slow', result: { key: 'k' } });
  response.destroy();
  await eventually(() => cut || undefined);
});

it('leaves a server alone that has nothing to do with it', async () => {
  const proxy = await start({ namedServers: [puppet({ name: 'other' })] });
  const { response, endpoint, stream } = await sse(proxy, ASKABLE);
  const other = await Client.open(`${proxy.url}/servers/other/mcp`, { capabilities: ASKABLE });
  response.pause();
  await post(endpoint, requestBody('flood', 'x/flood', flood));
  await atRest(proxy);
  expect((await other.ask('x/big', { octets: MIB })).text).toHaveLength(MIB);
  stream.break();
});
