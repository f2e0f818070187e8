import type { Clock } from './relay/clock.js';

/** Real time. Its timers keep no process alive. */
export const clock: Clock = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms).unref();
    return () => clearTimeout(timer);
  },
};
