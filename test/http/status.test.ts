/** What `/status` says, against what really happened. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRunning } from '../fixtures/processes.js';
import { Client } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { ask, MODERN } from './harness/modern.js';
import { closeAll, puppet, start, type TestProxy } from './harness/proxy.js';

const SECRET = 'hunter2-hunter2';
const ARGUMENTS = [
  '--api-key',
  'abcdefgh',
  '--token=ijklmnop',
  '--header',
  'Authorization: Bearer qrstuvwx',
  'https://host/mcp?api_key=yzabcdef',
  'plain',
];
let proxy: TestProxy;

beforeAll(async () => {
  proxy = await start({
    defaultServer: puppet({
      env: { PRIVATE: SECRET },
      args: [...puppet().args, ...ARGUMENTS],
      timeout: 60_000,
    }),
    namedServers: [puppet({ name: 'idle', sharing: 'session' })],
  });
});
afterAll(closeAll);

it('a server is starting until it has answered, then ready', async () => {
  const before = await proxy.status();
  expect(before.server_instances).toEqual({ default: 'starting', idle: 'starting' });
  expect(before.api_last_activity).toMatch(/^\d{4}-.*Z$/);
  expect(before.servers[1]).toMatchObject({
    name: 'idle',
    state: 'starting',
    processes: [{ state: 'starting', sharing: 'unassigned', sessions: 0, requests_in_flight: 0 }],
    sessions: [],
    last_activity: null,
    last_exit: null,
  });
  expect(isRunning(before.servers[1].processes[0].pid)).toBe(true);
  const client = await Client.open(`${proxy.url}/mcp`);
  const after = await proxy.status();
  expect(after.server_instances).toEqual({ default: 'ready', idle: 'starting' });
  // The process that was started ahead is the one that the first client got.
  expect(after.servers[0].processes).toMatchObject([
    { pid: before.servers[0].processes[0].pid, state: 'ready', sharing: 'shared', sessions: 1 },
  ]);
  expect((await client.ask('x/pid')).pid).toBe(before.servers[0].processes[0].pid);
  await client.delete();
});

it('sessions, requests in flight and last activity are those of the moment', async () => {
  const began = Date.now();
  const client = await Client.open(`${proxy.url}/mcp`, { name: 'one' });
  const sse = new Stream(await send(`${proxy.url}/sse`, {}));
  await sse.next();
  const open = await client.stream('x/hold', { key: 'k', steps: 1, _meta: { progressToken: 1 } });
  await open.message(1);
  const [server] = (await proxy.status()).servers;
  expect(server).toMatchObject({ requests_in_flight: 1 });
  expect(server.sessions).toMatchObject([
    { transport: 'streamable-http', client: { name: 'one', version: '1' } },
    { transport: 'sse', client: null },
  ]);
  expect(Date.parse(server.last_activity)).toBeGreaterThanOrEqual(began);
  await client.ask('x/release', { key: 'k' });
  await open.ended();
  expect((await proxy.status()).servers[0].requests_in_flight).toBe(0);
  await client.delete();
  sse.break();
});

it('it shows no secret and no session id', async () => {
  const client = await Client.open(`${proxy.url}/mcp`);
  const { body } = await exchange(`${proxy.url}/status`);
  for (const secret of [SECRET, 'abcdefgh', 'ijklmnop', 'qrstuvwx', 'yzabcdef', client.session]) {
    expect(body).not.toContain(secret);
  }
  expect(JSON.parse(body).servers[0].definition).toMatchObject({
    env: ['PRIVATE'],
    args: [expect.any(String), '--api-key', '***', '--token=***', '--header', '***', '***', 'plain'],
    sharing: 'auto',
    timeout: 60,
  });
  expect((await client.ask('x/pid')).argv).toEqual(ARGUMENTS);
});

it('it is for GET only, and for nobody to keep', async () => {
  expect(await exchange(`${proxy.url}/status/`)).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
  expect(await exchange(`${proxy.url}/status`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  expect((await exchange(`${proxy.url}/status`, { method: 'POST', body: '{}' })).status).toBe(405);
});

it('a modern client is named with its era and version, and so is what its server speaks', async () => {
  const began = Date.now();
  await ask(`${proxy.url}/mcp`, 'tools/list');
  await ask(`${proxy.url}/mcp`, 'tools/list');
  const [server] = (await proxy.status()).servers;
  expect(server.recent_clients).toEqual([
    {
      era: 'modern',
      protocol_version: MODERN,
      client: { name: 'test', version: '1' },
      since: expect.any(String),
      last_activity: expect.any(String),
      requests: 2,
    },
  ]);
  expect(Date.parse(server.last_activity)).toBeGreaterThanOrEqual(began);
  expect(server.processes).toContainEqual(
    expect.objectContaining({ era: 'legacy', protocol_version: '2025-11-25' }),
  );
  const told = proxy.events.map(({ text }) => text);
  const line = `requests of test 1 over Streamable HTTP, MCP ${MODERN}, translated for a server of the legacy era`;
  expect(told.filter((text) => text.startsWith('requests of'))).toEqual([line]);
  expect(told.filter((text) => /^process \d+ speaks MCP 2025-11-25$/.test(text)).length).toBeGreaterThan(0);
});
