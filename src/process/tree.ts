/**
 * A child with all that it started.
 *
 * On POSIX a child leads a process group of its own, which its descendants are in unless they leave it on
 * purpose (browsers do). On Linux those that left are remembered too: they are looked for from time to time
 * and at the end, because they can't be found any more once the child has crashed. On Windows `taskkill` knows the tree while the child is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { type Descendant, descendants, groupRuns, isSame } from './descendants.js';

const WINDOWS = process.platform === 'win32';

/** How often the clock of all trees ticks, in milliseconds. */
const TICK_MS = 1000;
/** At which ticks of a tree's life it is looked at: soon, because most of what is started is started soon. */
const EARLY_LOOKS: ReadonlySet<number> = new Set([1, 2, 5]);
/** And then at every so manieth tick: a look at a small tree takes some 0.1 ms. */
const LOOK_EVERY = 30;
/** Ticks after it has said something, at each of which it is looked at: servers start things to do what they are asked. */
const ACTIVE_TICKS = 2;
/** Processes outside the group that are remembered of one tree: far more than any server has. */
const MAX_STRAYS = 1000;

const living = new Set<ProcessTree>();
/** Whether the trees end with this process, however it ends itself. */
let isWatched = false;
let ticking: NodeJS.Timeout | undefined;

/** One timer for all trees, which runs while there are any and keeps no program alive. */
function join(tree: ProcessTree): void {
  living.add(tree);
  if (!isWatched) process.on('exit', killAllNow);
  isWatched = true;
  if (process.platform !== 'linux') return;
  ticking ??= setInterval(() => {
    for (const one of living) one.tick();
  }, TICK_MS).unref();
}

function leave(tree: ProcessTree): void {
  living.delete(tree);
  if (living.size > 0) return;
  clearInterval(ticking);
  ticking = undefined;
}

/** Kills every tree that was not released yet, at once and synchronously: the last resort when the proxy itself exits. */
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
  #age = 0;
  /** Ticks for which it counts as at work. */
  #active = 0;
  /** Descendants outside the group, by pid. */
  readonly #strays = new Map<number, Descendant>();

  /** @param pid of a child that was just started as the leader of its own process group */
  constructor(pid: number) {
    this.pid = pid;
    join(this);
  }

  /** It has said something, so that it may have started something, too. */
  active(): void {
    this.#active = ACTIVE_TICKS;
  }

  tick(): void {
    this.#age++;
    const isActive = this.#active > 0;
    if (isActive) this.#active--;
    if (isActive || EARLY_LOOKS.has(this.#age) || this.#age % LOOK_EVERY === 0) this.remember();
  }

  /**
   * Looks for descendants that left the group, and for what those have started. Those that have no
   * ancestor left in the tree, and were not seen before, can't be found.
   */
  remember(): void {
    if (this.#released) return;
    for (const [pid, stray] of this.#strays) if (!isSame(stray)) this.#strays.delete(pid);
    const roots = [...(this.#leaderEnded ? [] : [this.pid]), ...this.#strays.keys()];
    for (const found of roots.flatMap(descendants)) {
      if (found.group !== this.pid && this.#strays.size < MAX_STRAYS) this.#strays.set(found.pid, found);
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
    leave(this);
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
