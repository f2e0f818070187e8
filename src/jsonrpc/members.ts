import { parseWire, type Wire } from './wire.js';

/** One member of an object as it stands in its text. */
export interface Member {
  readonly key: string;
  /** Raw JSON of the key and of the value. */
  readonly rawKey: Wire;
  readonly value: Wire;
}

/**
 * Takes the text of an object apart, so that it can be put together again with members left out, added or
 * replaced while all others keep every octet (numbers their digits, texts their spelling).
 *
 * @param text raw JSON that is known to be valid; anything but an object has no members
 */
export function membersOf(text: Wire): Member[] {
  const members: Member[] = [];
  const open = skipSpace(text, 0);
  if (text.charAt(open) !== '{') return members;
  let at = skipSpace(text, open + 1);
  while (text.charAt(at) === '"') {
    const keyEnd = endOfString(text, at);
    const rawKey = text.slice(at, keyEnd);
    const valueAt = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = endOfValue(text, valueAt);
    members.push({ key: String(parseWire(rawKey)), rawKey, value: text.slice(valueAt, valueEnd) });
    const next = skipSpace(text, valueEnd);
    if (text.charAt(next) !== ',') break;
    at = skipSpace(text, next + 1);
  }
  return members;
}

/** The text of an object with these members, in their order. */
export function objectOf(members: readonly Pick<Member, 'rawKey' | 'value'>[]): Wire {
  return `{${members.map(({ rawKey, value }) => `${rawKey}:${value}`).join(',')}}`;
}

/** The elements of an array's text, as raw JSON; anything but an array has none. */
export function elementsOf(text: Wire): Wire[] {
  const elements: Wire[] = [];
  const open = skipSpace(text, 0);
  if (text.charAt(open) !== '[') return elements;
  let at = skipSpace(text, open + 1);
  while (at < text.length && text.charAt(at) !== ']') {
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text.charAt(at) === ',') at = skipSpace(text, at + 1);
  }
  return elements;
}

/** Raw JSON of a member's value, the last one of that key; undefined where there is none. */
export function memberOf(text: Wire, key: string): Wire | undefined {
  return membersOf(text).findLast((member) => member.key === key)?.value;
}

function skipSpace(text: Wire, start: number): number {
  let at = start;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

/** Ends of values: brackets and quotes are what matters, all else is known to be valid. */
const BRACKET_OR_QUOTE = /["[\]{}]/g;
const SCALAR_END = /[,\]}\s]|$/g;

/**
 * Where the string ends that begins at `open`, given a text that is known to be valid.
 * A quote ends a string unless an odd number of backslashes stands before it. Strings can be very long, and
 * nothing finds a character as fast as `indexOf`.
 */
export function endOfString(text: Wire, open: number): number {
  let at = open;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let backslashes = 0;
    while (text.charAt(at - 1 - backslashes) === '\\') backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

function endOfValue(text: Wire, start: number): number {
  const first = text.charAt(start);
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') {
    SCALAR_END.lastIndex = start;
    return SCALAR_END.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  let at = start;
  for (;;) {
    BRACKET_OR_QUOTE.lastIndex = at;
    const found = BRACKET_OR_QUOTE.exec(text);
    if (found === null) return text.length;
    const char = found[0];
    at = char === '"' ? endOfString(text, found.index) : found.index + 1;
    if (char === '{' || char === '[') depth++;
    else if (char !== '"' && --depth === 0) return at;
  }
}
