import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from '../../../src/remote/exchange.js';
import { HttpClient } from '../../../src/remote/http.js';
import { Fixture } from './fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await Fixture.start('remote-misbehaving.mjs');
});

afterAll(() => fixture.stop());

const get = (url: URL) => ({ method: 'GET', url, headers: {} }) as const;

test('nothing goes to another origin, where the headers might be read', async () => {
  const http = new HttpClient({ origin: fixture.origin, verify: true });
  await expect(request(http, get(new URL('http://elsewhere.example/')))).rejects.toThrow(/not of/);
  await http.close();
});

test('a closed client fails what it is asked, and close ends what it was asked', async () => {
  const http = new HttpClient({ origin: fixture.origin, verify: true });
  const open = request(http, get(fixture.url('/old')));
  await fixture.log('"/old"');
  await http.close();
  expect(await open).toMatchObject({ text: expect.stringContaining(fixture.origin) });
  expect(await request(http, get(fixture.url('/old')))).toHaveProperty('kind');
});

test('a redirect that leads back to itself is an answer in the end', async () => {
  const http = new HttpClient({ origin: fixture.origin, verify: true });
  const answer = await request(http, get(fixture.url('/redirect-loop')));
  expect(answer).toMatchObject({ kind: 'refused', status: 307 });
  await http.close();
});

test('no answer in time', async () => {
  const http = new HttpClient({ origin: fixture.origin, verify: true });
  const answer = await request(http, { ...get(fixture.url('/hang')), headTimeout: 20 });
  expect(answer).toMatchObject({ kind: 'timeout' });
  await http.close();
});

test('an encoding that was not asked for is refused', async () => {
  const http = new HttpClient({ origin: fixture.origin, verify: true });
  const answer = await request(http, get(fixture.url('/encoded')));
  expect(answer).toMatchObject({ kind: 'foreign', text: expect.stringContaining('gzip') });
  await http.close();
});
