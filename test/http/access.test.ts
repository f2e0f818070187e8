/** Who may use which server. */
import { afterEach, expect, it } from 'vitest';
import { guards } from '../security.js';
import { Client, initializeBody, post } from './harness/client.js';
import { exchange } from './harness/http.js';
import { PlayedIssuer } from './harness/issuer.js';
import { closeAll, puppet, start } from './harness/proxy.js';

const ANN = { 'x-api-key': 'ann-0123456789abcdef' };
const BOB = { 'x-api-key': 'bob-0123456789abcdef' };
const AUTH = { apiKeys: `ann:${ANN['x-api-key']}\nbob:${BOB['x-api-key']}` };
const NONE = { keys: [], subjects: [], scopes: [] };

let issuer: PlayedIssuer | undefined;
afterEach(async () => {
  await closeAll();
  await issuer?.stop();
  issuer = undefined;
});

it(`${guards('access.unknown')} a server that somebody may not use is not there for them, in any way`, async () => {
  const { url, status } = await start(
    {
      auth: AUTH,
      namedServers: [
        puppet({ name: 'hers', access: { ...NONE, keys: ['ann'] } }),
        puppet({ name: 'both', access: { ...NONE, keys: ['bob', 'ann'] } }),
      ],
    },
    ANN,
  );
  const own = await Client.open(`${url}/servers/hers/mcp`, { headers: ANN });
  expect(await own.ask('ping')).toEqual({});
  await Client.open(`${url}/servers/both/mcp`, { headers: BOB });
  await Client.open(`${url}/mcp`, { headers: BOB });
  for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
    for (const end of ['mcp', 'sse', 'messages/?session_id=1']) {
      const sent = { method, headers: { ...BOB, 'mcp-session-id': own.session } };
      const [closed, none] = [
        await exchange(`${url}/servers/hers/${end}`, sent),
        await exchange(`${url}/servers/none/${end}`, sent),
      ];
      expect(closed.status).toBe(404);
      expect({ ...closed, headers: { ...closed.headers, date: '' } }).toEqual({
        ...none,
        headers: { ...none.headers, date: '' },
      });
    }
  }
  const seen = JSON.parse((await exchange(`${url}/status`, { headers: BOB })).body);
  expect(seen.servers.map(({ name }: { name: string }) => name)).toEqual(['default', 'both']);
  expect(Object.keys(seen.server_instances)).toEqual(['default', 'both']);
  expect(JSON.stringify(seen)).not.toContain('hers');
  expect(Object.keys((await status()).server_instances)).toEqual(['default', 'hers', 'both']);
});

it(`${guards('access.ways')} a subject or a scope of a token lets in, too; a key of the same name does not`, async () => {
  issuer = await PlayedIssuer.start();
  const tokens = { issuer: issuer.url, audiences: ['me'], requiredScopes: [] };
  const { url } = await start(
    {
      auth: { ...AUTH, tokens },
      namedServers: [
        puppet({ name: 'subject', access: { ...NONE, subjects: ['ann'] } }),
        puppet({ name: 'scope', access: { ...NONE, scopes: ['use', 'admin'] } }),
        puppet({ name: 'key', access: { ...NONE, keys: ['ann'] } }),
      ],
    },
    ANN,
  );
  const token = async (claims: object): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await issuer?.token({ aud: 'me', ...claims })}`,
  });
  const tried = async (headers: Record<string, string>): Promise<number[]> => {
    const statuses: number[] = [];
    for (const name of ['subject', 'scope', 'key']) {
      statuses.push((await post(`${url}/servers/${name}/mcp`, initializeBody(), { headers })).status);
    }
    return statuses;
  };
  expect(await tried(await token({ sub: 'ann' }))).toEqual([200, 404, 404]);
  expect(await tried(await token({ sub: 'bob', scope: 'x admin' }))).toEqual([404, 200, 404]);
  expect(await tried(await token({ sub: 'bob', scope: 'administrator' }))).toEqual([404, 404, 404]);
  expect(await tried(ANN)).toEqual([404, 404, 200]);
});

it(`${guards('access.kept')} nothing starts where it could not be kept`, async () => {
  const named = { namedServers: [puppet({ name: 'a', access: { ...NONE, keys: ['ann'] } })] };
  for (const more of [{}, { allowUnauthenticated: true }, { allowUnauthenticated: true, host: '0.0.0.0' }]) {
    await expect(start({ ...named, ...more })).rejects.toThrow(/server "a": its access can't be kept/);
  }
});
