/** What browsers get, and programs do not. */
import { afterAll, afterEach, expect, it } from 'vitest';
import { fixtureDefinition } from '../fixtures/processes.js';
import { guards } from '../security.js';
import { Client } from './harness/client.js';
import { exchange } from './harness/http.js';
import { closeAll, start } from './harness/proxy.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const KEYS = { apiKeys: 'ann:ann-has-this-key\nbob:bob-has-this-key' };

afterEach(closeAll);
afterAll(closeAll);

it.each([
  ['/', BROWSER],
  ['/status', BROWSER],
  ['/status/', 'text/html'],
  ['/', 'application/json;q=0.5, text/html;q=0.9'],
])('%s is a page for who accepts %s', async (path, accept) => {
  const { url } = await start();
  const { status, headers, body } = await exchange(url + path, { headers: { accept } });
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(body).toMatch(/^<!doctype html>/);
  const head = await exchange(url + path, { method: 'HEAD', headers: { accept } });
  expect([head.status, head.body]).toEqual([200, '']);
});

it.each([
  undefined,
  '*/*',
  'application/json',
  'text/html;q=0',
  'text/*',
  'application/json, text/html;q=0.9',
])('programs get what they got before: Accept %s', async (accept) => {
  const { url } = await start();
  const headers: Record<string, string> = accept === undefined ? {} : { accept };
  const status = await exchange(`${url}/status`, { headers });
  expect(JSON.parse(status.body).servers[0].name).toBe('default');
  const root = await exchange(`${url}/`, { headers });
  expect(root.status).toBe(404);
  expect(root.body).toContain('there is nothing at this path');
});

it(`${guards('page.policy')} the page may run, show and load nothing but what stands in it`, async () => {
  const { url } = await start();
  const { headers } = await exchange(`${url}/`, { headers: { accept: BROWSER } });
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    vary: 'Origin, Accept',
  });
  const policy = String(headers['content-security-policy']).split('; ');
  expect(policy).toEqual([
    "default-src 'none'",
    expect.stringMatching(/^script-src 'sha256-[\w+/=]+'$/),
    expect.stringMatching(/^style-src 'sha256-[\w+/=]+'$/),
    "connect-src 'self'",
    'img-src data:',
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
});

it(`${guards('page.empty')} who is not known gets an empty page, and 401 for all that it would show`, async () => {
  const ann = { authorization: 'Bearer ann-has-this-key' };
  const { url } = await start({ auth: KEYS }, ann);
  const page = await exchange(`${url}/`, { headers: { accept: BROWSER } });
  const open = await start();
  const same = await exchange(`${open.url}/`, { headers: { accept: BROWSER } });
  expect(page.status).toBe(200);
  expect(page.body).toBe(same.body);
  for (const path of ['/status/live', '/status/traffic', '/status', '/']) {
    const { status, body } = await exchange(url + path, {});
    expect([path, status]).toEqual([path, 401]);
    expect(body).not.toContain('default');
  }
  for (const path of ['/mcp', '/sse', '/servers/default/mcp', '/status/live']) {
    expect((await exchange(url + path, { headers: { accept: BROWSER } })).status).toBe(401);
  }
  expect((await exchange(`${url}/status/live`, { headers: ann })).status).toBe(200);
});

it(`${guards('page.others')} what one was told is shown to no other`, async () => {
  const ann = { authorization: 'Bearer ann-has-this-key' };
  const bob = { authorization: 'Bearer bob-has-this-key' };
  const defaultServer = fixtureDefinition('for-page.mjs', {}, { name: 'default' });
  const { url } = await start({ auth: KEYS, defaultServer }, ann);
  const client = await Client.open(`${url}/mcp`, { name: 'client-of-ann', headers: ann });
  await client.ask('tools/list');
  const live = async (headers: Record<string, string>): Promise<{ text: string; value: LiveLike }> => {
    const text = (await exchange(`${url}/status/live`, { headers })).body;
    return { text, value: JSON.parse(text) };
  };
  const hers = await live(ann);
  expect(hers.value.asker).toBe('ann');
  expect(hers.text).toContain('client-of-ann');
  expect(hers.value.more[0]?.offers.find(({ kind }) => kind === 'tools')?.items).not.toBeNull();
  const his = await live(bob);
  expect(his.value.asker).toBe('bob');
  expect(his.text).not.toContain('client-of-ann');
  expect(his.value.more[0]?.offers.find(({ kind }) => kind === 'tools')?.items).toBeNull();
  await client.delete();
});

interface LiveLike {
  readonly asker: string | null;
  readonly more: readonly {
    readonly offers: readonly { readonly kind: string; readonly items: unknown }[];
  }[];
}
