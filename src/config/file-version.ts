import { statSync } from 'node:fs';

/** By what a file is told from what it was before. Why it can't be looked at, reading it will say. */
export function fileVersion(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return [mtimeMs, ctimeMs, size, ino].join(' ');
  } catch {
    return 'none';
  }
}
