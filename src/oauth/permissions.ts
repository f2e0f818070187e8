import { chmod, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { wordsOf } from '../observability/events.js';

/** What the group and all others may do with a file; of that, what they may write. */
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** In such a folder nobody can replace what is another's. */
const STICKY = 0o1000;

/**
 * Sees to it that only its owner can read and write a file, where there is one, and tells where that was not so. Its
 * folder may be there for more than this: where others may write in it, and so replace the file, that is only told.
 * Windows has no such modes.
 */
export async function closeToOthers(path: string, tell: (text: string) => void): Promise<void> {
  if (process.platform === 'win32') return;
  const mode = await modeOf(path);
  if (mode === undefined) return;
  if ((mode & OTHERS) !== 0) {
    const was = `Other users of this machine could get at the sign-ins in ${path} (mode ${octal(mode)})`;
    try {
      await chmod(path, 0o600);
      tell(`${was}; now only its owner can.`);
    } catch (error) {
      tell(`${was}, which cannot be changed: ${wordsOf(error)}`);
    }
  }
  const folder = dirname(path);
  const around = (await modeOf(folder)) ?? 0;
  if ((around & OTHERS_WRITE) !== 0 && (around & STICKY) === 0) {
    tell(
      `Other users of this machine may write in ${folder} (mode ${octal(around)}) and so replace the sign-ins that are kept there: chmod go-w it.`,
    );
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode;
  } catch {
    return undefined; // there is none, or nobody may look: reading it tells
  }
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`;
}
