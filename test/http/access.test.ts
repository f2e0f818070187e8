/** Who may use which server. */
import { afterEach, expect, it } from 'vitest';
import { guards } from '../security.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { exchange } from './harness/http.js';
import { PlayedIssuer } from './harness/issuer.js';
import { modernBody, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, puppet, start } from './harness/proxy.js';

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
  // A client has chosen its id itself.
  expect(await tried(await token({ sub: undefined, client_id: 'ann' }))).toEqual([404, 404, 404]);
  expect(await tried(await token({ sub: undefined, client_id: 'ann', scope: 'admin' }))).toEqual([
    404, 200, 404,
  ]);
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

it(`${guards('access.others')} of one server each is shown what is theirs`, async () => {
  const proxy = await start(
    { auth: AUTH, defaultServer: puppet(), namedServers: [puppet({ name: 'all', sharing: 'shared' })] },
    ANN,
  );
  const { url } = proxy;
  const hers = await Client.open(`${url}/mcp`, { headers: ANN, name: 'her-client' });
  const his = await Client.open(`${url}/mcp`, { headers: BOB, name: 'his-client' });
  const modern = { ...modernHeaders('x/pid'), ...ANN };
  await post(`${url}/mcp`, modernBody(1, 'x/pid'), { headers: modern });
  await Client.open(`${url}/servers/all/mcp`, { headers: ANN, name: 'her-shared' });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  const seen = async (headers: typeof ANN | typeof BOB): Promise<any> =>
    JSON.parse((await exchange(`${url}/status`, { headers })).body);
  const pid = async (client: Client): Promise<number> => (await client.ask('x/pid')).pid;
  const [herPid, hisPid] = [await pid(hers), await pid(his)];
  const pids = ({ servers: [server] }: { servers: { processes: { pid: number }[] }[] }): number[] =>
    (server?.processes ?? []).map((one) => one.pid);
  const [ofHer, ofHim] = [await seen(ANN), await seen(BOB)];
  expect(pids(ofHer)).toContain(herPid);
  expect(pids(ofHer)).not.toContain(hisPid);
  expect(pids(ofHim)).toContain(hisPid);
  expect(pids(ofHim)).not.toContain(herPid);
  expect(ofHer.servers[0].sessions).toMatchObject([{ client: { name: 'her-client' } }]);
  expect(ofHim.servers[0].sessions).toMatchObject([{ client: { name: 'his-client' } }]);
  expect(ofHer.servers[0].recent_clients).toMatchObject([{ client: { name: 'test' } }]);
  expect(ofHim.servers[0].recent_clients).toEqual([]);
  expect(ofHim.servers[1].processes).toMatchObject([{ pid: ofHer.servers[1].processes[0].pid }]);
  expect(ofHim.servers[1].sessions).toEqual([]);
  // What her process says at its end is not for him, though his server is down by it.
  await hers.post(requestBody('x', 'x/exit', { code: 3, stderr: 'her last words' }));
  await eventually(async () => ((await seen(ANN)).servers[0].last_exit === null ? undefined : true));
  expect((await seen(ANN)).servers[0].last_exit.stderr).toContain('her last words');
  expect((await seen(BOB)).servers[0].last_exit).toBeNull();
  expect(JSON.stringify(await seen(BOB))).not.toContain('her last words');
});
