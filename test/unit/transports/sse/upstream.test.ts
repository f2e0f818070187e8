import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { RemoteLink } from '../../../../src/remote/remote-link.js';
import { connectRemote } from '../../../../src/upstream/remote.js';
import { Client, events, Fixture, QUICK } from '../../remote/fixture.js';

let fixture: Fixture;
let sdk: Fixture;
let link: RemoteLink;
let told: ReturnType<typeof events>;

beforeAll(async () => {
  [fixture, sdk] = await Promise.all([
    Fixture.start('remote-misbehaving.mjs'),
    Fixture.start('remote-sdk.mjs', { SDK: '1' }),
  ]);
});

afterEach(async () => {
  link.close({ kind: 'stopping', text: 'the test is over' });
  await link.done;
});

afterAll(async () => {
  await Promise.all([fixture.stop(), sdk.stop()]);
});

function connect(url: URL): Client {
  told = events();
  link = connectRemote(
    { url, transport: 'sse', headers: [], verify: true, era: 'legacy', timings: QUICK },
    told.emit,
  );
  return new Client(link);
}

test('the SDK server: calls, errors, progress, questions', async () => {
  const client = connect(sdk.url('/sse'));
  await client.begin('2024-11-05');
  expect((await client.request('ä', 'echo', { t: '世界' })).result).toEqual({ echo: { t: '世界' } });
  expect((await client.request(2, 'fail')).error?.data).toEqual({ why: 'ö' });
  await client.request(3, 'progress', { _meta: { progressToken: 1 } });
  expect(client.got.filter(({ method }) => method === 'notifications/progress')).toHaveLength(2);
  const asked = client.request(4, 'ask');
  const question = await client.until(({ method }) => method === 'elicitation/create');
  client.send({ id: question.id, result: { action: 'decline' } });
  expect((await asked).result).toEqual({ answer: { action: 'decline' } });
  await link.settled();
  const calls = (await sdk.log()).filter(({ path }) => path === '/messages');
  expect(calls.at(-1)?.headers?.['mcp-protocol-version']).toBe('2024-11-05');
});

test('a POST that is refused fails its request alone', async () => {
  const client = connect(fixture.url('/old'));
  await client.begin('2024-11-05');
  expect((await client.request(1, 'refuse')).error?.message).toMatch(/500: Out of <order>/);
  expect((await client.request(2, 'hello')).result).toEqual({ method: 'hello' });
  client.send({ method: 'refuse' });
  await link.settled();
  expect(told.texts()).toContain("The client's refuse was not delivered");
});

test('the end of the stream fails what is open, and the session goes on over another', async () => {
  const client = connect(fixture.url('/old'));
  await client.begin('2024-11-05');
  const { error } = await client.request(1, 'drop');
  expect(error?.message).toMatch(
    /connection to http:\/\/127\.0\.0\.1:\d+\/old is lost.* The server may have processed the request.$/,
  );
  expect((await client.request(2, 'hello')).result).toEqual({ method: 'hello' });
  expect((await fixture.log()).filter(({ name }) => name === 'drop')).toHaveLength(1);
  expect(client.closed).toBeUndefined();
});

test('an id that is still open is refused without an id, and the first call goes on', async () => {
  const client = connect(fixture.url('/old'));
  await client.begin('2024-11-05');
  client.send({ id: 3, method: 'hold' });
  client.send({ id: 3, method: 'second' });
  expect(await client.until(({ error }) => error !== undefined)).toMatchObject({
    id: null,
    error: { code: -32600, message: expect.stringContaining('the id 3 is in use') },
  });
  await fixture.log('"hold"');
  client.send({ id: 4, method: 'release' });
  expect(await client.until(({ id }) => id === 3)).toMatchObject({ result: { method: 'release' } });
});
