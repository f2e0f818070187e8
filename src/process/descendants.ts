/** The processes that a process started, directly and indirectly. Linux only: elsewhere nothing is known. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Descendant {
  readonly pid: number;
  /** Id of its process group. */
  readonly group: number;
  /** When it started, in clock ticks since the system did: with the pid, no other process has the same. */
  readonly born: string;
}

/** What `pid` started and what those started, as far as each one's parent still runs. */
export function descendants(pid: number): Descendant[] {
  const found = new Map<number, Descendant>();
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const child of childrenOf(next)) {
      const info = found.has(child) ? undefined : read(child);
      if (info === undefined) continue;
      found.set(child, info);
      open.push(child);
    }
  }
  return [...found.values()];
}

/** Whether the process still runs, and the pid was not given to another one. */
export function isSame(known: Descendant): boolean {
  return read(known.pid)?.born === known.born;
}

/**
 * Whether a process group has a process that still runs, and not only ones that wait to be reaped: in a
 * container whose first process does not reap, those stay for ever. Undefined where the system can't say.
 */
export function groupRuns(group: number): boolean | undefined {
  if (process.platform !== 'linux') return undefined;
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && read(Number(name))?.group === group);
}

/** Each thread has its own list of the children that it started (proc(5), `/proc/pid/task/tid/children`). */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    );
  } catch {
    // It ended meanwhile, or this system has no such list.
    return [];
  }
}

function read(pid: number): Descendant | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It ended meanwhile.
    return undefined;
  }
  // The name stands in parentheses and may hold anything; after it: state, parent, group, … (proc(5)).
  const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, , group] = words;
  const born = words[19];
  if (group === undefined || born === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, group: Number(group), born };
}
