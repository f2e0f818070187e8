import type { Writable } from 'node:stream';
import type { Wire } from '../../jsonrpc/wire.js';
import { octetsOf } from '../octets.js';

/**
 * Writes lines to a pipe, all that come up in one turn of the event loop at once: what a write costs is the call of
 * the system and the other side that wakes up for it, not the octets.
 */
export class Gathered {
  readonly #pipe: Writable;
  #isGathering = false;

  constructor(pipe: Writable) {
    this.#pipe = pipe;
  }

  /**
   * The stream's own `end` writes what waits here, too.
   *
   * @param line where it is an array, the pieces of it
   */
  write(line: Wire | readonly Wire[]): void {
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.#pipe.cork();
      setImmediate(this.#release);
    }
    if (typeof line === 'string') this.#pipe.write(line, 'latin1');
    else this.#pipe.write(octetsOf(line));
  }

  readonly #release = (): void => {
    this.#isGathering = false;
    this.#pipe.uncork();
  };
}
