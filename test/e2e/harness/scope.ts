/** What a test file started: ended in reverse order, and then nothing of it may be alive. */
import { expect } from 'vitest';
import { descendants, isAlive } from './processes.js';

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
    expect(before.filter(isAlive), 'processes left behind').toEqual([]);
  }
}
