/** What becomes of a client's session when the remote server has forgotten its own. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RemoteLink } from '../../../../src/remote/remote-link.js';
import { connectRemote, type RemoteOptions } from '../../../../src/upstream/remote.js';
import { Client, events, Fixture, type LogEntry, QUICK } from '../../remote/fixture.js';

let fixture: Fixture;
let link: RemoteLink | undefined;

beforeEach(async () => {
  fixture = await Fixture.start('remote-forgetful.mjs');
});

afterEach(async () => {
  link?.close({ kind: 'stopping', text: 'the test is over' });
  await link?.done;
  link = undefined;
  await fixture.stop();
});

async function begin(timings: RemoteOptions['timings'] = {}) {
  const told = events();
  link = connectRemote(
    {
      url: fixture.url('/mcp'),
      transport: 'streamablehttp',
      headers: [],
      verify: true,
      era: 'legacy',
      timings: { ...QUICK, ...timings },
    },
    told.emit,
  );
  const client = new Client(link);
  await client.begin();
  await fixture.log('"GET"', 1);
  return { client, texts: told.texts };
}

const forget = (query = '') => fetch(fixture.url(`/forget${query}`), { method: 'POST' });
const set = (knobs: object) => fetch(fixture.url('/set'), { method: 'POST', body: JSON.stringify(knobs) });
const named = (log: readonly LogEntry[], name: string) => log.filter((entry) => entry.name === name);
const initialized = async () => named(await fixture.log(), 'initialize');

test('the next request begins a session as the client did, and is answered', async () => {
  const { client } = await begin();
  await client.request(1, 'logging/setLevel', { level: 'info' });
  await client.request(2, 'logging/setLevel', { level: 'error' });
  for (const [id, uri] of ['a://1', 'a://2', 'a://3'].entries()) {
    await client.request(10 + id, 'resources/subscribe', { uri });
  }
  await client.request(3, 'resources/unsubscribe', { uri: 'a://2' });
  await forget();
  const { result } = await client.request(4, 'state');
  expect(result).toMatchObject({ number: 2, initialized: 1, level: 'error', subscribed: ['a://1', 'a://3'] });
  const [first, second, ...more] = await initialized();
  expect(more).toEqual([]);
  expect(second?.params).toEqual(first?.params);
  expect(second?.headers).not.toHaveProperty('mcp-session-id');
  expect(second?.headers).not.toHaveProperty('mcp-protocol-version');
  const gets = (await fixture.log('"GET"', 2)).filter(({ method }) => method === 'GET');
  expect(gets[1]?.headers).not.toHaveProperty('last-event-id');
  expect(gets[1]?.headers?.['mcp-session-id']).not.toBe(gets[0]?.headers?.['mcp-session-id']);
  expect(client.got.filter(({ method }) => method !== undefined)).toMatchObject([
    { method: 'notifications/tools/list_changed' },
    { method: 'notifications/resources/list_changed' },
    { method: 'notifications/resources/updated', params: { uri: 'a://1' } },
    { method: 'notifications/resources/updated', params: { uri: 'a://3' } },
  ]);
  expect(client.got.filter(({ result }) => result?.serverInfo !== undefined)).toHaveLength(1);
});

test('many requests at once: one renewal, and each is processed once', async () => {
  const { client } = await begin();
  await forget();
  const ids = Array.from({ length: 40 }, (_, index) => index + 1);
  const answers = await Promise.all(ids.map((id) => client.request(id, 'echo', { id })));
  expect(answers.map(({ result }) => result?.session)).toEqual(ids.map(() => 2));
  expect(await initialized()).toHaveLength(2);
  const { result } = await client.request('s', 'state');
  expect(result?.calls).toEqual(ids.map(() => 'echo').concat('state'));
});

test('what comes meanwhile waits, and notifications are sent again too, in order', async () => {
  const { client } = await begin();
  await forget();
  await set({ holdInit: true });
  client.send({ method: 'notifications/roots/list_changed' });
  await fixture.log('"initialize"', 2);
  client.send({ method: 'notifications/second' });
  const answer = client.request(1, 'state');
  await set({ holdInit: false });
  const { result } = await answer;
  expect(result?.notes).toEqual([
    'notifications/initialized',
    'notifications/roots/list_changed',
    'notifications/second',
  ]);
});

test('a refusal that comes when the new session stands: sent again in it, and no other is begun', async () => {
  const { client } = await begin();
  await forget();
  await set({ holdLate: true });
  const late = client.request('late', 'late');
  await fixture.log('"late"', 1);
  expect((await client.request(1, 'echo')).result?.session).toBe(2);
  await set({ holdLate: false });
  expect((await late).result?.session).toBe(2);
  expect(await initialized()).toHaveLength(2);
});

test('a call that the server goes on with is answered, and not sent again', async () => {
  const { client } = await begin();
  client.send({ id: 'long', method: 'hang' });
  await fixture.log('"hang"', 1);
  await forget();
  expect((await client.request(1, 'echo')).result?.session).toBe(2);
  expect((await client.until(({ id }) => id === 'long')).result).toEqual({ late: true });
  expect(named(await fixture.log(), 'hang')).toHaveLength(1);
});

test('an answer to a question of the lost session is dropped, and never taken for another', async () => {
  const { client, texts } = await begin();
  client.send({ id: 1, method: 'ask', params: { what: 'old' } });
  const old = await client.until(({ method }) => method === 'elicitation/create');
  await forget();
  client.send({ id: 2, method: 'ask', params: { what: 'new' } });
  const taken = await client.until(({ method }) => method === 'notifications/cancelled');
  expect(taken.params?.requestId).toBe(old.id);
  const asked = await client.until(({ params }) => params?.message === 'new');
  expect(asked.id).not.toBe(old.id);
  client.send({ id: old.id, result: { from: 'old' } });
  client.send({ id: asked.id, result: { from: 'new' } });
  expect((await client.until(({ id }) => id === 2)).result).toEqual({ answer: { from: 'new' } });
  expect(texts()).toContain('An answer is dropped');
});

test('a session that is forgotten at once: each request fails in words, and it costs little', async () => {
  const { client } = await begin({ reconnect: 60_000, reconnectMax: 60_000, lasting: 60_000 });
  await set({ amnesia: true });
  const { error } = await client.request(1, 'echo');
  expect(error?.message).toMatch(
    /has ended the session \(HTTP status 404\), and then the new one.*not processed/,
  );
  expect(error?.data).toEqual({ status: 404 });
  for (let id = 2; id < 9; id++) {
    const { error } = await client.request(id, 'echo');
    expect(error?.message).toMatch(/could not be begun: 1 sessions? in a row did not last.*at the earliest/);
  }
  expect(await initialized()).toHaveLength(2);
});

test('after such a time the next request works', async () => {
  const { client } = await begin({ reconnect: 10, reconnectMax: 10, retryMax: 50 });
  await set({ amnesia: true });
  expect((await client.request(1, 'echo')).error).toBeDefined();
  await set({ amnesia: false });
  expect((await client.request(2, 'echo')).result).toBeDefined();
});

test('another version is told in words, and the session that has it is ended', async () => {
  const { client } = await begin();
  await forget();
  await set({ version: '2025-06-18' });
  const { error } = await client.request(1, 'echo');
  expect(error?.message).toMatch(/could not be begun: .*speaks MCP version 2025-06-18 instead of 2025-11-25/);
  await fixture.log('"DELETE"', 1);
  await set({ version: '2025-11-25' });
  expect((await client.request(2, 'echo')).result).toBeDefined();
});

test('a handshake that is refused is told in words, to all who wait', async () => {
  const { client } = await begin();
  await forget();
  await set({ initError: { code: -32055, message: 'closed for today' }, holdInit: true });
  const first = client.request(1, 'echo');
  await fixture.log('"initialize"', 2);
  const second = client.request(2, 'echo');
  await set({ holdInit: false });
  for (const { error } of [await first, await second]) {
    expect(error?.message).toMatch(/could not be begun: .*refused "initialize": closed for today \(-32055\)/);
  }
});

test('a client that begins again while that goes on is let through', async () => {
  const { client } = await begin();
  await forget();
  await set({ initError: { code: 1, message: 'no' }, holdInit: true });
  const lost = client.request(1, 'echo');
  await fixture.log('"initialize"', 2);
  const again = client.initialize('again');
  await set({ holdInit: false });
  expect((await lost).error).toBeDefined();
  expect((await again).error).toMatchObject({ code: 1, message: 'no' });
  await set({ initError: null });
  expect((await client.initialize('third')).result).toBeDefined();
});

test('a handshake whose connection breaks is tried again', async () => {
  const { client } = await begin();
  await forget();
  await set({ breakInit: 3 });
  expect((await client.request(1, 'echo')).result).toBeDefined();
  expect(await initialized()).toHaveLength(5);
});

test('a GET stream that finds the session gone renews it though no message comes', async () => {
  const { client } = await begin();
  await fixture.log('"GET"', 1);
  await forget('?streams');
  await client.until(({ method }) => method === 'notifications/tools/list_changed');
  await fixture.log('"GET"', 3); // the first, the one that was refused, the new one
  expect((await client.request(1, 'state')).result).toMatchObject({ number: 2, listens: true });
  expect(await initialized()).toHaveLength(2);
});

test.each(['Bad Request: No valid session ID provided', 'Bad Request: Server not initialized'])(
  'servers that say it with 400 are understood: %s',
  async (words) => {
    const { client } = await begin();
    await forget();
    await set({ unknown: 400, words });
    expect((await client.request(1, 'echo')).result?.session).toBe(2);
  },
);

test('400 for any other reason is an answer', async () => {
  const { client } = await begin();
  await forget();
  await set({ unknown: 400, words: 'Bad params' });
  expect((await client.request(1, 'echo')).error).toEqual({ code: -32000, message: 'Bad params' });
  expect(await initialized()).toHaveLength(1);
});

test('the end in the middle of a renewal', async () => {
  const { client } = await begin();
  await forget();
  await set({ holdInit: true });
  client.send({ id: 1, method: 'echo' });
  await fixture.log('"initialize"', 2);
  link?.close({ kind: 'stopping', text: 'done' });
  await link?.done;
  expect(client.got.filter(({ id }) => id === 1)).toEqual([]);
});

test('kill -9 and a new server on the same port: before a call, and during one', async () => {
  const { client } = await begin();
  const restart = async (): Promise<void> => {
    const PORT = String(fixture.port);
    await fixture.stop();
    fixture = await Fixture.start('remote-forgetful.mjs', { PORT });
  };
  await client.request(1, 'resources/subscribe', { uri: 'a://1' });
  await restart();
  expect((await client.request(2, 'state')).result).toMatchObject({ number: 1, subscribed: ['a://1'] });
  client.send({ id: 3, method: 'hang' });
  await fixture.log('"hang"', 1);
  await restart();
  expect((await client.until(({ id }) => id === 3)).error?.message).toMatch(
    /closed before it answered|reset/,
  );
  expect((await client.request(4, 'state')).result).toMatchObject({ subscribed: ['a://1'] });
  expect(named(await fixture.log(), 'hang')).toEqual([]);
});
