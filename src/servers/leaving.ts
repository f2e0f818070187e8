import type { CloseReason } from '../relay/link.js';
import type { ServerProcess } from './server-process.js';

/**
 * Processes of one server definition that may be on their way out at once. They count for nothing else, since
 * they mostly go at once; but some take seconds, and clients that come and go must not pile them up.
 */
const MAX_LEAVING = 100;

/** The processes of one server definition that are on their way out. */
export class Leaving {
  readonly #ends = new Map<ServerProcess, Promise<void>>();

  get processes(): readonly ServerProcess[] {
    return [...this.#ends.keys()];
  }

  /** Whether no more may be. */
  get isFull(): boolean {
    return this.#ends.size >= MAX_LEAVING;
  }

  /** Ends a process, whose sessions are told why. */
  end(process: ServerProcess, reason: CloseReason): void {
    this.#ends.set(
      process,
      process.stop(reason).finally(() => this.#ends.delete(process)),
    );
  }

  /** Settles when those that are on their way now are gone. */
  async allGone(): Promise<void> {
    await Promise.all(this.#ends.values());
  }
}
