/** What a client that can be asked hears of a server whose processes take turns, and which processes stay for it. */
import { afterEach, describe, expect, it } from 'vitest';
import { HAUNTED_MS } from '../../../src/relay/audience.js';
import { groupLink } from '../../../src/servers/group-link.js';
import type { ServerProcess } from '../../../src/servers/server-process.js';
import { Turns } from '../../../src/servers/turns.js';
import { gone } from '../../fixtures/processes.js';
import { HandClock } from '../relay/hand-clock.js';
import { MemoryLink } from '../relay/memory-link.js';
import {
  type Client,
  cleanUp,
  eventually,
  modernAnswer,
  modernRequest,
  type Peer,
  stage as stageOf,
} from './stage.js';

afterEach(cleanUp);

const ASKABLE: Client = { capabilities: { roots: {} } };
const URI = 'demo://static/1';
/** How long a process that nobody uses stays, in milliseconds. */
const IDLE_MS = 60_000;

function stage(maxProcesses = 10) {
  const clock = new HandClock();
  const options = { clock, maxProcesses, processIdleMs: IDLE_MS };
  const { server } = stageOf('legacy-everything.mjs', {}, { era: 'legacy' }, options);

  const call = (name: string, args: object, client: Client = ASKABLE): Promise<Peer> =>
    modernRequest(server, 'tools/call', { name, arguments: args }, client);

  return {
    server,
    clock,
    /** What a tool answers. */
    async runs(name: string, args: object = {}, client: Client = ASKABLE) {
      const { result } = await modernAnswer(server, 'tools/call', { name, arguments: args }, client);
      return result.structuredContent;
    },
    /** A call that stays open, and its process. */
    async holds(key: string): Promise<{ peer: Peer; process: ServerProcess }> {
      const before = server.pool.processes.filter(({ inFlight }) => inFlight > 0);
      const peer = await call('hold', { key, steps: 1 });
      await peer.until(({ method }) => method === 'notifications/progress');
      const process = server.pool.processes.find((one) => one.inFlight > 0 && !before.includes(one));
      if (process === undefined) throw new Error('no process is at work');
      return { peer, process };
    },
    async listens(): Promise<Peer> {
      const notifications = { toolsListChanged: true, resourceSubscriptions: [URI] };
      const peer = await modernRequest(server, 'subscriptions/listen', { notifications }, ASKABLE);
      const acknowledged = await peer.until(({ method }) => method.endsWith('/acknowledged'));
      expect(acknowledged.params.notifications).toEqual(notifications);
      return peer;
    },
    /** Processes that somebody uses, or that are listened to. */
    users: () => server.pool.processes.filter(({ placement }) => placement?.kind === 'turns'),
    async kills({ child }: ServerProcess): Promise<void> {
      const { pid = 0 } = child;
      process.kill(pid, 'SIGKILL');
      await gone(pid);
      await eventually(() => server.pool.processes.every((one) => one.child.pid !== pid));
    },
  };
}

/** How often it heard that the tools changed. */
const changes = ({ got }: Peer): number =>
  got.filter(({ method }) => method === 'notifications/tools/list_changed').length;
const updates = ({ got }: Peer): number =>
  got.filter(({ method }) => method === 'notifications/resources/updated').length;

describe('who listens while calls take turns', () => {
  it('hears every process: those that are there, and those that are started later', async () => {
    const { holds, runs, listens, users } = stage();
    await holds('a');
    await holds('b');
    const listening = await listens();
    await Promise.all([runs('change'), runs('change')]);
    expect(users()).toHaveLength(4);
    await listening.until(() => changes(listening) === 2);
    await holds('c');
    await runs('change');
    expect(users()).toHaveLength(4);
    await listening.until(() => changes(listening) === 3);
    expect(listening.got.filter(({ method }) => method.endsWith('/acknowledged'))).toHaveLength(1);
  });

  it('hears what a call changes that comes after one that was given up', async () => {
    const { holds, runs, listens, users } = stage();
    const listening = await listens();
    const { peer } = await holds('a');
    peer.leaves();
    await runs('change');
    expect(users()).toHaveLength(2);
    await listening.until(() => changes(listening) === 1);
  });

  it('has its subscriptions at each process, the first call of which finds them; and takes them back', async () => {
    const { holds, runs, listens, clock } = stage();
    const listening = await listens();
    const { peer } = await holds('a');
    expect(await runs('touch', { uri: URI })).toMatchObject({ subscribed: true });
    await listening.until(() => updates(listening) === 1);
    listening.leaves();
    expect(await runs('touch', { uri: URI })).toEqual({ subscribed: false, subscriptions: [] });
    await holds('b');
    peer.leaves();
    clock.advance(HAUNTED_MS); // so that the other process takes calls again
    expect(await runs('touch', { uri: URI })).toEqual({ subscribed: false, subscriptions: [] });
  });

  it('takes no turn, and draws the calls to one process', async () => {
    const { runs, listens, users } = stage();
    const streams = [await listens(), await listens()];
    for (let n = 0; n < 3; n++) await runs('change');
    expect(users()).toHaveLength(1);
    for (const one of streams) await one.until(() => changes(one) === 3);
  });

  it('does not hear the processes of clients that look otherwise', async () => {
    const { runs, listens } = stage();
    const listening = await listens();
    const other = { ...ASKABLE, name: 'other' };
    await runs('change', {}, other);
    await runs('change');
    await listening.until(() => changes(listening) === 1);
  });
});

describe('a process that somebody listens to', () => {
  it('ends when no call uses it, but for one', async () => {
    const { holds, runs, listens, users, clock } = stage();
    const listening = await listens();
    const { peer, process: first } = await holds('a');
    await runs('change');
    expect(users()).toHaveLength(2);
    clock.advance(IDLE_MS);
    expect(users()).toEqual([first]);
    peer.leaves();
    clock.advance(IDLE_MS);
    expect(users()).toEqual([first]);
    await runs('change');
    await listening.until(() => changes(listening) === 2);
    expect(listening.closings).toEqual([]);
    listening.leaves();
    clock.advance(IDLE_MS);
    expect(users()).toEqual([]);
  });

  it('makes place where it is needed', async () => {
    const { holds, runs, listens, users } = stage(2);
    const listening = await listens();
    const { peer } = await holds('a');
    await runs('change');
    expect(users()).toHaveLength(2);
    await runs('change', {}, { name: 'other' });
    expect(users()).toHaveLength(1);
    expect(listening.closings).toEqual([]);
    peer.leaves();
  });

  it('is left out when it ends by itself, and another is kept; with the last of them the stream ends', async () => {
    const { holds, runs, listens, users, kills, clock } = stage();
    const listening = await listens();
    const { process: first } = await holds('a');
    await runs('change');
    const second = users().find((one) => one !== first);
    await kills(first);
    await eventually(() => second?.sessions === 1);
    clock.advance(IDLE_MS);
    expect(users()).toEqual([second]);
    await runs('change');
    await listening.until(() => changes(listening) === 2);
    expect(listening.closings).toEqual([]);
    if (second !== undefined) await kills(second);
    await expect(listening.until(({ id }) => id === 1)).rejects.toThrow('SIGKILL');
    expect(listening.got.every(({ id }) => id === undefined)).toBe(true);
  });

  it('may be one that is only just being started', async () => {
    const { server, holds, runs, listens, users } = stage();
    const listening = await listens();
    const { process: first } = await holds('a');
    const changed = runs('change');
    while (users().length < 2) await Promise.resolve(); // its handshake needs more than that
    server.pool.retire(first, 'the test wants it');
    await changed;
    await listening.until(() => changes(listening) === 1);
    expect(listening.got.every(({ id }) => id === undefined)).toBe(true);
  });
});

describe('who no longer listens', () => {
  it('is told of no process any more, and keeps none', () => {
    let watches = 0;
    class Counted extends Turns<ServerProcess> {
      override watch(...given: Parameters<Turns<ServerProcess>['watch']>): () => void {
        const end = super.watch(...given);
        watches += 1;
        return () => {
          watches -= 1;
          end();
        };
      }
    }
    const kept = new MemoryLink();
    const link = groupLink(kept, {
      turns: new Counted(),
      group: 'group',
      params: () => ({}),
      emit: () => undefined,
    });
    expect([watches, kept.closings.length]).toEqual([1, 0]);
    for (let n = 0; n < 2; n++) link.close({ kind: 'ended', text: 'the client has gone' });
    expect([watches, kept.closings.length]).toEqual([0, 1]);
  });
});
