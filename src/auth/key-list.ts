import { createHash, timingSafeEqual } from 'node:crypto';
import { keyHolder, type Principal } from './principal.js';

/** A list of keys that can't be used as it is. The message names the line, and nothing of what stands there. */
export class KeyListError extends Error {
  override readonly name = 'KeyListError';
}

export interface Key {
  readonly principal: Principal;
  /** SHA-256 of the key. */
  readonly digest: Buffer;
  readonly isShort: boolean;
}

/** Characters from which nobody finds out a key by trying. */
const SHORT = 16;
const NAMED = /^([\w.@-]+)\s*:\s*(.*)$/;
/** What a header can carry without a doubt where it begins and ends. */
const KEY = /^[\x21-\x7e]+$/;

/**
 * Reads a list of keys: a line for each, `name:key`, or the key alone, which is named by its number among the keys.
 * Lines that are empty or begin with `#` are none. Several keys may have one name, as while one takes the place of
 * another.
 *
 * @param taken how many keys stand before this list, for the numbers
 * Throws `KeyListError`.
 */
export function readKeys(text: string, taken = 0): Key[] {
  const keys: Key[] = [];
  const names = new Map<string, string>();
  text.split(/\r\n|\r|\n/).forEach((whole, index) => {
    const line = whole.trim();
    if (line === '' || line.startsWith('#')) return;
    const at = `line ${index + 1}`;
    const [, given, rest] = NAMED.exec(line) ?? [];
    const name = given ?? String(taken + keys.length + 1);
    const key = (rest ?? line).trim();
    if (!KEY.test(key)) {
      throw new KeyListError(`${at}: a key is visible ASCII without spaces, as in name:key or the key alone`);
    }
    const digest = digestOf(key);
    const known = names.get(digest.toString('hex'));
    if (known !== undefined && known !== name) {
      throw new KeyListError(`${at}: this key is there already, under another name`);
    }
    names.set(digest.toString('hex'), name);
    keys.push({ principal: keyHolder(name), digest, isShort: key.length < SHORT });
  });
  if (keys.length === 0) throw new KeyListError('there is no key in it');
  return keys;
}

/** Which key this is. Takes the same time for every one that is not known, whatever it has in common with one that is. */
export function findKey(keys: readonly Key[], credential: string): Key | undefined {
  const digest = digestOf(credential);
  let found: Key | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
