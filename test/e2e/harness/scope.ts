/** What a test file started: ended in reverse order, and then nothing of it may be alive. */
import { expect, vi } from 'vitest';
import { descendants, isAlive } from './processes.js';

/** The longest that the end of a proxy may take, in milliseconds. */
const END_MS = 10_000;

export class Scope {
  readonly #endings: (() => Promise<unknown>)[] = [];

  /** Registers how something that was started is ended. */
  add<T>(thing: T, ending: (thing: T) => Promise<unknown>): T {
    this.#endings.push(() => ending(thing));
    return thing;
  }

  /** Ends everything. Fails on a process that is left of those that ran before. */
  async end(): Promise<void> {
    const before = descendants(process.pid);
    while (this.#endings.length > 0) await this.#endings.pop()?.();
    // A client that closes stdin need not wait for its server's end, which takes a moment.
    await vi.waitFor(() => expect(before.filter(isAlive), 'processes left behind').toEqual([]), END_MS);
  }
}
