import type { Clock } from './clock.js';

/** How long a process must have run, in milliseconds, for its end to be none of a row. */
const LASTING_MS = 10_000;
/** Ends in a row after which no process is started until somebody asks for one. */
const MAX_IN_A_ROW = 5;
/** The pause before the second restart in a row, in milliseconds; the first comes at once, each later one after twice as long. */
const PAUSE_MS = 500;
/** The pause after the last: who asks does not start processes faster than that. */
const GIVEN_UP_PAUSE_MS = 1000;

/** Too many processes have ended in a row. */
export class GaveUp extends Error {}

/**
 * When a server whose process has ended by itself gets the next one: at once, then after pauses that grow, and
 * in the end only when somebody asks.
 */
export class Restarts {
  readonly #clock: Clock;
  /** Ends in a row of processes that did not last. */
  #strikes = 0;
  #lastLoss = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  readonly #waiting = new Set<{ readonly disarm: () => void; readonly reject: (error: Error) => void }>();
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether no process is started until somebody asks. */
  get gaveUp(): boolean {
    return this.#strikes > MAX_IN_A_ROW;
  }

  /**
   * A process has ended by itself.
   *
   * @param since when it was started, in milliseconds of the clock
   * @param isHopeless the next one would fare no better
   */
  lost(since: number, isHopeless: boolean): void {
    const now = this.#clock.now();
    if (now - since >= LASTING_MS) this.#strikes = 1;
    // Those that ended together are one end.
    else if (since > this.#lastLoss) this.#strikes++;
    if (isHopeless) this.#strikes = MAX_IN_A_ROW + 1;
    this.#lastLoss = now;
    this.#notBefore = now + this.#pause();
  }

  /**
   * Settles when the next process may be started. Rejects with `GaveUp`, or because everything stops.
   *
   * @param isAsked somebody asks for it now, though it was given up
   */
  turn(isAsked: boolean): Promise<void> {
    if (this.#isStopped) return Promise.reject(new Error('the proxy is stopping'));
    if (this.gaveUp && !isAsked) return Promise.reject(new GaveUp());
    const pause = this.#notBefore - this.#clock.now();
    if (pause <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const disarm = this.#clock.after(pause, () => {
        this.#waiting.delete(waiter);
        resolve();
      });
      const waiter = { disarm, reject };
      this.#waiting.add(waiter);
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const { disarm, reject } of this.#waiting) {
      disarm();
      reject(new Error('the proxy is stopping'));
    }
    this.#waiting.clear();
  }

  /** Shortened by chance, so that servers that ended together do not start together. */
  #pause(): number {
    if (this.gaveUp) return GIVEN_UP_PAUSE_MS;
    if (this.#strikes <= 1) return 0;
    return PAUSE_MS * 2 ** (this.#strikes - 2) * (0.5 + Math.random() / 2);
  }
}
