import type { Clock } from '../relay/clock.js';

/** Says when to tell of what may happen often, so that whoever causes it does not fill the log. */
export class Seldom {
  readonly #ms: number;
  readonly #clock: Pick<Clock, 'now'>;
  #count = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @param ms how often at most it is told, in milliseconds; the first time at once */
  constructor(ms: number, clock: Pick<Clock, 'now'>) {
    this.#ms = ms;
    this.#clock = clock;
  }

  /** It has happened. Returns how often since it was told last, where it is to be told now; else 0. */
  due(): number {
    this.#count++;
    const now = this.#clock.now();
    if (now - this.#toldAt < this.#ms) return 0;
    const count = this.#count;
    this.#toldAt = now;
    this.#count = 0;
    return count;
  }
}
