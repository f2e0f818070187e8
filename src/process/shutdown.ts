/**
 * How a child is brought to its end: the one place that knows the steps and the times.
 *
 * stdin is closed, which is how MCP asks a server to leave; then SIGTERM; then SIGKILL. When the child has
 * ended, whatever it left behind in its tree is ended too, quicker, because nobody talks to it any more.
 * (Specification 2025-11-25, basic/lifecycle, "Shutdown", stdio.)
 */

/** From the closing of stdin to SIGTERM: time for a server to save its state. */
export const STDIN_GRACE_MS = 2000;
/** From SIGTERM to SIGKILL. */
export const TERM_GRACE_MS = 3000;
/** From SIGKILL until the child counts as gone: one that hangs in the kernel must not hang us. */
export const KILL_GRACE_MS = 1000;
/** For each of SIGTERM and SIGKILL, how long leftovers may take to go. */
export const LEFTOVER_GRACE_MS = 500;
/** How often leftovers are looked for: they are not our children, so nobody tells us of their end. */
export const LEFTOVER_POLL_MS = 20;

/** What is to be ended. None of the three throws. */
export interface Target {
  closeStdin(): void;
  /** Sends a signal to the whole tree. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Whether anything of the tree is left. */
  alive(): boolean;
}

/** Runs a function after so many milliseconds; what it returns takes that back. */
export type Schedule = (run: () => void, ms: number) => () => void;

export const realTime: Schedule = (run, ms) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

type Stage = 'running' | 'stopping' | 'leftovers' | 'done';

export class Shutdown {
  readonly #target: Target;
  readonly #schedule: Schedule;
  readonly #finished: () => void;
  #stage: Stage = 'running';
  #killed = false;
  #cancel: () => void = () => undefined;

  /** @param finished called once: the child and its leftovers are gone, or all that can be done was done */
  constructor(target: Target, finished: () => void, schedule: Schedule = realTime) {
    this.#target = target;
    this.#finished = finished;
    this.#schedule = schedule;
  }

  /** Begins the steps. Later calls do nothing. */
  stop(): void {
    if (this.#stage !== 'running') return;
    this.#stage = 'stopping';
    this.#target.closeStdin();
    this.#after(STDIN_GRACE_MS, () => {
      this.#target.signal('SIGTERM');
      this.#after(TERM_GRACE_MS, () => this.killNow());
    });
  }

  /** Skips the steps: SIGKILL to the whole tree, at once. */
  killNow(): void {
    if (this.#stage === 'done') return;
    this.#killed = true;
    if (this.#stage === 'leftovers') {
      this.#sweep();
      return;
    }
    this.#stage = 'stopping';
    this.#target.signal('SIGKILL');
    this.#after(KILL_GRACE_MS, () => this.#finish());
  }

  /** To be called when the child itself has ended, by whatever cause: its leftovers are ended. */
  leaderEnded(): void {
    if (this.#stage === 'leftovers' || this.#stage === 'done') return;
    this.#stage = 'leftovers';
    this.#sweep();
  }

  #sweep(): void {
    this.#cancel();
    if (!this.#target.alive()) {
      this.#finish();
      return;
    }
    this.#target.signal(this.#killed ? 'SIGKILL' : 'SIGTERM');
    this.#watch(LEFTOVER_GRACE_MS);
  }

  #watch(left: number): void {
    this.#after(LEFTOVER_POLL_MS, () => {
      const rest = left - LEFTOVER_POLL_MS;
      if (!this.#target.alive()) this.#finish();
      else if (rest > 0) this.#watch(rest);
      else if (this.#killed) this.#finish();
      else this.killNow();
    });
  }

  #after(ms: number, run: () => void): void {
    this.#cancel();
    this.#cancel = this.#schedule(run, ms);
  }

  #finish(): void {
    this.#cancel();
    this.#stage = 'done';
    this.#finished();
  }
}
