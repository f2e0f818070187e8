import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { crypto } from '../builtins.js';
import { wordsOf } from '../observability/events.js';

/** How often, in ms, who holds a lock shows that he is alive. */
const BEAT = 2_000;

/** A lock that shows no life for this long (ms) is nobody's: its process was killed, or its machine stopped. */
const STALE = 10_000;

/** How often, in ms, it is looked whether a lock is free. */
const LOOK = 250;

/** The lock cannot be had at all, as where nothing may be written. The work was not begun. */
export class NoLock extends Error {}

/**
 * Does the work while this process holds the lock: a file that only one can create. A process that has died
 * holds it for `STALE` at most.
 *
 * @param look is asked now and then while another one holds it: what it finds is the result, and the work is not done
 * Rejects as they do, with the signal's reason, and with `NoLock`.
 */
export async function locked<T>(
  path: string,
  work: () => Promise<T>,
  look: () => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(unavailable);
  for (;;) {
    signal.throwIfAborted();
    const own = await take(path).catch(unavailable);
    if (own !== undefined) return hold(path, own, work);
    const found = await look();
    if (found !== undefined) return found;
    await freeStale(path);
    await wait(LOOK, undefined, { signal });
  }
}

function unavailable(error: unknown): never {
  throw new NoLock(wordsOf(error));
}

/** What this process has written into the lock; undefined: another one holds it. */
async function take(path: string): Promise<string | undefined> {
  const own = crypto().randomUUID();
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(own);
    await file.close();
    return own;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  }
}

async function hold<T>(path: string, own: string, work: () => Promise<T>): Promise<T> {
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined); // it was taken away: nothing can be done about it here
  }, BEAT);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    // Not one that another process has taken meanwhile, because this one was held up for too long.
    if ((await contentOf(path)) === own) await rm(path, { force: true });
  }
}

/**
 * Removes a lock that is nobody's. Only one process does so at a time, and looks again before it does: else one
 * could remove the lock that another has taken right after the same finding.
 */
async function freeStale(path: string): Promise<void> {
  if (!(await isStale(path))) return;
  const guard = `${path}.free`;
  if ((await take(guard)) === undefined) {
    if (await isStale(guard)) await rm(guard, { force: true });
    return;
  }
  try {
    if (await isStale(path)) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > STALE;
  } catch {
    return false; // it is free by now
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined; // it was taken away
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
