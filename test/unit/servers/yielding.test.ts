/** Calls that wait for their clients hold their processes; where others need one, the call that has waited for longest goes. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/relay/clock.js';
import { AtCapacity } from '../../../src/servers/at-capacity.js';
import type { Server } from '../../../src/servers/server.js';
import { KEEPS_MS } from '../../../src/servers/yielding.js';
import { isRunning } from '../../fixtures/processes.js';
import { req } from '../../requirements.js';
import {
  type Client,
  cleanUp,
  eventually,
  legacySession,
  modernAnswer,
  modernRequest,
  type Staged,
  stage,
} from './stage.js';

afterEach(cleanUp);

const ASKABLE: Client = { capabilities: { roots: {} } };
const ASK = { name: 'ask', arguments: { question: { id: 'q', method: 'roots/list' } } };
const LINES = { name: 'lines' };

/** A server with few places, and a clock that runs, and can be put forward. */
function full(maxProcesses: number): Staged & { later(ms: number): void } {
  let ahead = 0;
  const clock: Clock = {
    now: () => performance.now() + ahead,
    after: (ms, action) => {
      const timer = setTimeout(action, ms);
      return () => clearTimeout(timer);
    },
  };
  const later = (ms: number): void => {
    ahead += ms;
  };
  return { ...stage('legacy-raw.mjs', {}, { era: 'legacy' }, { maxProcesses, clock }), later };
}

/** A call whose client was asked something: what the client comes back with. */
async function parked(server: Server): Promise<object> {
  const { result } = await modernAnswer(server, 'tools/call', ASK, ASKABLE);
  const { requestState } = result;
  return { ...ASK, requestState, inputResponses: { q1: { roots: [] } } };
}

/** How long who needs a place is told to wait, in seconds. */
async function refusedFor(server: Server): Promise<number | undefined> {
  const refusal = await modernRequest(server, 'tools/call', LINES, ASKABLE).catch((error: unknown) => error);
  if (!(refusal instanceof AtCapacity)) throw new Error('there was a place');
  return refusal.retryAfter;
}

describe('where all places are held by calls that wait for their clients', () => {
  it(`${req('m2l.questions.not-counted-on')} the one that has waited for longest goes, once that is long enough`, async () => {
    const { server, later, told } = full(2);
    const first = await parked(server);
    const [one] = server.pool.processes.filter(({ inFlight }) => inFlight > 0);
    later(20_000);
    const second = await parked(server);
    expect(await refusedFor(server)).toBeGreaterThan(5);
    expect(await refusedFor(server)).toBeLessThanOrEqual(10);
    expect(server.parked).toBe(2);
    later(10_000);
    expect((await modernAnswer(server, 'tools/call', LINES, ASKABLE)).result.resultType).toBe('complete');
    expect([server.parked, server.pool.processes.length]).toEqual([1, 2]);
    await eventually(() => !isRunning(one?.child.pid ?? 0));
    expect(told('warning')).toMatch(/gave up a call that had waited for its client for 3\d s/);
    // The process that nobody uses makes place before a call has to.
    const other = await legacySession(server);
    expect(server.parked).toBe(1);
    const { error } = await modernAnswer(server, 'tools/call', first, ASKABLE);
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining('begin the call anew') });
    expect(
      (await modernAnswer(server, 'tools/call', second, ASKABLE)).result.structuredContent.line,
    ).toContain('"roots":[]');
    other.leaves();
  });

  it('is told its retry in the same words as for one that has expired', async () => {
    const { server, later } = full(1);
    const first = await parked(server);
    later(KEEPS_MS);
    const second = await parked(server);
    const lost = await modernAnswer(server, 'tools/call', first, ASKABLE);
    later(10 * 60_000);
    const expired = await modernAnswer(server, 'tools/call', second, ASKABLE);
    expect(lost.error.code).toBe(-32602);
    expect(lost).toEqual(expired);
  });

  it('a client of the legacy era gets the place as well', async () => {
    const { server, later } = full(1);
    await parked(server);
    await expect(legacySession(server)).rejects.toThrow(AtCapacity);
    later(KEEPS_MS);
    const session = await legacySession(server, { roots: {} });
    expect((await session.asks(1, 'ping')).result).toEqual({});
    expect(server.parked).toBe(0);
    session.leaves();
  });

  it('a call that its client has come back to keeps its process, however old it is', async () => {
    const { server, later } = full(1);
    const retry = await parked(server);
    later(KEEPS_MS);
    const back = await modernRequest(server, 'tools/call', { ...retry, inputResponses: {} }, ASKABLE);
    expect(await refusedFor(server)).toBe(1);
    const { result } = await back.answer(1);
    expect(result.resultType).toBe('input_required');
    // A round of its own has begun.
    expect(await refusedFor(server)).toBeGreaterThan(25);
    expect(server.parked).toBe(1);
  });

  it('one whose process is kept for somebody who listens does not go: nobody would have the place', async () => {
    const { server, later } = full(1);
    const listening = await modernRequest(
      server,
      'subscriptions/listen',
      { notifications: { toolsListChanged: true } },
      ASKABLE,
    );
    await listening.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    const retry = await parked(server);
    later(KEEPS_MS);
    expect(await refusedFor(server)).toBe(1);
    expect((await modernAnswer(server, 'tools/call', retry, ASKABLE)).result.resultType).toBe('complete');
    listening.leaves();
  });

  it('one whose process was lost holds nothing', async () => {
    const { server, later } = full(1);
    const retry = await parked(server);
    const [one] = server.pool.processes;
    process.kill(one?.child.pid ?? 0, 'SIGKILL');
    await eventually(() => server.pool.processes.every((other) => other !== one));
    later(KEEPS_MS);
    await parked(server);
    expect(await refusedFor(server)).toBeGreaterThan(25);
    expect((await modernAnswer(server, 'tools/call', retry, ASKABLE)).error.message).toContain('SIGKILL');
  });
});
