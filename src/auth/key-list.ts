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
  readonly isNamed: boolean;
  readonly isShort: boolean;
}

/** Hexadecimal digits of its digest by which a key without a name is called. */
const DIGITS = 8;
/** Characters from which nobody finds out a key by trying. */
const SHORT = 16;
const NAMED = /^([\w.@-]+)\s*:\s*(.*)$/;
/** What a header can carry without a doubt where it begins and ends. */
const KEY = /^[\x21-\x7e]+$/;

/**
 * Reads a list of keys: a line for each, `name:key`, or the key alone, which is called `#` and the first eight
 * hexadecimal digits of its SHA-256: a name that no other line changes, since what belongs to one key must not become
 * another's. Lines that are empty or begin with `#` are none. Several keys may have one name, as while one takes the
 * place of another.
 *
 * @param others keys that are good beside these
 * Throws `KeyListError`.
 */
export function readKeys(text: string, others: readonly Key[] = []): Key[] {
  const keys: Key[] = [];
  const names = new Map(others.map(({ digest, principal }) => [digest.toString('hex'), principal.name]));
  text.split(/\r\n|\r|\n/).forEach((whole, index) => {
    const line = whole.trim();
    if (line === '' || line.startsWith('#')) return;
    const at = `line ${index + 1}`;
    const [, given, rest] = NAMED.exec(line) ?? [];
    const key = (rest ?? line).trim();
    if (!KEY.test(key)) {
      throw new KeyListError(`${at}: a key is visible ASCII without spaces, as in name:key or the key alone`);
    }
    const digest = digestOf(key);
    const hex = digest.toString('hex');
    const name = given ?? `#${hex.slice(0, DIGITS)}`;
    const known = names.get(hex);
    if (known !== undefined && known !== name) {
      throw new KeyListError(`${at}: this key is there already, under another name`);
    }
    names.set(hex, name);
    keys.push({
      principal: keyHolder(name),
      digest,
      isNamed: given !== undefined,
      isShort: key.length < SHORT,
    });
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
