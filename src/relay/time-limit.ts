import type { Clock } from './clock.js';

/**
 * How long a time limit stands still at most while the server waits for the client, in milliseconds: longer than
 * a client of the modern era may take for a round, which is bounded by itself. A client that never answers must not
 * keep a request open for ever.
 */
export const STILL_MS = 15 * 60_000;

export interface TimeLimitOptions {
  readonly clock: Clock;
  /** Milliseconds; `restart` starts them again. May be infinite. */
  readonly ms: number;
  /** Milliseconds for the whole. May be infinite. */
  readonly most: number;
  /** It has run out. `ran`: after how many milliseconds, without those in which it stood still. */
  readonly onOver: (ran: number) => void;
}

/** The time that a request may take. Runs from the beginning. */
export class TimeLimit {
  readonly #options: TimeLimitOptions;
  /** Milliseconds that it has run, up to `#since`. */
  #ran = 0;
  /** Milliseconds that are left, from `#since` on. */
  #left: number;
  /** Since when it runs; undefined: it stands still. */
  #since: number | undefined;
  #disarm: () => void = () => undefined;

  constructor(options: TimeLimitOptions) {
    this.#options = options;
    this.#left = Math.min(options.ms, options.most);
    this.#run();
  }

  /** Starts it again, as far as the whole allows. */
  restart(): void {
    const runs = this.#since !== undefined;
    if (runs) this.#halt();
    this.#left = Math.min(this.#options.ms, this.#options.most - this.#ran);
    if (runs) this.#run();
  }

  /** The server waits for the client, and not the client for the server; or no longer. */
  stand(isStill: boolean): void {
    if (isStill === (this.#since === undefined)) return;
    if (isStill) {
      this.#halt();
      this.#disarm = this.#options.clock.after(STILL_MS, () => this.#run());
    } else {
      this.#disarm();
      this.#run();
    }
  }

  /** Nobody wants to know any more. */
  end(): void {
    this.#disarm();
  }

  #run(): void {
    const { clock, onOver } = this.#options;
    this.#since = clock.now();
    if (!Number.isFinite(this.#left)) return;
    const ms = Math.max(0, this.#left);
    this.#disarm = clock.after(ms, () => onOver(this.#ran + ms));
  }

  #halt(): void {
    this.#disarm();
    const ran = this.#options.clock.now() - (this.#since ?? 0);
    this.#since = undefined;
    this.#ran += ran;
    this.#left -= ran;
  }
}
