/** What a process uses, as Linux tells it. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a collection of garbage may take to be told, in milliseconds. */
const HEAP_MS = 20_000;

/** Resident memory, in octets. */
export function rssOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

export function descriptorsOf(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Ids of what it has started, and of what that has started; those that wait to be reaped are among them. */
export function descendantsOf(pid) {
  const found = [];
  for (const open = [pid]; open.length > 0; ) {
    const children = childrenOf(open.pop());
    found.push(...children);
    open.push(...children);
  }
  return found;
}

function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // it has ended meanwhile
  }
}

/** Live heap after a collection, in octets: `../gc-hook.cjs` in the process writes it to `file`. */
export async function heapOf(pid, file) {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (const until = Date.now() + HEAP_MS; Date.now() < until; await sleep(50)) {
    if (!existsSync(file)) continue;
    try {
      const { heap, ext } = JSON.parse(readFileSync(file, 'utf8'));
      return heap + ext;
    } catch {
      // It is being written.
    }
  }
  throw new Error('the proxy did not tell its live heap');
}
