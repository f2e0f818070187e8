/** Who sees which messages, and what of them. */
import { afterEach, expect, it } from 'vitest';
import { fixtureDefinition } from '../fixtures/processes.js';
import { guards } from '../security.js';
import { Client } from './harness/client.js';
import { exchange } from './harness/http.js';
import { closeAll, start } from './harness/proxy.js';

const KEYS = { apiKeys: 'ann:ann-has-this-key\nbob:bob-has-this-key\ncleo:cleo-has-this-key' };
const ANN = { authorization: 'Bearer ann-has-this-key' };
const BOB = { authorization: 'Bearer bob-has-this-key' };
const CLEO = { authorization: 'Bearer cleo-has-this-key' };

afterEach(closeAll);

function forPage(env: Record<string, string> = {}, more: object = {}): ReturnType<typeof fixtureDefinition> {
  return fixtureDefinition('for-page.mjs', env, { name: 'default', ...more });
}

async function traffic(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return exchange(`${url}/status/traffic?from=0`, { headers });
}

async function echo(url: string, args: object, headers: Record<string, string> = {}): Promise<void> {
  const client = await Client.open(url, { headers });
  await client.ask('tools/call', { name: 'echo', arguments: args });
  await client.delete();
}

it(`${guards('inspect.off')} nothing is kept without --inspect`, async () => {
  const { url } = await start({ defaultServer: forPage() });
  await echo(`${url}/mcp`, { word: 'canary-1' });
  const { status, body } = await traffic(url);
  expect(status).toBe(404);
  expect(body).not.toContain('canary-1');
  expect(JSON.parse((await exchange(`${url}/status/live`, {})).body).inspect).toBe('off');
});

it(`${guards('inspect.own')} who is known sees what is theirs, and who may see all, all of their servers`, async () => {
  const closed = forPage({}, { name: 'closed', access: { keys: ['bob'], subjects: [], scopes: [] } });
  const { url } = await start(
    { auth: KEYS, inspect: { access: ['key:cleo'] }, defaultServer: forPage(), namedServers: [closed] },
    BOB,
  );
  await echo(`${url}/mcp`, { word: 'of-ann' }, ANN);
  await echo(`${url}/mcp`, { word: 'of-bob' }, BOB);
  await echo(`${url}/servers/closed/mcp`, { word: 'of-bob-alone' }, BOB);
  const seen = async (headers: Record<string, string>): Promise<string[]> => {
    const { status, body } = await traffic(url, headers);
    expect(status).toBe(200);
    return ['of-ann', 'of-bob"', 'of-bob-alone'].filter((word) => body.replaceAll('\\', '').includes(word));
  };
  expect(await seen(ANN)).toEqual(['of-ann']);
  expect(await seen(BOB)).toEqual(['of-bob"', 'of-bob-alone']);
  expect(await seen(CLEO)).toEqual(['of-ann', 'of-bob"']);
  expect((await traffic(url)).status).toBe(401);
});

it(`${guards('inspect.local')} where nobody is asked, nobody elsewhere sees them, nor is there a start where they would`, async () => {
  const page = 'https://app.example';
  const { url } = await start({ defaultServer: forPage(), allowOrigins: [page], inspect: { access: [] } });
  await echo(`${url}/mcp`, { word: 'canary-2' });
  expect((await traffic(url)).body).toContain('canary-2');
  const elsewhere = '203.0.113.7';
  for (const [name, value] of Object.entries({
    ...{ 'x-forwarded-for': elsewhere, forwarded: elsewhere, 'x-real-ip': elsewhere },
    origin: page,
  })) {
    const { status, body } = await traffic(url, { [name]: value });
    expect([name, status]).toEqual([name, 403]);
    expect(body).not.toContain('canary-2');
  }
  const everywhere = { host: '0.0.0.0', allowUnauthenticated: true, inspect: { access: [] } };
  await expect(start(everywhere)).rejects.toThrow('--inspect on 0.0.0.0 would show everybody');
  await expect(start({ inspect: { access: ['key:ann'] } })).rejects.toThrow('nobody is asked who they are');
});

it(`${guards('inspect.secrets')} secrets of the server and what is called one are masked`, async () => {
  const { url } = await start({
    defaultServer: forPage({ API_KEY: 'canary-of-env' }),
    inspect: { access: [] },
  });
  await echo(`${url}/mcp`, {
    word: 'seen',
    of: 'canary-of-env',
    encoded: Buffer.from('x canary-of-env').toString('base64'),
    token: 'canary-token',
    nested: { apiKey: 'canary-key', list: [{ password: 'canary-password' }] },
    header: 'Authorization: Bearer canary-bearer',
  });
  const { body } = await traffic(url);
  expect(body).toContain('seen');
  expect(body).not.toContain('canary');
  expect(body).not.toContain(Buffer.from('canary-of-env').toString('base64').slice(4, 12));
  expect(body).toContain('***');
});
