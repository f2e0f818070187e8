/**
 * A child with all that it started.
 *
 * On POSIX a child leads a process group of its own, which its descendants are in unless they leave it on
 * purpose (browsers do). On Linux those that left are remembered too, as long as the child could still be
 * asked for them. On Windows `taskkill` knows the tree while the child is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { type Descendant, descendants, groupRuns, isSame } from './descendants.js';

const WINDOWS = process.platform === 'win32';

const living = new Set<ProcessTree>();

/**
 * Kills every tree that was not released yet, at once and synchronously: the last resort when the proxy
 * itself exits, for `process.on('exit')`.
 */
export function killAllNow(): void {
  for (const tree of living) {
    if (WINDOWS) spawnSync('taskkill', taskkill(tree.pid), { stdio: 'ignore', windowsHide: true });
    else tree.signal('SIGKILL');
  }
}

export class ProcessTree {
  readonly pid: number;
  #leaderEnded = false;
  #released = false;
  /** Descendants outside the group, by pid. */
  readonly #strays = new Map<number, Descendant>();

  /** @param pid of a child that was just started as the leader of its own process group */
  constructor(pid: number) {
    this.pid = pid;
    living.add(this);
  }

  /** Looks for descendants that left the group. Once their parent has ended they can't be found. */
  remember(): void {
    if (this.#leaderEnded || this.#released) return;
    for (const found of descendants(this.pid)) {
      if (found.group !== this.pid) this.#strays.set(found.pid, found);
    }
  }

  leaderEnded(): void {
    this.#leaderEnded = true;
  }

  /** Sends a signal to all that is left. That nothing is left is no error. Windows only knows the end. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#released) return;
    if (WINDOWS) {
      if (this.#leaderEnded) return;
      const ending = spawn('taskkill', taskkill(this.pid), { stdio: 'ignore', windowsHide: true });
      // Without taskkill there is only the process itself left to end.
      ending.once('error', () => send(this.pid, 'SIGKILL'));
      return;
    }
    this.remember();
    send(-this.pid, signal);
    for (const stray of this.#strays.values()) {
      if (isSame(stray)) send(stray.pid, signal);
    }
  }

  /** Whether anything of the tree is left that a signal could reach. */
  alive(): boolean {
    if (this.#released) return false;
    if (WINDOWS) return !this.#leaderEnded;
    return (send(-this.pid, 0) && groupRuns(this.pid) !== false) || [...this.#strays.values()].some(isSame);
  }

  /** From now on the numbers may belong to others: nothing is sent any more. */
  release(): void {
    this.#released = true;
    living.delete(this);
  }
}

function taskkill(pid: number): string[] {
  return ['/PID', String(pid), '/T', '/F'];
}

/** Whether there was somebody to send to. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // ESRCH: nobody there. EPERM: nobody whom we may signal (macOS says so of what only waits to be reaped).
    return false;
  }
}
