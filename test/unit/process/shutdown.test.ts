import { expect, test } from 'vitest';
import {
  KILL_GRACE_MS,
  LEFTOVER_GRACE_MS,
  LEFTOVER_POLL_MS,
  type Schedule,
  Shutdown,
  STDIN_GRACE_MS,
  TERM_GRACE_MS,
} from '../../../src/process/shutdown.js';

/** Time that passes when the test says so. */
class VirtualTime {
  now = 0;
  #due: { at: number; run: () => void }[] = [];

  readonly schedule: Schedule = (run, ms) => {
    const entry = { at: this.now + ms, run };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  };

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  get idle(): boolean {
    return this.#due.length === 0;
  }
}

/** A tree of processes on paper, and the record of what was done to it. */
function setUp(): {
  time: VirtualTime;
  shutdown: Shutdown;
  log: string[];
  leftovers: { there: boolean; stubborn: boolean };
} {
  const time = new VirtualTime();
  const log: string[] = [];
  const leftovers = { there: false, stubborn: false };
  const shutdown = new Shutdown(
    {
      closeStdin: () => log.push(`${time.now} stdin`),
      signal: (signal) => {
        log.push(`${time.now} ${signal}`);
        if (!leftovers.stubborn) leftovers.there = false;
      },
      alive: () => leftovers.there,
    },
    () => log.push(`${time.now} finished`),
    time.schedule,
  );
  return { time, shutdown, log, leftovers };
}

test('a child that ends when its stdin is closed gets no signal', () => {
  const { time, shutdown, log } = setUp();
  shutdown.stop();
  time.pass(100);
  shutdown.leaderEnded();
  expect(log).toEqual(['0 stdin', '100 finished']);
  expect(time.idle).toBe(true);
});

test('the steps: stdin, SIGTERM, SIGKILL, and an end to the waiting', () => {
  const { time, shutdown, log } = setUp();
  shutdown.stop();
  shutdown.stop();
  time.pass(60_000);
  const term = STDIN_GRACE_MS;
  const kill = term + TERM_GRACE_MS;
  expect(log).toEqual(['0 stdin', `${term} SIGTERM`, `${kill} SIGKILL`, `${kill + KILL_GRACE_MS} finished`]);
});

test('a child that ends on SIGTERM gets no SIGKILL', () => {
  const { time, shutdown, log } = setUp();
  shutdown.stop();
  time.pass(STDIN_GRACE_MS + 10);
  shutdown.leaderEnded();
  time.pass(60_000);
  expect(log).toEqual(['0 stdin', '2000 SIGTERM', '2010 finished']);
});

test('what a child leaves behind is ended, also when it ended by itself', () => {
  const { time, shutdown, log, leftovers } = setUp();
  leftovers.there = true;
  time.pass(10);
  shutdown.leaderEnded();
  time.pass(60_000);
  expect(log).toEqual(['10 SIGTERM', `${10 + LEFTOVER_POLL_MS} finished`]);
});

test('leftovers that ignore SIGTERM are killed soon, and are not waited for without end', () => {
  const { time, shutdown, log, leftovers } = setUp();
  leftovers.there = true;
  leftovers.stubborn = true;
  shutdown.leaderEnded();
  time.pass(60_000);
  expect(log).toEqual(['0 SIGTERM', `${LEFTOVER_GRACE_MS} SIGKILL`, `${2 * LEFTOVER_GRACE_MS} finished`]);
});

test('killNow skips the steps, at every point of them', () => {
  const early = setUp();
  early.shutdown.killNow();
  early.shutdown.leaderEnded();
  expect(early.log).toEqual(['0 SIGKILL', '0 finished']);

  const late = setUp();
  late.shutdown.stop();
  late.time.pass(STDIN_GRACE_MS + 1);
  late.shutdown.killNow();
  late.leftovers.there = true;
  late.shutdown.leaderEnded();
  late.time.pass(60_000);
  expect(late.log).toEqual(['0 stdin', '2000 SIGTERM', '2001 SIGKILL', '2001 SIGKILL', '2021 finished']);

  const sweeping = setUp();
  sweeping.leftovers.there = true;
  sweeping.leftovers.stubborn = true;
  sweeping.shutdown.leaderEnded();
  sweeping.time.pass(40);
  sweeping.shutdown.killNow();
  sweeping.leftovers.there = false;
  sweeping.time.pass(60_000);
  expect(sweeping.log).toEqual(['0 SIGTERM', '40 SIGKILL', '60 finished']);
});

test('nothing is done after the end', () => {
  const { time, shutdown, log } = setUp();
  shutdown.leaderEnded();
  shutdown.leaderEnded();
  shutdown.stop();
  shutdown.killNow();
  time.pass(60_000);
  expect(log).toEqual(['0 finished']);
});
