/** Streams whose connection breaks, and which are resumed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { Client, requestBody, STREAMABLE_VERSIONS, updated } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { closeAll, eventually, start, type TestProxy } from './harness/proxy.js';

const OWN = { capabilities: { roots: {} } };

let proxy: TestProxy;
let mcp: string;

beforeAll(async () => {
  proxy = await start();
  mcp = `${proxy.url}/mcp`;
});
afterAll(closeAll);

async function inFlight(): Promise<number> {
  return (await proxy.status()).servers[0].requests_in_flight;
}

describe.each(STREAMABLE_VERSIONS)('a client of %s', (version) => {
  it(`${req('streamable-http.disconnect.no-cancel', 'streamable-http.replay.same-stream-only')} gets the rest of a request's stream, once, and nothing of another`, async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const listening = await client.listen();
    const call = await client.stream('x/hold', { key: 'k', steps: 3, _meta: { progressToken: 1 } }, 'held');
    await call.message(3);
    const second = call.events.find(({ data }) => data.includes('"progress":2'))?.id ?? '';
    call.break();
    await call.ended();
    await client.ask('x/later', { messages: [updated('other')] });
    await listening.message(1);

    const resumed = await client.listen(second);
    expect(await resumed.message(1)).toMatchObject({ params: { progress: 3 } });
    await client.ask('x/release', { key: 'k' });
    await resumed.ended();
    expect(resumed.messages).toMatchObject([
      { params: { progress: 3 } },
      { id: 'held', result: { key: 'k' } },
    ]);
    // The server was never told to give it up.
    expect(await client.ask('x/seen', { method: 'notifications/cancelled' })).toEqual({ messages: [] });
    listening.break();
  });

  it('gets an answer that came while nobody was connected', async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const call = await client.stream('x/hold', { key: 'k', steps: 1, _meta: { progressToken: 1 } }, 'held');
    await call.message(1);
    call.break();
    await call.ended();
    await client.ask('x/release', { key: 'k' });
    await eventually(async () => ((await inFlight()) === 0 ? true : undefined));
    const resumed = await client.listen(call.lastId);
    await resumed.ended();
    expect(resumed.messages).toEqual([{ jsonrpc: '2.0', id: 'held', result: { key: 'k' } }]);
    // And again, as long as it is remembered.
    const again = await client.listen(call.lastId);
    await again.ended();
    expect(again.messages).toEqual(resumed.messages);
  });

  it('gets the rest of the GET stream', async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const stream = await client.listen();
    await client.ask('x/later', { messages: [updated(1), updated(2)] });
    await stream.message(2);
    const first = stream.events.find(({ data }) => data.includes('x://1'))?.id ?? '';
    stream.break();
    await stream.ended();
    await client.ask('x/later', { messages: [updated(3)] });
    await client.ask('ping');
    const resumed = await client.listen(first);
    await resumed.message(2);
    await client.ask('x/later', { messages: [updated(4)] });
    await resumed.message(3);
    expect(resumed.messages).toEqual([updated(2), updated(3), updated(4)]);
    resumed.break();
  });
});

it('a stream is resumed before its old connection is known to be dead: that one ends', async () => {
  const client = await Client.open(mcp, OWN);
  const old = await client.listen();
  await client.ask('x/later', { messages: [updated(1)] });
  await old.message(1);
  const resumed = await client.listen(old.lastId);
  await old.ended();
  await client.ask('x/later', { messages: [updated(2)] });
  expect(await resumed.message(1)).toEqual(updated(2));
  expect(old.messages).toHaveLength(1);
  resumed.break();
});

it.each(['x', '1', '999-1', '1-999', '-1--1', '1-1; drop', ''.padEnd(100, '9')])(
  'an event id that is none of this session gets 400: %s',
  async (id) => {
    const client = await Client.open(mcp, OWN);
    const stream = await client.listen();
    await expect(client.listen(id)).rejects.toThrow(/^400:/);
    stream.break();
  },
);

it('an event id of another session brings nothing of it', async () => {
  const [one, other] = [await Client.open(mcp, OWN), await Client.open(mcp, OWN)];
  const call = await one.stream('x/emit', { steps: 1, _meta: { progressToken: 'secret' } });
  await call.ended();
  await expect(other.listen(call.events[0]?.id)).rejects.toThrow(/^400:/);
});

it('the memory of events is bounded; the answer is the last thing that is forgotten', async () => {
  const client = await Client.open(mcp, OWN);
  const call = await client.stream('x/emit', { steps: 2000, _meta: { progressToken: 1 } }, 'much');
  await call.ended();
  expect(call.messages).toHaveLength(2001);
  const resumed = await client.listen(call.events[0]?.id ?? '');
  await resumed.ended();
  expect(resumed.messages.length).toBeLessThanOrEqual(512);
  expect(resumed.messages.at(-1)).toMatchObject({ id: 'much' });
});

it(`${req('streamable-http.disconnect.no-cancel')} a client that goes before anything came does no harm, and its request runs on`, async () => {
  const client = await Client.open(mcp, OWN);
  const abort = new AbortController();
  const body = requestBody('lost', 'x/hold', { key: 'lost' });
  const lost = fetch(mcp, { method: 'POST', body, headers: client.headers, signal: abort.signal });
  await client.ask('x/seen', { method: 'x/hold', count: 1 });
  abort.abort();
  await expect(lost).rejects.toThrow('aborted');
  await client.ask('x/later', { messages: [updated('after')] });
  await client.ask('x/release', { key: 'lost' });
  await client.ask('ping');
  expect(await client.ask('x/seen', { method: 'notifications/cancelled' })).toEqual({ messages: [] });
  expect(await inFlight()).toBe(0);
});

it(`${req('cancellation.stops-work', 'cancellation.no-response')} a cancellation reaches the server and ends the POST`, async () => {
  const client = await Client.open(mcp, OWN);
  const open = client.post(requestBody('c', 'x/hold', { key: 'c' }));
  await client.ask('x/seen', { method: 'x/hold', count: 1 });
  await client.notify('notifications/cancelled', { requestId: 'c', reason: 'enough' });
  const answer = await open;
  expect(answer).toMatchObject({ status: 200, body: '' });
  const { messages } = await client.ask('x/seen', { method: 'notifications/cancelled', count: 1 });
  expect(messages).toEqual([
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c', reason: 'enough' } },
  ]);
  // A late answer is nobody's.
  await client.ask('x/release', { key: 'c' });
  expect(await client.ask('ping')).toEqual({});
});

it(`${req('cancellation.own-requests-only')} a cancellation of one client never reaches the request of another with the same id`, async () => {
  const [one, other] = [await Client.open(mcp), await Client.open(mcp)];
  const open = one.post(requestBody('same', 'x/hold', { key: 'o' }));
  await one.ask('x/seen', { method: 'x/hold', count: 1 });
  await other.notify('notifications/cancelled', { requestId: 'same' });
  await other.ask('x/release', { key: 'o' });
  expect(JSON.parse((await open).body)).toMatchObject({ id: 'same', result: { key: 'o' } });
});

it(`${req('cancellation.no-response')} a cancellation ends the stream of the request`, async () => {
  const client = await Client.open(mcp, OWN);
  const response = await send(mcp, {
    method: 'POST',
    body: requestBody('s', 'x/hold', { key: 's', steps: 1, _meta: { progressToken: 1 } }),
    headers: client.headers,
  });
  const stream = new Stream(response);
  await stream.message(1);
  await client.notify('notifications/cancelled', { requestId: 's' });
  await stream.ended();
  expect(stream.messages.filter(({ result }) => result !== undefined)).toEqual([]);
});
