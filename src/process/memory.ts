import { readFileSync } from 'node:fs';
import { descendants } from './descendants.js';

/** Processes of one tree that are counted: far more than any server has. */
const MAX_COUNTED = 100;

/**
 * Memory that a process and all that it has started hold, in octets (resident, so that what they share counts for each).
 * Undefined where the system does not say it, or the process has ended. Linux only.
 */
export function memoryOf(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const own = resident(pid);
  if (own === undefined) return undefined;
  const others = descendants(pid).slice(0, MAX_COUNTED);
  return others.reduce((sum, other) => sum + (resident(other.pid) ?? 0), own);
}

/** proc(5), `/proc/pid/status`. */
function resident(pid: number): number | undefined {
  try {
    const [, kib] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined; // it ended meanwhile
  }
}
