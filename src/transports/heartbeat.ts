import { PassingSet } from '../relay/passing.js';

/** How often a silent stream is fed: below the 30 to 60 s after which intermediaries cut it. In milliseconds. */
const KEEP_ALIVE_MS = 15_000;
/** How many times in that period is looked, so that nothing stays silent for much longer. */
const LOOKS = 3;

/** Something that wants to know that time passes. */
export interface Beating {
  /** @param silence milliseconds after which a silent connection is to be fed */
  beat(now: number, silence: number): void;
}

/** One timer for all streams and waiting answers, however many there are; none while there are none. */
export class Heartbeat {
  readonly #silence: number;
  readonly #beating = new PassingSet<Beating>();
  #timer: NodeJS.Timeout | undefined;

  constructor(silence: number = KEEP_ALIVE_MS) {
    this.#silence = silence;
  }

  get size(): number {
    return this.#beating.size;
  }

  add(one: Beating): void {
    this.#beating.add(one);
    this.#timer ??= setInterval(() => this.#beat(), this.#silence / LOOKS).unref();
  }

  delete(one: Beating): void {
    this.#beating.delete(one);
  }

  #beat(): void {
    const now = Date.now();
    for (const one of this.#beating) one.beat(now, this.#silence);
    if (this.#beating.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
