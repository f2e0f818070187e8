import { afterEach, describe, expect, it } from 'vitest';
import { row } from '../../faults/harness/fault.js';
import { HandClock } from '../relay/hand-clock.js';
import { cleanUp, eventually, legacySession, modernAnswer, type Staged, stage } from './stage.js';

afterEach(cleanUp);

const IDLE_MS = 1000;

function idling(sharing: 'auto' | 'shared', env = {}): Staged & { readonly clock: HandClock } {
  const clock = new HandClock();
  return { clock, ...stage('legacy-raw.mjs', env, { sharing }, { clock, processIdleMs: IDLE_MS }) };
}

describe('a process that nobody uses ends after a while', () => {
  it.each(['auto', 'shared'] as const)('where it was never used: %s', async (sharing) => {
    const { server, clock, starts } = idling(sharing);
    server.start();
    await server.known();
    await eventually(() => server.pool.processes.every(({ alive, inFlight }) => alive && inFlight === 0));
    expect(server.pool.processes).toHaveLength(1);
    clock.advance(IDLE_MS);
    expect(server.pool).toMatchObject({ processes: [], state: 'ready', failure: undefined });
    // The next one finds another.
    expect((await modernAnswer(server, 'tools/call', { name: 'echo' })).result.resultType).toBe('complete');
    expect(starts().length).toBeGreaterThan(1);
  });

  it(`${row('idle.process')} where it serves everybody, and nobody is there any more`, async () => {
    const { server, clock } = idling('shared');
    const session = await legacySession(server);
    clock.advance(60 * IDLE_MS);
    expect(server.pool.processes).toHaveLength(1);
    session.leaves();
    clock.advance(IDLE_MS - 1);
    expect(server.pool.processes).toHaveLength(1);
    clock.advance(1);
    expect(server.pool.processes).toEqual([]);
  });

  it('but not while its first answer is to come', async () => {
    const { server, clock } = idling('auto', { BEFORE: 'silent' });
    server.start();
    clock.advance(2 * IDLE_MS);
    expect(server.pool.processes).toHaveLength(1);
  });
});
