/** The stream that a client opens with GET, and which message goes where. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { Client, STREAMABLE_VERSIONS, updated } from './harness/client.js';
import { exchange } from './harness/http.js';
import { closeAll, start, type TestProxy } from './harness/proxy.js';

const CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
/** A client that has its process to itself, so that only its own messages reach it. */
const OWN = { capabilities: { roots: {} } };

function log(data: unknown): object {
  return { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } };
}

let proxy: TestProxy;
let mcp: string;

beforeAll(async () => {
  proxy = await start();
  mcp = `${proxy.url}/mcp`;
});
afterAll(closeAll);

describe.each(STREAMABLE_VERSIONS)('a client of %s', (version) => {
  it(`${req('streamable-http.get.stream-or-405', 'streamable-http.endpoint.one-path')} opens a stream`, async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const stream = await client.listen();
    expect(stream).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
    });
    if (version === '2025-11-25') expect(await stream.next()).toMatchObject({ kind: 'event', data: '' });
    stream.break();
  });

  it(`${req('streamable-http.get.no-response', 'streamable-http.get.unrelated-only', 'streamable-http.stream.related-only')} hears there what belongs to no request, and there only`, async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const stream = await client.listen();
    const call = await client.stream('x/emit', {
      steps: 1,
      messages: [CHANGED],
      _meta: { progressToken: 1 },
    });
    await call.ended();
    expect(call.messages).toMatchObject([{ method: 'notifications/progress' }, { result: {} }]);
    expect(await stream.message(1)).toEqual(CHANGED);
    await client.ask('ping');
    expect(stream.messages).toHaveLength(1);
    stream.break();
  });

  it(`${req('streamable-http.stream.related-only')} hears on a request's stream what came while only that was open`, async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const call = await client.stream('x/emit', { messages: [log('mine')] });
    await call.ended();
    expect(call.messages).toMatchObject([{ params: { data: 'mine' } }, { result: {} }]);
  });

  it('hears what came before it opened the stream', async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    await client.ask('x/later', { messages: [CHANGED, updated('late')] });
    await client.ask('ping');
    const stream = await client.listen();
    await stream.message(2);
    expect(stream.messages).toEqual([CHANGED, updated('late')]);
    stream.break();
  });

  it(`${req('streamable-http.message.on-one-stream')} hears each message once, however many streams it has`, async () => {
    const client = await Client.open(mcp, { version, ...OWN });
    const streams = [await client.listen(), await client.listen(), await client.listen()];
    const messages = Array.from({ length: 5 }, (_, index) => updated(index));
    await client.ask('x/later', { messages });
    await client.ask('ping');
    const heard = (): number => streams.reduce((sum, stream) => sum + stream.messages.length, 0);
    await Promise.race(streams.map((stream) => stream.until(() => heard() >= 5)));
    expect(heard()).toBe(5);
    streams.at(-1)?.break();
    await streams.at(-1)?.ended();
    for (const stream of streams) stream.break();
  });
});

it(`${req('streamable-http.event-id.unique', 'streamable-http.event-id.names-stream')} no id is used twice in a session, and each names its stream`, async () => {
  const client = await Client.open(mcp, OWN);
  const listening = await client.listen();
  const calls = [
    await client.stream('x/emit', { steps: 3, messages: [CHANGED], _meta: { progressToken: 1 } }),
    await client.stream('x/emit', { steps: 3, messages: [CHANGED], _meta: { progressToken: 2 } }),
  ];
  await Promise.all(calls.map((call) => call.ended()));
  await listening.message(2);
  const ids = [listening, ...calls].map((stream) => stream.events.map(({ id }) => id));
  expect(new Set(ids.flat()).size).toBe(ids.flat().length);
  for (const of of ids) expect(new Set(of.map((id) => id?.split('-')[0])).size).toBe(1);
  expect(new Set(ids.map(([id]) => id?.split('-')[0])).size).toBe(3);
  listening.break();
});

it('a question with no stream of its own goes to a call that is open, so that it is answered', async () => {
  const client = await Client.open(mcp, OWN);
  const holding = client.stream('x/hold', { key: 'q', steps: 1, _meta: { progressToken: 'h' } });
  const hold = await holding;
  const question = { jsonrpc: '2.0', id: 'q', method: 'roots/list' };
  const other = client.ask('x/seen', { method: 'x/answered', count: 1 });
  await client.ask('x/later', { messages: [question] });
  expect((await hold.message(2)) ?? {}).toEqual(question);
  expect((await client.post('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}')).status).toBe(202);
  await client.notify('x/answered');
  await other;
  await client.ask('x/release', { key: 'q' });
  await hold.ended();
});

it('streams that a client forgets to close are bounded', async () => {
  const client = await Client.open(mcp, OWN);
  const streams = await Promise.all(Array.from({ length: 8 }, () => client.listen()));
  const answer = await exchange(mcp, { headers: client.headers });
  expect(answer.status).toBe(409);
  for (const stream of streams) stream.break();
});

it('messages that wait for a stream are bounded, and the newest are kept', async () => {
  const client = await Client.open(mcp, OWN);
  const messages = Array.from({ length: 300 }, (_, index) => updated(index));
  await client.ask('x/later', { messages });
  await client.ask('ping');
  const stream = await client.listen();
  await stream.until(() => stream.messages.at(-1)?.params.uri === 'x://299');
  expect(stream.messages).toHaveLength(256);
  expect(stream.messages[0]).toEqual(updated(44));
  stream.break();
});
