import type { Writable } from 'node:stream';
import { taken } from './taken.js';

/** Octets of the log that may wait for whoever reads it: more than any pause between two reads leaves. */
const MAX_WAITING = 1024 * 1024;
/** How long the end waits for whoever reads it, in milliseconds: who does takes all of it in less. */
const END_MS = 250;

/**
 * Writes the log to a stream that nobody may read: then what comes is dropped, so that it does not fill the memory,
 * and the log says so where it is read again.
 */
export class LogWriter {
  readonly #stream: Writable;
  readonly #note: (dropped: number) => string;
  #dropped = 0;

  /**
   * @param stream `process.stderr` in earnest
   * @param note what is written in place of so many entries
   */
  constructor(stream: Writable, note: (dropped: number) => string) {
    this.#stream = stream;
    this.#note = note;
    stream.on('drain', () => this.#readAgain());
  }

  write(text: string): void {
    // Up to where it is read again, so that there is one gap and not many.
    if (this.#dropped > 0 || this.#stream.writableLength > MAX_WAITING) this.#dropped++;
    else this.#stream.write(text);
  }

  /** For the moment before the process exits: settles when all is written, and soon where nobody reads it. */
  async end(): Promise<void> {
    if (this.#dropped === 0) await taken(this.#stream, END_MS);
  }

  #readAgain(): void {
    if (this.#dropped === 0) return;
    const note = this.#note(this.#dropped);
    this.#dropped = 0;
    this.write(note);
  }
}
