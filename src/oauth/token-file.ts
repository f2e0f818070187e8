import { readFile } from 'node:fs/promises';
import { wordsOf } from '../observability/events.js';
import { SignInError } from './sign-in-error.js';

/** Characters of a token; longer ones are none. */
const MAX_TOKEN = 64 * 1024;

/**
 * A JWT out of a file, which is read each time: whoever puts it there exchanges it before its end. Rejects with
 * `SignInError`, whose words hold nothing of what is in the file.
 *
 * @param option by which the file was named
 */
export async function tokenIn(path: string, option: string): Promise<string> {
  const token = await secretIn(path, option);
  if (token.length > MAX_TOKEN || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
    throw new SignInError(`${path} (${option}) holds no signed JWT.`);
  }
  return token;
}

/** A secret out of a file, without the end of its line. Rejects as `tokenIn` does. */
export async function secretIn(path: string, option: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new SignInError(`${path} (${option}) cannot be read: ${wordsOf(error)}.`);
  }
}
