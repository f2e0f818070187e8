import { afterEach, describe, expect, it } from 'vitest';
import type { ServerDefinition } from '../../../src/config/definition.js';
import { makeRequest } from '../../../src/jsonrpc/make.js';
import type { Message } from '../../../src/jsonrpc/message.js';
import type { Clock } from '../../../src/relay/clock.js';
import type { Link } from '../../../src/relay/link.js';
import { AtCapacity, Pool, type PoolOptions, START_PHASE_MS } from '../../../src/servers/pool.js';
import { fixtureDefinition, isRunning } from '../../fixtures/processes.js';

const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

const pools: Pool[] = [];

afterEach(async () => {
  const pids = pools.flatMap((pool) => pool.processes.map(({ child }) => child.pid ?? 0));
  await Promise.all(pools.splice(0).map((pool) => pool.stop('the test is over')));
  expect(pids.filter(isRunning)).toEqual([]);
});

function makePool(
  definition: Partial<ServerDefinition> = {},
  options: Partial<PoolOptions> = {},
  env: Record<string, string> = {},
): Pool {
  const pool = new Pool(fixtureDefinition('http-puppet.mjs', env, definition), {
    clock: realClock,
    emit: () => undefined,
    ...options,
  });
  pools.push(pool);
  return pool;
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
  const pool = makePool();
  pool.start();
  const [spare] = pool.processes;
  expect(pool.state).toBe('starting');
  const link = pool.open(initialize());
  expect(pool.processes).toEqual([spare]);
  expect(await ask(link, initialize())).toContain('puppet');
  expect(await pool.started).toEqual({ ok: true });
  expect(pool.state).toBe('ready');
  pool.open(initialize('b'));
  expect(pool.processes).toHaveLength(2);
});

it('counts the processes that it may have, and says which server has no place', () => {
  const pool = makePool({ sharing: 'session' }, { maxProcesses: 2 });
  pool.open(initialize());
  pool.open(initialize());
  expect(() => pool.open(initialize())).toThrow(AtCapacity);
  expect(() => pool.open(initialize())).toThrow(/"fixture".*2 processes/);
});

it('after its end starts nothing', async () => {
  const pool = makePool();
  await pool.stop('over');
  expect(() => pool.open(initialize())).toThrow(AtCapacity);
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
  const pool = makePool({}, { clock });
  const first = pool.open(initialize());
  await ask(first, initialize());
  first.close({ kind: 'ended', text: '' });
  expect(timers).toHaveLength(1);
  const second = pool.open(initialize());
  expect(timers).toHaveLength(0);
  second.close({ kind: 'ended', text: '' });
  expect(pool.processes).toHaveLength(1);
  timers[0]?.();
  expect(pool.processes).toHaveLength(0);
  expect(pool).toMatchObject({ state: 'ready', lastExit: undefined, failure: undefined });
});

describe('a server that refuses the handshake of the proxy', () => {
  it('has failed, and the next client meets a new process', async () => {
    const pool = makePool({ sharing: 'shared' }, {}, { HTTP_PUPPET: 'refuse' });
    await expect(pool.openWithoutHandshake()).rejects.toThrow('not you');
    expect(pool.processes).toEqual([]);
    expect(pool.state).toBe('failed');
    expect(pool.failure).toContain('not you');
    expect(await ask(pool.open(initialize()), initialize())).toContain('not you');
  });
});

it('a server that crashed has failed until one works again', async () => {
  const pool = makePool();
  const link = pool.open(initialize());
  await ask(link, initialize());
  const fatal = makeRequest('2', 'x/exit', { code: 4, stderr: 'why' });
  expect(await ask(link, fatal)).toContain('exit code 4');
  expect(pool.state).toBe('failed');
  expect(pool.lastExit).toMatchObject({ exit: { kind: 'exited', code: 4 }, stderr: ['why'] });
  const next = pool.open(initialize());
  expect(pool.state).toBe('starting');
  await ask(next, initialize());
  expect(pool).toMatchObject({ state: 'ready', failure: undefined });
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
    const pool = makePool();
    pool.start();
    await crash(pool);
    expect(await pool.started).toMatchObject({ ok: false, reason: /SIGKILL/ });
    expect(pool.state).toBe('failed');
  });

  it('did not fail where that comes long after; the next client meets a new process', async () => {
    const { clock, pass } = handClock();
    const pool = makePool({}, { clock });
    pool.start();
    pass(START_PHASE_MS);
    expect(await pool.started).toEqual({ ok: true });
    await crash(pool);
    expect(pool).toMatchObject({ state: 'failed', failure: expect.stringContaining('SIGKILL') });
    expect(await ask(pool.open(initialize()), initialize())).toContain('puppet');
    expect(pool.state).toBe('ready');
  });

  it('did not fail where a client was there, whose doing the end may be', async () => {
    const { clock, pass } = handClock();
    const pool = makePool({ args: ['-e', 'process.stdin.once("data", () => process.exit(9))'] }, { clock });
    pool.start();
    expect(await ask(pool.open(initialize()), initialize())).toContain('exit code 9');
    expect(pool.failure).toContain('exit code 9');
    pass(START_PHASE_MS);
    expect(await pool.started).toEqual({ ok: true });
  });

  it.each(['auto', 'shared'] as const)('that throws is a failure in words: %s', async (sharing) => {
    const broken: Partial<ServerDefinition> = { sharing };
    const pool = makePool(broken);
    Object.defineProperty(pool.definition, 'command', {
      get: () => {
        throw new Error('no command to be had');
      },
    });
    expect(() => pool.start()).not.toThrow();
    expect(await pool.started).toEqual({ ok: false, reason: 'no command to be had' });
    expect(pool).toMatchObject({ state: 'failed', failure: 'no command to be had' });
  });
});
