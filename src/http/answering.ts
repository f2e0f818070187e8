import type { ServerResponse } from 'node:http';
import { PassingSet } from '../relay/passing.js';

/** Answers that are not yet written to their end. */
export class Answering {
  readonly #open = new PassingSet<ServerResponse>();
  readonly #answered: ((status: number | undefined) => void) | undefined;
  #quiet: () => void = () => undefined;

  /** @param answered told of each that is over; without a status where its client had gone before there was one */
  constructor(answered?: (status: number | undefined) => void) {
    this.#answered = answered;
  }

  add(response: ServerResponse): void {
    this.#open.add(response);
    response.once('close', () => {
      this.#open.delete(response);
      this.#answered?.(response.headersSent ? response.statusCode : undefined);
      if (this.#open.size === 0) this.#quiet();
    });
  }

  /** Settles when there are none, after `ms` milliseconds at the latest. */
  async none(ms: number): Promise<void> {
    if (this.#open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#quiet = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  /** Breaks off those that there are. */
  destroy(): void {
    for (const response of this.#open) response.destroy();
  }
}
