import type { Clock } from '../../relay/clock.js';

/** A short wait for what comes together: begun anew by each that comes, up to a bound. */
export class Gathering {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #mostMs: number;
  readonly #done: () => void;
  #until = 0;
  #disarm: (() => void) | undefined;

  /**
   * @param quietMs how long nothing may come until it is over
   * @param mostMs how long it takes at most, whatever comes
   */
  constructor(clock: Clock, quietMs: number, mostMs: number, done: () => void) {
    this.#clock = clock;
    this.#quietMs = quietMs;
    this.#mostMs = mostMs;
    this.#done = done;
  }

  /** Something has come. */
  touch(): void {
    const now = this.#clock.now();
    if (this.#disarm === undefined) this.#until = now + this.#mostMs;
    this.#arm(Math.max(0, Math.min(this.#quietMs, this.#until - now)));
  }

  /** What was gathered is dealt with, and more may come of it in that time. */
  rest(ms: number): void {
    this.#until = this.#clock.now() + ms;
    this.#arm(ms);
  }

  #arm(ms: number): void {
    this.#disarm?.();
    this.#disarm = this.#clock.after(ms, () => {
      this.#disarm = undefined;
      this.#done();
    });
  }

  stop(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }
}
