export interface SilenceOptions {
  /** Milliseconds of silence after which the peer is asked. */
  readonly after: number;
  /** Asks whether the peer is there. Resolves to why it is not; undefined where it is, or nobody can say. */
  readonly ask: (signal: AbortSignal) => Promise<string | undefined>;
  readonly dead: (why: string) => void;
}

/**
 * Finds out that a stream is dead though its connection stands: TCP asks only the next machine, which may be a
 * load balancer that has lost the server behind it. A stream may be silent for hours, so silence alone proves
 * nothing.
 */
export class Silence {
  readonly #options: SilenceOptions;
  #heardAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #asking: AbortController | undefined;

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /** The stream is there. */
  start(): void {
    this.stop();
    this.heard();
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asking?.abort();
    this.#asking = undefined;
  }

  /** Something came, be it a comment. That answers the question, too. */
  heard(): void {
    this.#heardAt = performance.now();
    if (this.#asking === undefined) return;
    this.#asking.abort();
    this.#asking = undefined;
    this.#wait();
  }

  #wait(): void {
    const left = this.#heardAt + this.#options.after - performance.now();
    // Streams that last bring much: one timer for all of it.
    this.#timer = setTimeout(() => (left > 0 ? this.#wait() : void this.#ask()), Math.max(0, left));
  }

  async #ask(): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    const why = await this.#options.ask(asking.signal);
    if (this.#asking !== asking) return;
    this.#asking = undefined;
    if (why !== undefined) {
      this.stop();
      this.#options.dead(why);
      return;
    }
    this.heard();
    this.#wait();
  }
}
