import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { RemoteLink } from '../../../../src/remote/remote-link.js';
import { connectRemote, type RemoteOptions } from '../../../../src/upstream/remote.js';
import { Client, events, Fixture, QUICK } from '../../remote/fixture.js';

let fixture: Fixture;
const links: RemoteLink[] = [];

beforeAll(async () => {
  fixture = await Fixture.start('remote-misbehaving.mjs');
});

afterEach(async () => {
  for (const link of links.splice(0)) {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  }
});

afterAll(() => fixture.stop());

async function begin(path: string, more: Partial<RemoteOptions> = {}) {
  const told = events();
  const link = connectRemote(
    {
      url: fixture.url(path),
      transport: 'streamablehttp',
      headers: [],
      verify: true,
      era: 'legacy',
      timings: QUICK,
      ...more,
    },
    told.emit,
  );
  links.push(link);
  const client = new Client(link);
  await client.begin();
  return { client, link, texts: told.texts };
}

test('a JSON-RPC error in an HTTP error keeps code, message and data', async () => {
  const { client } = await begin('/rpc-error');
  const { error } = await client.request('a', 'call');
  expect(error).toEqual({ code: -32099, message: 'no', data: [1] });
});

test('any other HTTP error is told with its status and words, without secrets', async () => {
  const { client } = await begin('/failing', { headers: [['X-Api-Key', 'key-123456']] });
  const { error } = await client.request(1, 'call');
  expect(error?.code).toBe(-32603);
  expect(error?.data).toEqual({ status: 500 });
  expect(error?.message).toMatch(/status 500: Oh no \*\*\*/);
});

test('a session that is gone is told so', async () => {
  const { client } = await begin('/session-gone');
  expect((await client.request(1, 'call')).error?.message).toMatch(/ended the session \(HTTP status 404\)/);
});

test.each([
  ['/cut', /broke the connection off/],
  ['/cut-json', /broke the connection off/],
  ['/not-json', /no MCP message/],
  ['/accepted-only', /ended its answer before it had answered/],
  ['/resume-fails', /the rest could not be got.*500/],
])('an answer that does not come is an error: %s', async (path, words) => {
  const { client } = await begin(path);
  expect((await client.request(1, 'call')).error?.message).toMatch(words);
  // The next call is not touched by it.
  expect((await client.request(2, 'call')).error?.message).toMatch(words);
});

test('an answer that breaks off is resumed by GET as often as it takes', async () => {
  const { client } = await begin('/resume');
  expect((await client.request(4, 'call')).result).toEqual({ resumedAfter: 'a2' });
  const progress = client.got.find(({ method }) => method === 'notifications/progress');
  expect(progress?.about).toBe('4');
});

test('the GET stream is asked for again from where it broke off', async () => {
  const { client } = await begin('/events');
  await client.until(({ params }) => params?.after === null);
  await client.until(({ params }) => params?.after === 'n2');
});

test('a batch is taken apart', async () => {
  const { client } = await begin('/batch');
  expect((await client.request(1, 'call')).result).toEqual({});
  expect(client.got.some(({ method }) => method === 'notifications/first')).toBe(true);
});

test('what is cancelled is closed in the end', async () => {
  const { client, link } = await begin('/silent');
  client.send({ id: 9, method: 'wait-for-ever' });
  client.send({ method: 'notifications/cancelled', params: { requestId: 9 } });
  const log = await fixture.log('"closed":"wait-for-ever"');
  const names = log.filter(({ path }) => path === '/silent').map(({ name }) => name);
  expect(names.indexOf('notifications/cancelled')).toBeGreaterThan(names.indexOf('wait-for-ever'));
  await link.settled();
  expect(client.got.some(({ id }) => id === 9)).toBe(false);
});

test('close ends what is open, and the session', async () => {
  const { client, link } = await begin('/silent?close');
  client.send({ id: 1, method: 'left-open' });
  await fixture.log('"left-open"');
  link.close({ kind: 'stopping', text: 'done' });
  await link.done;
  await fixture.log('"closed":"left-open"');
  await fixture.log('"DELETE"');
  expect(client.closed).toBeUndefined();
});

test('nothing overtakes a notification', async () => {
  const { client } = await begin('/slow-notifications');
  client.send({ id: 1, method: 'before' });
  client.send({ method: 'notifications/between' });
  client.send({ id: 2, method: 'after' });
  await client.until(({ id }) => id === 2);
  const names = (await fixture.log()).filter(({ path }) => path === '/slow-notifications');
  const own = names.map(({ name }) => name).filter((name) => name !== 'GET');
  expect(own).toEqual([
    'initialize',
    'notifications/initialized',
    'before',
    'notifications/between',
    'after',
  ]);
});

test('an id that is still open is refused without an id, and the first call goes on', async () => {
  const { client } = await begin('/released');
  client.send({ id: 3, method: 'hold' });
  client.send({ id: 3, method: 'second' });
  expect(await client.until(({ error }) => error !== undefined)).toMatchObject({
    id: null,
    error: { code: -32600, message: expect.stringContaining('the id 3 is in use') },
  });
  await fixture.log('"hold"');
  client.send({ id: 4, method: 'release' });
  expect(await client.until(({ id }) => id === 3)).toMatchObject({ result: { released: true } });
});

test('a client that begins again gets a new session', async () => {
  const { client } = await begin('/decent?again');
  expect((await client.initialize('second')).result).toBeDefined();
  const log = await fixture.log('"initialize"');
  const opened = log.filter(({ name, path }) => name === 'initialize' && path === '/decent');
  for (const { headers } of opened) expect(headers).not.toHaveProperty('mcp-session-id');
});
