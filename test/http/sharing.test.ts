/** Which client meets which process, and what happens at the limits. */
import { afterEach, describe, expect, it } from 'vitest';
import { isRunning } from '../fixtures/processes.js';
import { req } from '../requirements.js';
import { Client, initializeBody, type Opening, post, requestBody } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { closeAll, eventually, puppet, start } from './harness/proxy.js';

afterEach(closeAll);

async function pidOf(url: string, opening: Opening = {}): Promise<number> {
  return (await (await Client.open(`${url}/mcp`, opening)).ask('x/pid')).pid;
}

describe('auto', () => {
  it(`${req('lifecycle.operation.capabilities', 'lifecycle.operation.version')} clients that look the same to the server share a process`, async () => {
    const { url } = await start();
    const first = await pidOf(url);
    expect(await pidOf(url)).toBe(first);
    const others = [
      await pidOf(url, { name: 'other' }),
      await pidOf(url, { version: '2025-06-18' }),
      await pidOf(url, { capabilities: { experimental: {} } }),
    ];
    expect(new Set([first, ...others]).size).toBe(4);
    expect(await pidOf(url, { name: 'other' })).toBe(others[0]);
  });

  it.each(['sampling', 'elicitation', 'roots'])('a client with %s has its own', async (capability) => {
    const { url } = await start();
    const opening = { capabilities: { [capability]: {} } };
    expect(await pidOf(url, opening)).not.toBe(await pidOf(url, opening));
  });

  it('the server learns the truth about its client, over both transports', async () => {
    const { url } = await start();
    const client = await Client.open(`${url}/mcp`, {
      name: 'Zoë',
      version: '2025-06-18',
      capabilities: { x: 1 },
    });
    expect((await client.ask('x/pid')).initialize).toEqual({
      protocolVersion: '2025-06-18',
      capabilities: { x: 1 },
      clientInfo: { name: 'Zoë', version: '1' },
    });
  });
});

it('session: each has its own, which ends with it', async () => {
  const { url } = await start({ defaultServer: puppet({ sharing: 'session' }) });
  const client = await Client.open(`${url}/mcp`);
  const { pid } = await client.ask('x/pid');
  expect(await pidOf(url)).not.toBe(pid);
  await client.delete();
  await eventually(() => (isRunning(pid) ? undefined : true));
});

it('shared: all have one, whatever they are', async () => {
  const { url } = await start({ defaultServer: puppet({ sharing: 'shared' }) });
  const pids = [
    await pidOf(url),
    await pidOf(url, { name: 'other', version: '2025-03-26' }),
    await pidOf(url, { capabilities: { roots: {} } }),
  ];
  expect(new Set(pids).size).toBe(1);
});

describe('limits', () => {
  it('no place for another process: 503, Retry-After and why', async () => {
    const { url } = await start({
      defaultServer: puppet({ sharing: 'session' }),
      limits: { maxProcesses: 1 },
    });
    const client = await Client.open(`${url}/mcp`);
    const refused = await post(`${url}/mcp`, initializeBody());
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    });
    expect(JSON.parse(refused.body)).toMatchObject({
      id: 'init',
      error: { code: -32603, message: expect.stringContaining('"default" already has 1 processes') },
    });
    const stream = new Stream(await send(`${url}/sse`, {}));
    const endpoint = await stream.next();
    if (endpoint.kind !== 'event') throw new Error('no endpoint');
    expect((await post(url + endpoint.data, initializeBody())).status).toBe(503);
    // It may come back on the same stream once there is a place.
    await client.delete();
    expect((await post(url + endpoint.data, initializeBody())).status).toBe(202);
    expect(await stream.message(1)).toMatchObject({ id: 'init', result: {} });
    stream.break();
  });

  it('a process that nobody uses makes place', async () => {
    const { url } = await start({ limits: { maxProcesses: 1 } });
    const client = await Client.open(`${url}/mcp`);
    expect((await post(`${url}/mcp`, initializeBody({ name: 'other' }))).status).toBe(503);
    await client.delete();
    expect((await post(`${url}/mcp`, initializeBody({ name: 'other' }))).status).toBe(200);
  });

  it('no place for another session: 503 on both transports', async () => {
    const { url } = await start({ limits: { maxSessions: 1 } });
    const client = await Client.open(`${url}/mcp`);
    expect(await post(`${url}/mcp`, initializeBody())).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.any(String) },
    });
    expect((await exchange(`${url}/sse`)).status).toBe(503);
    await client.delete();
    await Client.open(`${url}/mcp`);
  });

  it('a process that nobody uses ends after a time, and that is no failure', async () => {
    const { url, status } = await start({ limits: { processIdleMs: 1 } });
    const client = await Client.open(`${url}/mcp`);
    const { pid } = await client.ask('x/pid');
    await client.delete();
    await eventually(() => (isRunning(pid) ? undefined : true));
    expect((await status()).servers[0]).toMatchObject({
      state: 'ready',
      reason: null,
      processes: [],
      last_exit: null,
      last_activity: expect.any(String),
    });
    expect(await pidOf(url)).not.toBe(pid);
  });

  it(`${req('streamable-http.session.unknown-404')} a session that nobody comes back to ends; one with a stream does not`, async () => {
    const { url, status } = await start({ limits: { sessionIdleMs: 200 } });
    // On a slow machine a session may end before it has its stream; then the client begins again.
    const [kept, stream] = await eventually(async () => {
      try {
        const client = await Client.open(`${url}/mcp`, { name: 'kept' });
        return [client, await client.listen()] as const;
      } catch {
        return undefined;
      }
    });
    const session = String((await post(`${url}/mcp`, initializeBody())).headers['mcp-session-id']);
    await eventually(async () => ((await status()).servers[0].sessions.length === 1 ? true : undefined));
    const gone = new Client(`${url}/mcp`, '2025-11-25', session);
    expect((await gone.post(requestBody(1, 'ping'))).status).toBe(404);
    expect(await kept.ask('ping')).toEqual({});
    stream.break();
  });

  it('so does one whose client has gone while its request was open', async () => {
    const { url, status } = await start({ limits: { sessionIdleMs: 200 } });
    const call = await eventually(async () => {
      try {
        const client = await Client.open(`${url}/mcp`);
        const open = await client.stream('x/hold', { key: 'never', steps: 1, _meta: { progressToken: 1 } });
        await open.message(1);
        return open;
      } catch {
        return undefined;
      }
    });
    call.break();
    await eventually(async () => ((await status()).servers[0].sessions.length === 0 ? true : undefined));
    await eventually(async () => ((await status()).servers[0].requests_in_flight === 0 ? true : undefined));
  });
});

it(`${req('streamable-http.session.unknown-404')} DELETE ends a session: 404 from then on, and its open request and stream end`, async () => {
  const { url, status } = await start();
  const client = await Client.open(`${url}/mcp`);
  const other = await Client.open(`${url}/mcp`);
  const stream = await client.listen();
  const open = client.post(requestBody('open', 'x/hold', { key: 'd' }));
  await other.ask('x/seen', { method: 'x/hold', count: 1 });
  expect(await client.delete()).toMatchObject({ status: 200, body: '' });
  await stream.ended();
  expect(JSON.parse((await open).body)).toMatchObject({
    id: 'open',
    error: { message: expect.stringContaining('ended its session') },
  });
  expect((await client.delete()).status).toBe(404);
  expect((await client.post(requestBody(1, 'ping'))).status).toBe(404);
  await expect(client.listen()).rejects.toThrow(/^404/);
  expect(await other.ask('ping')).toEqual({});
  expect((await status()).servers[0].sessions).toHaveLength(1);
});
