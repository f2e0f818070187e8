import { expect, it } from 'vitest';
import { GaveUp, Restarts } from '../../../src/relay/restarts.js';
import { HandClock } from './hand-clock.js';

/** Counts how often a turn came within so many milliseconds. */
async function turnsWithin(clock: HandClock, restarts: Restarts, ms: number): Promise<number> {
  let turns = 0;
  void restarts.turn(false).then(
    () => turns++,
    () => undefined,
  );
  clock.advance(ms);
  await Promise.resolve();
  await Promise.resolve();
  return turns;
}

it('the first restart comes at once, each later one in a row after a longer pause, of which half is chance', async () => {
  for (let i = 0; i < 50; i++) {
    const clock = new HandClock();
    const restarts = new Restarts(clock);
    restarts.lost(clock.now() - 20_000, false);
    expect(await turnsWithin(clock, restarts, 0)).toBe(1);
    for (const most of [500, 1000, 2000, 4000]) {
      clock.advance(1);
      restarts.lost(clock.now(), false);
      expect(await turnsWithin(clock, restarts, most / 2 - 1)).toBe(0);
      clock.advance(most / 2 + 1);
      expect(await turnsWithin(clock, restarts, 0)).toBe(1);
    }
  }
});

it('after too many in a row there is none, until somebody asks; who asks may not ask all the time', async () => {
  const clock = new HandClock();
  const restarts = new Restarts(clock);
  for (let i = 0; i < 6; i++) {
    expect(restarts.gaveUp).toBe(false);
    clock.advance(1);
    restarts.lost(clock.now(), false);
  }
  expect(restarts.gaveUp).toBe(true);
  await expect(restarts.turn(false)).rejects.toThrow(GaveUp);
  let isTold = false;
  const asked = restarts.turn(true).then(() => {
    isTold = true;
  });
  clock.advance(999);
  await Promise.resolve();
  expect(isTold).toBe(false);
  clock.advance(1);
  await asked;
});

it('processes that end together are one in the row, and one that lasted begins a new one', () => {
  const clock = new HandClock();
  const restarts = new Restarts(clock);
  clock.advance(100);
  const since = clock.now();
  clock.advance(100);
  for (let i = 0; i < 100; i++) restarts.lost(since, false);
  expect(restarts.gaveUp).toBe(false);
  for (let i = 0; i < 10; i++) {
    const started = clock.now();
    clock.advance(10_000);
    restarts.lost(started, false);
  }
  expect(restarts.gaveUp).toBe(false);
});

it('what has no hope is given up at once', async () => {
  const restarts = new Restarts(new HandClock());
  restarts.lost(0, true);
  await expect(restarts.turn(false)).rejects.toThrow(GaveUp);
});

it('nobody waits for a turn any more when it stops', async () => {
  const clock = new HandClock();
  const restarts = new Restarts(clock);
  for (let i = 0; i < 3; i++) {
    clock.advance(1);
    restarts.lost(clock.now(), false);
  }
  const turn = restarts.turn(false);
  restarts.stop();
  await expect(turn).rejects.toThrow('stopping');
  await expect(restarts.turn(true)).rejects.toThrow('stopping');
  expect(clock.timers).toBe(0);
});
