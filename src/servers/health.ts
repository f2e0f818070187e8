import { isKeptFrom } from '../auth/bound.js';
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
  /** Whose it was, by id; undefined: everybody's. */
  readonly owner: string | undefined;
}

/** In place of what went wrong with the process of another client: its last words may be of that one's secrets. */
const OF_ANOTHER = 'a process of another client has failed';

/** How a server is doing: whether its processes work, what went wrong last, and when the next one may start. */
export class Health {
  readonly restarts: Restarts;
  #lastExit: LastExit | undefined;
  /** What went wrong last, until a process works again. */
  #failure: { readonly text: string; readonly owner: string | undefined } | undefined;
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
    return this.#failure?.text;
  }

  /** The same as somebody may see it who is known by this id; undefined: nobody is asked. */
  failureFor(asker: string | undefined): string | undefined {
    return isKeptFrom(this.#failure?.owner, asker) ? OF_ANOTHER : this.failure;
  }

  /** The same. */
  lastExitFor(asker: string | undefined): LastExit | undefined {
    return isKeptFrom(this.#lastExit?.owner, asker) ? undefined : this.lastExit;
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

  failed(text: string, owner?: string): void {
    this.#failure = { text, owner };
  }

  /** A process has not answered, and is ended for that. The next one would hardly fare better. */
  silent({ since, placement }: ServerProcess, text: string): void {
    this.#missing++;
    this.#isDown = this.#hasWorked;
    this.#failure = { text, owner: placement?.principal };
    this.restarts.lost(since, true);
  }

  /** A process has ended by itself. */
  lost({ child, since, placement }: ServerProcess, exit: ChildExit, text: string): void {
    this.#missing++;
    this.#isDown = this.#hasWorked;
    const owner = placement?.principal;
    this.#failure = { text, owner };
    this.#lastExit = { at: Date.now(), pid: child.pid, exit, text, stderr: child.stderrTail(), owner };
    // One that never worked is not tried again and again.
    this.restarts.lost(since, !this.#hasWorked || exit.kind === 'unspawnable');
  }
}
