/** A server that dies, and the proxy that ends: who hears what. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fixtureDefinition, isRunning } from '../fixtures/processes.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { closeAll, eventually, puppet, start } from './harness/proxy.js';

afterEach(closeAll);

describe('a server that dies', () => {
  it('is told to the client: which, how, and the end of its stderr; the session goes on', async () => {
    const { url, status } = await start({ namedServers: [puppet({ name: 'other' })] });
    const other = await Client.open(`${url}/servers/other/mcp`);
    const neighbour = await Client.open(`${url}/mcp`, { name: 'neighbour' });
    const client = await Client.open(`${url}/mcp`);
    const { pid } = await client.ask('x/pid');
    const listening = await client.listen();
    const open = client.post(requestBody('open', 'x/hold', { key: 'never' }));
    await client.ask('x/seen', { method: 'x/hold', count: 1 });
    const fatal = client.post(requestBody('fatal', 'x/exit', { code: 7, stderr: 'the reason' }));
    for (const [id, answer] of [
      ['open', await open],
      ['fatal', await fatal],
    ] as const) {
      expect(answer.status).toBe(200);
      const { error, ...rest } = JSON.parse(answer.body);
      expect(rest).toEqual({ jsonrpc: '2.0', id });
      expect(error.code).toBe(-32603);
      expect(error.message).toMatch(/"default".*exit code 7[\s\S]*the reason/);
      expect(error.data).toMatchObject({ server: 'default', exitCode: 7, stderr: ['the reason'] });
    }
    const { pid: next } = await client.ask('x/pid');
    expect(next).not.toBe(pid);
    expect(await listening.message(1)).toMatchObject({ method: 'notifications/tools/list_changed' });

    expect(await other.ask('ping')).toEqual({});
    expect(await neighbour.ask('ping')).toEqual({});
    expect((await status()).servers[0]).toMatchObject({
      state: 'ready',
      restarts: 1,
      last_exit: { pid, exit_code: 7, signal: null, stderr: ['the reason'] },
    });
    const fresh = await Client.open(`${url}/mcp`);
    expect((await fresh.ask('x/pid')).pid).toBe(next);
  });

  it('is told without what its environment holds: to the client, in the log and in /status', async () => {
    const proxy = await start({ defaultServer: puppet({ env: { DB_PASS: 'hunter2secret' } }) });
    const client = await Client.open(`${proxy.url}/mcp`);
    const fatal = requestBody(1, 'x/exit', { code: 7, stderr: 'no login with hunter2secret' });
    const { error } = JSON.parse((await client.post(fatal)).body);
    expect(error).toMatchObject({
      message: expect.stringContaining('no login with ***'),
      data: { stderr: ['no login with ***'] },
    });
    expect(proxy.events.map(({ text }) => text)).toContain('no login with ***');
    const shown = JSON.stringify([error, proxy.events, await proxy.status()]);
    expect(shown).not.toContain('hunter2secret');
  });

  it('is told on a stream that is open already', async () => {
    const { url } = await start();
    const client = await Client.open(`${url}/mcp`, { capabilities: { roots: {} } });
    const call = await client.stream('x/hold', { key: 'n', steps: 1, _meta: { progressToken: 1 } }, 'open');
    await call.message(1);
    await client.post(requestBody('fatal', 'x/exit', { code: 1 }));
    await call.ended();
    expect(call.messages.at(-1)).toMatchObject({ id: 'open', error: { data: { exitCode: 1 } } });
  });

  it('is told over HTTP+SSE, and the stream goes on', async () => {
    const { url } = await start();
    const stream = new Stream(await send(`${url}/sse`, {}));
    const endpoint = await stream.next();
    if (endpoint.kind !== 'event') throw new Error('no endpoint');
    await post(url + endpoint.data, initializeBody());
    await stream.message(1);
    expect(
      (await post(url + endpoint.data, requestBody('f', 'x/exit', { code: 5, stderr: 'why' }))).status,
    ).toBe(202);
    expect(await stream.message(2)).toMatchObject({
      id: 'f',
      error: { data: { exitCode: 5, stderr: ['why'] } },
    });
    expect((await post(url + endpoint.data, requestBody('after', 'ping'))).status).toBe(202);
    await stream.message(4);
    expect(stream.messages.slice(2)).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
        { jsonrpc: '2.0', id: 'after', result: {} },
      ]),
    );
  });

  it.each(['auto', 'shared', 'session'] as const)(
    'at its start is told in /status and to each client: %s',
    async (sharing) => {
      const broken = fixtureDefinition(
        'misbehave.mjs',
        { MISBEHAVE: 'die-at-start' },
        { name: 'default', sharing },
      );
      const { url, status, started } = await start({ defaultServer: broken });
      const [outcome] = await started;
      expect(outcome).toMatchObject({
        name: 'default',
        ok: false,
        reason: expect.stringContaining('the reason'),
      });
      const before = await status();
      expect(before.server_instances).toEqual({ default: 'failed' });
      expect(before.servers[0]).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining('exit code 3'),
        processes: [],
        last_exit: { exit_code: 3, stderr: ['cannot start:', 'the reason'] },
      });
      const answer = await post(`${url}/mcp`, initializeBody());
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('mcp-session-id');
      expect(JSON.parse(answer.body).error.message).toContain('exit code 3');
      expect((await status()).servers[0].sessions).toEqual([]);
    },
  );

  it('at its start is told to requests without a session', async () => {
    const broken = fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'die-at-start' }, { name: 'default' });
    const { url, started } = await start({ defaultServer: broken, stateless: true });
    await started;
    const answer = await post(`${url}/mcp`, requestBody(1, 'ping'));
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining('exit code 3') },
    });
  });

  it('that does not exist is told in words', async () => {
    const { url, started, status } = await start({ defaultServer: puppet({ command: 'no-such-command-x' }) });
    expect((await started)[0]?.reason).toContain('no-such-command-x');
    expect((await status()).servers[0]).toMatchObject({ state: 'failed', last_exit: { exit_code: null } });
    const answer = await post(`${url}/mcp`, initializeBody());
    expect(JSON.parse(answer.body).error.message).toContain('no-such-command-x');
  });
});

describe('the end of the proxy', () => {
  it('lets what is open finish, refuses what is new, and leaves no child', async () => {
    const proxy = await start();
    const client = await Client.open(`${proxy.url}/mcp`, { capabilities: { roots: {} } });
    const listening = await client.listen();
    const { pid } = await client.ask('x/pid');
    const question = { jsonrpc: '2.0', id: 'q', method: 'roots/list' };
    const open = await client.stream('x/hold', { key: 'k', steps: 1, _meta: { progressToken: 1 } }, 'open');
    await open.message(1);
    await client.ask('x/later', { messages: [question] });
    await open.message(2);
    const closing = proxy.close();
    const headers = { 'retry-after': expect.any(String) };
    expect(await client.post(requestBody(1, 'ping'))).toMatchObject({ status: 503, headers });
    expect(await post(`${proxy.url}/mcp`, initializeBody())).toMatchObject({ status: 503, headers });
    expect(await exchange(`${proxy.url}/sse`)).toMatchObject({ status: 503, headers });
    // What the open request waits for still comes through.
    expect((await client.post('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}')).status).toBe(202);
    await client.notify('notifications/cancelled', { requestId: 'open' });
    await open.ended();
    await closing;
    await listening.ended();
    expect(isRunning(pid)).toBe(false);
    await expect(exchange(`${proxy.url}/status`)).rejects.toThrow('ECONNREFUSED');
  });

  it('brings a large last answer to its client', async () => {
    const proxy = await start({ defaultServer: puppet({ env: { HTTP_PUPPET: 'slow-end' } }) });
    const client = await Client.open(`${proxy.url}/mcp`);
    const open = client.post(requestBody(1, 'x/big', { octets: 8_000_000 }));
    await eventually(async () =>
      (await proxy.status()).servers[0].requests_in_flight > 0 ? true : undefined,
    );
    const [answer] = await Promise.all([open, proxy.close()]);
    expect(JSON.parse(answer.body).result.text).toHaveLength(8_000_000);
  });

  it('takes 10 s at most, also where a call never ends and the server does not heed SIGTERM', async () => {
    const stubborn = fixtureDefinition(
      'misbehave.mjs',
      { MISBEHAVE: 'ignore-end,ignore-term' },
      { name: 'default' },
    );
    const proxy = await start({ defaultServer: stubborn });
    const client = await Client.open(`${proxy.url}/mcp`);
    const call = client.post(requestBody(1, 'tools/call', { name: 'wait' }));
    await eventually(async () =>
      (await proxy.status()).servers[0].requests_in_flight > 0 ? true : undefined,
    );
    const { pid } = (await proxy.status()).servers[0].processes[0];
    const realPause = setTimeout;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const closing = proxy.close();
      await vi.advanceTimersByTimeAsync(9500);
      // The time of the proxy stands still; the system needs some of its own.
      while (isRunning(pid)) await new Promise((resolve) => realPause(resolve, 10));
      await vi.advanceTimersByTimeAsync(500);
      await closing;
    } finally {
      vi.useRealTimers();
    }
    expect(JSON.parse((await call).body)).toHaveProperty('error');
  });

  it('tells sessions without an open request nothing but the end of their streams', async () => {
    const proxy = await start();
    const client = await Client.open(`${proxy.url}/mcp`);
    const streams = [await client.listen(), new Stream(await send(`${proxy.url}/sse`, {}))];
    await proxy.close();
    await Promise.all(streams.map((stream) => stream.ended()));
    expect(streams.flatMap((stream) => stream.messages)).toEqual([]);
  });
});
