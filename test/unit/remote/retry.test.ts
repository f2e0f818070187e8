import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REMOTE_TIMINGS } from '../../../src/remote/remote-link.js';
import { pauseBefore } from '../../../src/remote/retry.js';

test('the pauses double up to the longest, for 10 s', () => {
  const pauses: number[] = [];
  let elapsed = 0;
  for (let tries = 1; ; tries++) {
    const pause = pauseBefore(tries, elapsed, REMOTE_TIMINGS);
    if (pause === undefined) break;
    pauses.push(pause);
    elapsed += pause;
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000, 900]);
});

test('the last try is at the end of the window: not before it, and none after it', () => {
  const ms = fc.double({ min: 0, max: 100_000, noNaN: true });
  const timings = fc.record({ retryFirst: ms, retryMax: ms, retryWindow: ms });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), ms, timings, (tries, elapsed, bounds) => {
      const pause = pauseBefore(tries, elapsed, bounds);
      const left = bounds.retryWindow - elapsed;
      if (left <= 0) expect(pause).toBeUndefined();
      else {
        // A timer counts whole milliseconds; one that is cut down must not end before the window does.
        expect(pause).toBeLessThanOrEqual(Math.ceil(left));
        const full = Math.min(bounds.retryFirst * 2 ** (tries - 1), bounds.retryMax);
        if (pause !== full) expect(pause).toBeGreaterThanOrEqual(left);
      }
    }),
  );
});
