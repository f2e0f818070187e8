import { afterEach, describe, expect, it } from 'vitest';
import type { ServerDefinition } from '../../../src/config/definition.js';
import { makeRequest } from '../../../src/jsonrpc/make.js';
import type { Message } from '../../../src/jsonrpc/message.js';
import type { Clock } from '../../../src/relay/clock.js';
import type { Link } from '../../../src/relay/link.js';
import { AtCapacity } from '../../../src/servers/at-capacity.js';
import type { Pool, PoolOptions } from '../../../src/servers/pool.js';
import { Server } from '../../../src/servers/server.js';
import { START_PHASE_MS } from '../../../src/servers/start-phase.js';
import { fixtureDefinition, isRunning } from '../../fixtures/processes.js';

const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

const servers: Server[] = [];

afterEach(async () => {
  const pids = servers.flatMap(({ pool }) => pool.processes.map(({ child }) => child.pid ?? 0));
  await Promise.all(servers.splice(0).map((server) => server.stop('the test is over')));
  expect(pids.filter(isRunning)).toEqual([]);
});

function makeServer(
  definition: Partial<ServerDefinition> = {},
  options: Partial<PoolOptions> = {},
  env: Record<string, string> = {},
): Server {
  const server = new Server(fixtureDefinition('http-puppet.mjs', env, definition), {
    clock: realClock,
    emit: () => undefined,
    ...options,
  });
  servers.push(server);
  return server;
}

function initialize(name = 'a', capabilities: object = {}): Message {
  return makeRequest('1', 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities,
    clientInfo: { name, version: '1' },
  });
}

/** Sends one request; settles with what comes back for it, or with the text of the end. */
function ask(link: Link, message: Message): Promise<string> {
  return new Promise((resolve) => {
    link.listen({ message: ({ text }) => resolve(text), closed: ({ text }) => resolve(`closed: ${text}`) });
    link.send(message);
  });
}

it('hands the process that was started ahead to the first client that fits', async () => {
  const server = makeServer();
  server.start();
  const [spare] = server.pool.processes;
  expect(server.pool.state).toBe('starting');
  const link = server.open(initialize());
  expect(server.pool.processes).toEqual([spare]);
  expect(await ask(link, initialize())).toContain('puppet');
  expect(await server.pool.started).toEqual({ ok: true });
  expect(server.pool.state).toBe('ready');
  server.open(initialize('b'));
  expect(server.pool.processes).toHaveLength(2);
});

it('counts the processes that it may have, and says which server has no place', () => {
  const server = makeServer({ sharing: 'session' }, { maxProcesses: 2 });
  server.open(initialize());
  server.open(initialize());
  expect(() => server.open(initialize())).toThrow(AtCapacity);
  expect(() => server.open(initialize())).toThrow(/"fixture".*2 processes/);
});

it('after its end starts nothing', async () => {
  const server = makeServer();
  await server.stop('over');
  expect(() => server.open(initialize())).toThrow(AtCapacity);
});

it('a process of nobody ends after its time; one that is used again before does not', async () => {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    after: (_, action) => {
      timers.push(action);
      return () => timers.splice(timers.indexOf(action), 1);
    },
  };
  const server = makeServer({}, { clock });
  const first = server.open(initialize());
  await ask(first, initialize());
  first.close({ kind: 'ended', text: '' });
  expect(timers).toHaveLength(1);
  const second = server.open(initialize());
  expect(timers).toHaveLength(0);
  second.close({ kind: 'ended', text: '' });
  expect(server.pool.processes).toHaveLength(1);
  timers[0]?.();
  expect(server.pool.processes).toHaveLength(0);
  expect(server.pool).toMatchObject({ state: 'ready', health: { lastExit: undefined }, failure: undefined });
});

describe('a server that refuses the handshake of the proxy', () => {
  it('has failed, and the next client meets a new process', async () => {
    const server = makeServer({ sharing: 'shared' }, {}, { HTTP_PUPPET: 'refuse' });
    await expect(server.openWithoutHandshake()).rejects.toThrow('not you');
    expect(server.pool.processes).toEqual([]);
    expect(server.pool.state).toBe('failed');
    expect(server.pool.failure).toContain('not you');
    expect(await ask(server.open(initialize()), initialize())).toContain('not you');
  });
});

it('a server that crashed is restarting until one works again', async () => {
  const server = makeServer();
  const link = server.open(initialize());
  await ask(link, initialize());
  const fatal = makeRequest('2', 'x/exit', { code: 4, stderr: 'why' });
  expect(await ask(link, fatal)).toContain('exit code 4');
  expect(server.pool).toMatchObject({
    state: 'restarting',
    failure: expect.stringContaining('exit code 4'),
  });
  expect(server.pool.health.lastExit).toMatchObject({ exit: { kind: 'exited', code: 4 }, stderr: ['why'] });
  const next = server.open(initialize());
  expect(server.pool.state).toBe('restarting');
  await ask(next, initialize());
  expect(server.pool).toMatchObject({ state: 'ready', failure: undefined, health: { replaced: 1 } });
});

describe('the start', () => {
  /** A clock whose timers fire when the test says so. */
  function handClock(): { clock: Clock; pass: (ms: number) => void } {
    const timers = new Map<() => void, number>();
    const clock: Clock = {
      now: () => 0,
      after: (ms, action) => {
        timers.set(action, ms);
        return () => timers.delete(action);
      },
    };
    return {
      clock,
      pass: (ms) => {
        for (const [action, due] of timers) {
          if (due <= ms && timers.delete(action)) action();
        }
      },
    };
  }

  /** Kills the process that nobody uses; settles when the pool has taken note of it. */
  async function crash(pool: Pool): Promise<void> {
    const [{ child } = { child: undefined }] = pool.processes;
    process.kill(child?.pid ?? 0, 'SIGKILL');
    await child?.exit;
    await Promise.resolve();
  }

  it('failed where the process ends before anything was heard of it', async () => {
    const server = makeServer();
    server.start();
    await crash(server.pool);
    expect(await server.pool.started).toMatchObject({ ok: false, reason: /SIGKILL/ });
    expect(server.pool.state).toBe('failed');
  });

  it('did not fail where that comes long after; the next client meets a new process', async () => {
    const { clock, pass } = handClock();
    const server = makeServer({}, { clock });
    server.start();
    pass(START_PHASE_MS);
    expect(await server.pool.started).toEqual({ ok: true });
    await crash(server.pool);
    expect(server.pool).toMatchObject({ state: 'failed', failure: expect.stringContaining('SIGKILL') });
    expect(await ask(server.open(initialize()), initialize())).toContain('puppet');
    expect(server.pool.state).toBe('ready');
  });

  it.each(['auto', 'legacy'] as const)(
    'failed where the first words of a client end it: era %s',
    async (era) => {
      const server = makeServer({ era, args: ['-e', 'process.stdin.once("data", () => process.exit(9))'] });
      server.start();
      const order: string[] = [];
      const answer = Promise.resolve(server.known()).then(() => ask(server.open(initialize()), initialize()));
      const told = answer.then((text) => order.push(text));
      expect(await server.pool.started).toMatchObject({ ok: false, reason: /exit code 9/ });
      order.push('started');
      await told;
      expect(server.pool.state).toBe('failed');
      expect(server.pool.processes).toEqual([]); // nothing else is tried for that client
      expect(server.busy).toBe(false);
      expect(order).toContainEqual(expect.stringContaining('exit code 9'));
    },
  );

  it('is under way as long as one of its processes may still answer', async () => {
    const script = `const lines = [];
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (line.includes('"bad"')) process.exit(9);
      const { id } = JSON.parse(lines.push(line) === 2 ? lines[0] : line);
      if (lines.length === 2) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
    });`;
    const server = makeServer({ era: 'legacy', sharing: 'session', args: ['-e', script] });
    server.start();
    let isKnown = false;
    void server.pool.started.then(() => {
      isKnown = true;
    });
    const good = server.open(initialize('good'));
    const answered = ask(good, initialize('good'));
    expect(await ask(server.open(initialize('bad')), initialize('bad'))).toContain('exit code 9');
    expect(server.pool.state).toBe('starting');
    expect(isKnown).toBe(false);
    good.send(makeRequest('2', 'ping'));
    expect(await answered).toContain('result');
    expect(await server.pool.started).toEqual({ ok: true });
  });

  it('counts who has not heard of the end of his process as served', async () => {
    const server = makeServer({
      era: 'legacy',
      args: ['-e', 'process.stdin.once("data", () => process.exit(9))'],
    });
    server.start();
    const [process] = server.pool.processes;
    const answer = ask(server.open(initialize()), initialize());
    await process?.child.exit;
    const wasBusy = server.busy;
    const text = await answer;
    expect(text).toContain('exit code 9');
    expect([wasBusy, server.busy]).toEqual([true, false]);
  });

  it.each(['auto', 'shared'] as const)('that throws is a failure in words: %s', async (sharing) => {
    const broken: Partial<ServerDefinition> = { sharing };
    const server = makeServer(broken);
    Object.defineProperty(server.definition, 'command', {
      get: () => {
        throw new Error('no command to be had');
      },
    });
    expect(() => server.start()).not.toThrow();
    expect(await server.pool.started).toEqual({ ok: false, reason: 'no command to be had' });
    expect(server.pool).toMatchObject({ state: 'failed', failure: 'no command to be had' });
  });
});
