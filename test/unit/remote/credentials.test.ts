import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Secrets } from '../../../src/observability/secrets.js';
import { ClientCredentials } from '../../../src/remote/credentials.js';
import type { Header } from '../../../src/remote/headers.js';
import { HttpClient } from '../../../src/remote/http.js';
import type { RemoteLink } from '../../../src/remote/remote-link.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, Fixture, QUICK } from './fixture.js';

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

function connect(server: Fixture, tokenPath: string, headers: Header[] = []) {
  const told = events();
  const credentials = {
    clientId: 'my id:',
    clientSecret: 's&cret value',
    tokenUrl: server.url(tokenPath),
  };
  const link = connectRemote(
    {
      url: server.url('/token-needed'),
      transport: 'auto',
      headers,
      credentials,
      verify: true,
      era: 'legacy',
      timings: QUICK,
    },
    told.emit,
  );
  links.push(link);
  return { client: new Client(link), texts: told.texts };
}

const fetches = async (server: Fixture): Promise<number> =>
  (await server.log()).filter(({ token }) => token !== undefined).length;

test('one token serves all calls; another is fetched once after a 401', async () => {
  const { client } = connect(fixture, '/token');
  const before = await fetches(fixture);
  await client.begin();
  await Promise.all([client.request(1, 'a'), client.request(2, 'b'), client.request(3, 'c')]);
  expect(await fetches(fixture)).toBe(before + 1);
  await client.request(4, 'revoke');
  const answers = await Promise.all([client.request(5, 'a'), client.request(6, 'b')]);
  for (const { result } of answers) expect(result).toBeDefined();
  expect(await fetches(fixture)).toBe(before + 2);
});

test('id and secret go in the body where Basic is refused', async () => {
  const { client } = connect(fixture, '/token-in-body');
  expect((await client.begin()).result).toBeDefined();
});

test('no token: told in words, and the secret is not shown', async () => {
  const { client, texts } = connect(fixture, '/token-never');
  const { error } = await client.initialize();
  expect(error?.message).toMatch(/No access token from .*\/token-never: 401 invalid_client.*--client-secret/);
  expect(error?.message + texts()).not.toContain('cret value');
});

test('a token is renewed before it ends, and an early failure of that costs nothing', async () => {
  const server = await Fixture.start('remote-misbehaving.mjs', { EXPIRES_IN: '600' });
  let now = 0;
  const http = new HttpClient({ origin: server.origin, verify: true });
  const source = new ClientCredentials({
    clientId: 'my id:',
    clientSecret: 's&cret value',
    tokenUrl: server.url('/token'),
    http,
    secrets: new Secrets(),
    now: () => now,
  });
  const first = await source.authorization();
  now = 539_000;
  expect(await source.authorization()).toBe(first);
  now = 541_000;
  expect(await source.authorization()).not.toBe(first);
  await server.stop();
  now += 541_000;
  expect(await source.authorization()).toBe('Bearer token-number-2');
  now += 60_000;
  await expect(source.authorization()).rejects.toThrow(/No access token from .*ECONNREFUSED/);
  await source.close();
});

test("the user's own Authorization holds", async () => {
  const { client } = connect(fixture, '/token', [['Authorization', 'Bearer own-token-here']]);
  const before = await fetches(fixture);
  expect((await client.initialize()).error?.message).toContain('401');
  expect(await fetches(fixture)).toBe(before);
});
