import type { Arrangement, World, WorldOptions } from './world.js';

/** A row of docs/reliability.md as a test: something breaks, and what is promised holds. */
export interface Fault {
  /** Cites the row, and says what breaks. */
  readonly title: string;
  readonly options?: WorldOptions;
  /** Where it can happen; everywhere if it is left out. */
  readonly on?: readonly Arrangement['name'][];
  run(world: World): Promise<void>;
}

/** Cites rows of docs/reliability.md in a test's title. */
export function row(...ids: readonly string[]): string {
  return `[${ids.join(' ')}]`;
}
