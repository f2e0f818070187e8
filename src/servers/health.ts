import type { ChildExit } from '../process/child.js';
import type { Clock } from '../relay/clock.js';
import { Restarts } from '../relay/restarts.js';
import type { ServerProcess } from './server-process.js';

export type ServerState = 'starting' | 'ready' | 'restarting' | 'failed';

/** How the last process that ended on its own did so. */
export interface LastExit {
  readonly at: number;
  readonly pid: number | undefined;
  readonly exit: ChildExit;
  readonly text: string;
  readonly stderr: readonly string[];
}

/** How a server is doing: whether its processes work, what went wrong last, and when the next one may start. */
export class Health {
  readonly restarts: Restarts;
  #lastExit: LastExit | undefined;
  /** What went wrong last, until a process works again. */
  #failure: string | undefined;
  /** Whether a process has worked ever. */
  #hasWorked = false;
  /** Whether the server has worked, and its processes ended by themselves. */
  #isDown = false;
  /** Processes that ended by themselves and were not replaced yet. */
  #missing = 0;
  #replaced = 0;

  constructor(clock: Clock) {
    this.restarts = new Restarts(clock);
  }

  get lastExit(): LastExit | undefined {
    return this.#lastExit;
  }

  /** What went wrong last, until a process works again. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Processes that were started in place of one that had ended by itself. */
  get replaced(): number {
    return this.#replaced;
  }

  state(processes: readonly ServerProcess[]): ServerState {
    if (processes.some((process) => process.alive)) return 'ready';
    if (processes.length > 0) return this.#isDown ? 'restarting' : 'starting';
    if (this.#failure === undefined) return 'ready';
    return this.#isDown && !this.restarts.gaveUp ? 'restarting' : 'failed';
  }

  started(): void {
    if (this.#missing === 0) return;
    this.#missing--;
    this.#replaced++;
  }

  /** A process has said something. */
  works(): void {
    this.#hasWorked = true;
    this.#isDown = false;
    this.#failure = undefined;
  }

  failed(text: string): void {
    this.#failure = text;
  }

  /** A process has not answered, and is ended for that. The next one would hardly fare better. */
  silent({ since }: ServerProcess, text: string): void {
    this.#missing++;
    this.#isDown = this.#hasWorked;
    this.#failure = text;
    this.restarts.lost(since, true);
  }

  /** A process has ended by itself. */
  lost({ child, since }: ServerProcess, exit: ChildExit, text: string): void {
    this.#missing++;
    this.#isDown = this.#hasWorked;
    this.#failure = text;
    this.#lastExit = { at: Date.now(), pid: child.pid, exit, text, stderr: child.stderrTail() };
    // One that never worked is not tried again and again.
    this.restarts.lost(since, !this.#hasWorked || exit.kind === 'unspawnable');
  }
}
