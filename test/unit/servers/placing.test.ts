/** Which process serves which client across the eras, what happens where there is no place, and what is left. */
import { afterEach, describe, expect, it } from 'vitest';
import { HAUNTED_MS } from '../../../src/relay/audience.js';
import { AtCapacity } from '../../../src/servers/at-capacity.js';
import type { PoolOptions } from '../../../src/servers/pool.js';
import type { Server } from '../../../src/servers/server.js';
import { isRunning } from '../../fixtures/processes.js';
import { HandClock } from '../relay/hand-clock.js';
import { wire } from '../remote/fixture.js';
import {
  type Client,
  cleanUp,
  eventually,
  initialize,
  legacyClient,
  legacySession,
  modernAnswer,
  modernRequest,
  Peer,
  type Staged,
  stage,
} from './stage.js';

afterEach(cleanUp);

const ASKABLE: Client = { capabilities: { roots: {} } };

function puppet(
  options: Partial<PoolOptions> = {},
  definition: Parameters<typeof stage>[2] = {},
  env = {},
): Staged {
  return stage('http-puppet.mjs', env, definition, options);
}

async function pidOf(server: Server, client: Client = {}): Promise<number> {
  return (await modernAnswer(server, 'x/pid', {}, client)).result.pid;
}

/** A call that stays open until it is released. */
async function held(server: Server, key: string, client: Client = ASKABLE): Promise<Peer> {
  const peer = await modernRequest(server, 'x/hold', { key, steps: 1 }, client);
  await peer.until(({ method }) => method === 'notifications/progress');
  return peer;
}

describe('modern clients on a legacy server', () => {
  it('share a process by what the server is told of them', async () => {
    const { server } = puppet();
    const first = await pidOf(server);
    expect(await pidOf(server)).toBe(first);
    expect(await pidOf(server, { name: 'other' })).not.toBe(first);
    expect(await pidOf(server, { capabilities: { x: {} } })).not.toBe(first);
    expect(await pidOf(server, { logLevel: 'debug' })).toBe(first);
  });

  it('share it with a legacy client that says the same', async () => {
    const { server } = puppet();
    const legacy = await legacySession(server);
    const { pid } = (await legacy.asks(1, 'x/pid')).result;
    expect(await pidOf(server)).toBe(pid);
  });

  it('have one for everybody where that is wished', async () => {
    const { server } = puppet({}, { sharing: 'shared' });
    server.start();
    const pids = [await pidOf(server), await pidOf(server, { name: 'b' }), await pidOf(server, ASKABLE)];
    expect(new Set(pids).size).toBe(1);
    // Nobody would come for another one.
    expect(server.pool.processes).toHaveLength(1);
  });

  it('are told of the server by whichever process there is', async () => {
    const { server } = puppet();
    await pidOf(server);
    const { length } = server.pool.processes;
    const discovered = await modernAnswer(server, 'server/discover', {}, { ...ASKABLE, name: 'new' });
    expect(discovered.result.supportedVersions).toEqual(['2026-07-28']);
    expect(server.pool.processes).toHaveLength(length);
  });
});

describe('clients that can be asked and that nobody can tell apart', () => {
  it('take one call at a time of a process; the one that was freed last is used first', async () => {
    const { server } = puppet();
    const first = await pidOf(server, ASKABLE);
    expect(await pidOf(server, ASKABLE)).toBe(first);
    const one = await held(server, 'a');
    const second = await pidOf(server, ASKABLE);
    expect(second).not.toBe(first);
    const two = await held(server, 'b');
    const third = await pidOf(server, ASKABLE);
    expect([first, second]).not.toContain(third);
    two.leaves(); // its process may still be at work for it
    expect(await pidOf(server, ASKABLE)).toBe(third);
    expect(one.got).toHaveLength(1); // its progress
  });

  it('meet the process of a call that was answered again, but not of one that was given up, for a while', async () => {
    const clock = new HandClock();
    const { server } = puppet({ clock }, { era: 'legacy' });
    const one = await held(server, 'a');
    const first = server.pool.processes.find(({ inFlight }) => inFlight > 0)?.child.pid;
    one.leaves();
    const second = await pidOf(server, ASKABLE);
    expect(second).not.toBe(first);
    clock.advance(HAUNTED_MS);
    expect(await pidOf(server, ASKABLE)).toBe(second);
    const other = await held(server, 'b');
    expect(await pidOf(server, ASKABLE)).toBe(first);
    other.leaves();
  });

  it('keep a process while a call waits for its client, and go on with it there', async () => {
    const { server } = stage('legacy-raw.mjs');
    const ask = { name: 'ask', arguments: { question: { id: 'q', method: 'roots/list' } } };
    const asked = await modernAnswer(server, 'tools/call', ask, ASKABLE);
    expect(asked.result.resultType).toBe('input_required');
    const parkedIn = server.pool.processes.find(({ inFlight }) => inFlight === 1);
    expect(server.parked).toBe(1);
    const again = await modernAnswer(server, 'tools/call', ask, ASKABLE);
    expect(server.parked).toBe(2);
    const answers = [];
    for (const { result } of [again, asked]) {
      const [key = ''] = Object.keys(result.inputRequests);
      const retry = {
        ...ask,
        requestState: result.requestState,
        inputResponses: { [key]: { roots: [{ uri: `file:///${result.requestState.length}` }] } },
      };
      answers.push(await modernAnswer(server, 'tools/call', retry, ASKABLE));
    }
    for (const { result } of answers) expect(result.structuredContent.line).toContain('file:///');
    expect(server.parked).toBe(0);
    // The one that was freed last is used next.
    const { lines } = (await modernAnswer(server, 'tools/call', { name: 'lines' }, ASKABLE)).result
      .structuredContent;
    expect(lines.length).toBeGreaterThan(3);
    expect(server.pool.processes.find(({ child }) => child.pid === parkedIn?.child.pid)).toBeDefined();
  });

  it('two at once have two from the start, also while the first handshake is under way', async () => {
    const { server } = puppet();
    const pids = await Promise.all([1, 2, 3].map(() => pidOf(server, ASKABLE)));
    expect(new Set(pids).size).toBe(3);
  });

  it('hear of changes, since who listens to a process is who its next call is for', async () => {
    const clock = new HandClock();
    const { server } = puppet({ clock }, { era: 'legacy' });
    const one = await held(server, 'a');
    const listening = await modernRequest(
      server,
      'subscriptions/listen',
      { notifications: { toolsListChanged: true } },
      ASKABLE,
    );
    await listening.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    const two = await held(server, 'b');
    one.leaves();
    two.leaves(); // last, on a process that nobody listens to
    clock.advance(HAUNTED_MS);
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    await modernAnswer(server, 'x/emit', { messages: [changed] }, ASKABLE);
    expect(listening.got.map(({ method }) => method)).toContain('notifications/tools/list_changed');
    listening.leaves();
  });
});

describe('where there is no place for another process', () => {
  /** Takes all places with sessions of their own. */
  async function full(staged: Staged, places: number): Promise<Peer[]> {
    const peers: Peer[] = [];
    for (let n = 0; n < places; n++) peers.push(await legacySession(staged.server, { roots: {} }));
    return peers;
  }

  it.each([1, 2])('every door says so at once, and opens again: %i', async (maxProcesses) => {
    const staged = puppet({ maxProcesses });
    const { server } = staged;
    const peers = await full(staged, maxProcesses);
    expect(() => server.open(initialize())).toThrow(AtCapacity);
    await expect(modernRequest(server, 'x/pid')).rejects.toThrow(AtCapacity);
    await expect(modernRequest(server, 'x/pid', {}, ASKABLE)).rejects.toThrow(AtCapacity);
    await expect(modernRequest(server, 'subscriptions/listen', { notifications: {} })).rejects.toThrow(
      AtCapacity,
    );
    await expect(server.openWithoutHandshake()).rejects.toThrow(AtCapacity);
    expect(server.pool.processes).toHaveLength(maxProcesses);
    // What needs no process of its own is answered all the same.
    expect((await modernAnswer(server, 'server/discover')).result).toBeDefined();
    peers[0]?.leaves();
    expect(await pidOf(server)).toBeGreaterThan(0);
  });

  it('a first server/discover says so too', async () => {
    const staged = puppet({ maxProcesses: 1 }, { sharing: 'session' });
    const { server } = staged;
    await server.known();
    const waiting = new Peer(server.open(initialize({ roots: {} })));
    await expect(modernRequest(server, 'server/discover')).rejects.toThrow(AtCapacity);
    waiting.leaves();
  });

  it('a call that needs a second process gets none, and the next one is served when the first is over', async () => {
    const { server } = puppet({ maxProcesses: 1 });
    const first = await pidOf(server, ASKABLE);
    const one = await held(server, 'a');
    await expect(modernRequest(server, 'x/pid', {}, ASKABLE)).rejects.toThrow(AtCapacity);
    const other = await legacyClient(server).catch((error: unknown) => error);
    expect(other).toBeInstanceOf(AtCapacity);
    expect(isRunning(first)).toBe(true);
    one.leaves();
  });

  it('a process whose handshake is under way is not taken from who waits for it', async () => {
    const { server } = puppet({ maxProcesses: 1 }, { era: 'legacy' });
    const first = modernAnswer(server, 'x/pid', {}, { name: 'a' });
    await expect(modernRequest(server, 'x/pid', {}, { name: 'b' })).rejects.toThrow(AtCapacity);
    expect((await first).result.pid).toBeGreaterThan(0);
    // Now nobody uses it, so that its place can be had.
    expect((await modernAnswer(server, 'x/pid', {}, { name: 'b' })).result.pid).toBeGreaterThan(0);
  });

  it('clients that call themselves otherwise with every request have no more processes than there are places', async () => {
    const staged = puppet({ maxProcesses: 3 });
    const { server } = staged;
    for (let n = 0; n < 10; n++) {
      await pidOf(server, n % 2 ? { name: `n${n}` } : { ...ASKABLE, name: `n${n}` });
      expect(server.pool.processes.length).toBeLessThanOrEqual(3);
    }
  });
});

describe('a modern server', () => {
  it('has one process for everybody, however they call themselves', async () => {
    const staged = stage('modern-raw.mjs');
    for (const name of ['a', 'b', 'c']) {
      await modernAnswer(staged.server, 'tools/list', {}, { name });
      await modernAnswer(staged.server, 'tools/list', {}, { ...ASKABLE, name });
    }
    expect(staged.starts()).toHaveLength(1);
  });

  it('has one for each client where that is wished, and one for requests without a handshake', async () => {
    const staged = stage('modern-raw.mjs', {}, { sharing: 'session', era: 'modern' });
    const { server } = staged;
    for (const name of ['a', 'b', 'a', 'b']) await modernAnswer(server, 'tools/list', {}, { name });
    expect(staged.starts()).toHaveLength(2);
    for (let n = 0; n < 3; n++) {
      const peer = new Peer(await server.openWithoutHandshake());
      expect((await peer.asks(1, 'tools/list')).result.tools.length).toBeGreaterThan(0);
      peer.leaves();
    }
    expect(staged.starts()).toHaveLength(3);
    const legacy = await legacySession(server);
    expect(staged.starts()).toHaveLength(4);
    legacy.leaves();
    await eventually(() => server.pool.processes.length === 3);
  });
});

describe('a notification of a modern client that belongs to no request', () => {
  const NOTE = { method: 'x/note', params: { n: 1 } };

  function notify(server: Server, { name = 'test', capabilities = {} }: Client = {}): void {
    const envelope = {
      version: '2026-07-28',
      capabilities: { ...capabilities },
      clientInfo: { name, version: '1' },
      logLevel: undefined,
    };
    server.notify(wire({ jsonrpc: '2.0', ...NOTE }), envelope);
  }

  it('reaches the process of its client', async () => {
    const { server } = puppet();
    await pidOf(server);
    notify(server);
    const { messages } = (await modernAnswer(server, 'x/seen', { method: 'x/note', count: 1 })).result;
    expect(messages).toEqual([{ jsonrpc: '2.0', ...NOTE }]);
  });

  it('starts none', async () => {
    const staged = puppet();
    notify(staged.server);
    staged.server.notify(wire({ jsonrpc: '2.0', ...NOTE }), undefined);
    await staged.server.known();
    notify(staged.server, { name: 'other' });
    notify(staged.server, ASKABLE);
    expect(staged.server.pool.processes).toHaveLength(1); // the one that was asked what it speaks
    expect(staged.told('warning')).toBe('');
  });

  it('reaches a modern server', async () => {
    const { server } = stage('modern-raw.mjs');
    await modernAnswer(server, 'tools/list');
    notify(server);
    const { lines } = (await modernAnswer(server, 'tools/call', { name: 'lines' })).result.structuredContent;
    expect(lines).toContain(JSON.stringify({ jsonrpc: '2.0', ...NOTE }));
  });
});

describe('the end', () => {
  it('while the server is asked what it speaks: nothing has failed, and nothing is started', async () => {
    const staged = stage('legacy-raw.mjs', { BEFORE: 'silent' });
    staged.server.start();
    await eventually(() => staged.starts().length === 1);
    const waiting = legacyClient(staged.server).catch((error: unknown) => error);
    const asking = modernRequest(staged.server, 'tools/list').catch((error: unknown) => error);
    await staged.server.stop('over');
    expect(await waiting).toBeInstanceOf(AtCapacity);
    expect(await asking).toBeInstanceOf(AtCapacity);
    expect(staged.starts()).toHaveLength(1);
    expect(staged.told('info')).toBe('');
    expect(staged.server.pool).toMatchObject({ failure: undefined, health: { lastExit: undefined } });
  });

  it('while a handshake is under way: who waits for it is told', async () => {
    const staged = puppet({}, { era: 'legacy' }, { HTTP_PUPPET: 'silent' });
    const asking = await modernRequest(staged.server, 'x/pid');
    const session = await legacyClient(staged.server, { roots: {} });
    await staged.server.stop('over');
    expect((await asking.answer(1)).error.message).toContain('over');
    expect((await session.answer(0)).error.message).toContain('over');
    expect(session.closings).toHaveLength(1);
    expect(staged.told('error')).toBe('');
  });

  it('of a client while its handshake is under way leaves no process that nobody ends', async () => {
    const clock = new HandClock();
    const staged = puppet({ clock, processIdleMs: 1000 }, { era: 'legacy' });
    for (const client of [{}, ASKABLE]) {
      const peer = await modernRequest(staged.server, 'x/pid', {}, client);
      peer.leaves();
    }
    await eventually(() => staged.server.pool.processes.every(({ alive, placement }) => alive || !placement));
    await eventually(() => staged.server.pool.processes.every(({ inFlight }) => inFlight === 0));
    clock.advance(60_000);
    expect(staged.server.pool.processes).toEqual([]);
    expect(clock.timers).toBeLessThanOrEqual(1);
  });

  it('of a process in a handshake is told to who waits for it, and to the log once', async () => {
    const staged = puppet({}, { era: 'legacy' }, { HTTP_PUPPET: 'silent' });
    const asking = await modernRequest(staged.server, 'x/pid', {}, ASKABLE);
    const [{ child } = { child: undefined }] = staged.server.pool.processes;
    process.kill(child?.pid ?? 0, 'SIGKILL');
    expect((await asking.answer(1)).error.message).toContain('SIGKILL');
    expect(staged.told('error').match(/SIGKILL/g)).toHaveLength(1);
  });

  it('of a process ends what its clients listen to', async () => {
    const staged = puppet();
    const listening = await modernRequest(staged.server, 'subscriptions/listen', {
      notifications: { toolsListChanged: true },
    });
    await listening.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    const pid = await pidOf(staged.server);
    process.kill(pid, 'SIGKILL');
    await eventually(() => listening.closings.length > 0);
    expect(listening.got.filter(({ id }) => id === 1)).toEqual([]);
  });

  it('of a command that cannot be started is told once for each that tries', async () => {
    const staged = stage('', {}, { command: '/no/such/command' });
    staged.server.start();
    expect(await staged.server.pool.started).toMatchObject({ ok: false });
    expect(staged.events.filter(({ level }) => level === 'error')).toHaveLength(1);
    const { error } = await modernAnswer(staged.server, 'tools/list');
    expect(error.message).toContain('/no/such/command');
    const client = await legacyClient(staged.server);
    expect((await client.answer(0)).error.message).toContain('/no/such/command');
  });

  it('of a server that always ends at once costs each client no more than three processes', async () => {
    const script = `require('node:fs').appendFileSync(process.env.STARTS_FILE, process.pid + '\\n'); process.exit(9)`;
    const staged = stage('', {}, { args: ['-e', script] });
    const client = await legacyClient(staged.server);
    expect((await client.answer(0)).error.message).toContain('exit code 9');
    await eventually(() => staged.server.pool.processes.length === 0);
    const { length } = staged.starts();
    expect(length).toBeLessThanOrEqual(3);
    expect((await modernAnswer(staged.server, 'tools/list')).error.message).toContain('exit code 9');
    await eventually(() => staged.server.pool.processes.length === 0);
    expect(staged.starts().length - length).toBeLessThanOrEqual(4);
  });
});
