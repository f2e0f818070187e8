/** What stands where a secret was. */
export const MASK = '***';

/**
 * What must not be shown, and a way to take it out of a text that somebody else wrote: a server's error
 * page may well repeat the header or the token that it did not like, as it came or in another writing.
 */
export class Secrets {
  readonly #values = new Set<string>();
  #pattern: RegExp | undefined;

  /** @param shortest values with fewer characters are left: they are in every text by chance */
  add(value: string, shortest: number = SHORTEST): void {
    const word = /^\S+\s+(\S+)$/.exec(value)?.[1]; // `Bearer TOKEN`: the token alone, too
    for (const secret of word === undefined ? [value] : [value, word]) {
      if (secret.length >= shortest) this.#values.add(secret);
    }
    while (this.#values.size > MAX_VALUES) {
      const [oldest] = this.#values;
      if (oldest === undefined) break;
      this.#values.delete(oldest);
    }
    this.#pattern = undefined;
  }

  mask(text: string): string {
    if (this.#values.size === 0) return text;
    this.#pattern ??= patternOf(this.#values).pattern;
    return text.replace(this.#pattern, MASK);
  }
}

/** Characters from which a value counts as secret, unless it is known to be one. */
const SHORTEST = 6;

/** The same for a value that was given as a header: shorter ones (`1`) would make every text unreadable. */
export const SHORTEST_HEADER = 3;

/** Access tokens are added for as long as the proxy runs; the oldest have expired long since. */
const MAX_VALUES = 200;

/** Takes every one of some values out of a text. */
export interface ValueMask {
  (text: string): string;
  /** Characters of the longest text that it looks for; 0 where it looks for none. */
  readonly longest: number;
}

/**
 * Puts the mask in place of these values wherever they stand in a text, in any of their writings, and of each line
 * of a value that has several. Those of fewer than 6 characters stay.
 */
export function valueMask(values: Iterable<string>): ValueMask {
  const secrets = [...values]
    .flatMap((value) => [value, value.trim(), ...value.split(/[\r\n]+/)])
    .filter((value) => value.length >= SHORTEST);
  if (secrets.length === 0) return Object.assign((text: string): string => text, { longest: 0 });
  const { pattern, longest } = patternOf(secrets);
  return Object.assign((text: string): string => text.replace(pattern, MASK), { longest });
}

/** Any of the values in any of its writings, the longest first: one may be a part of another. */
function patternOf(values: Iterable<string>): { readonly pattern: RegExp; readonly longest: number } {
  const writings = new Set([...values].flatMap(writingsOf));
  const longestFirst = [...writings].sort((a, b) => b.length - a.length);
  const alternatives = longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return { pattern: new RegExp(alternatives.join('|'), 'g'), longest: longestFirst[0]?.length ?? 0 };
}

/** As it is, decoded, and each of the two in JSON, in a URL, in a form, and as words on one line. */
function writingsOf(value: string): string[] {
  const writings: string[] = [];
  for (const text of new Set([value, decoded(value), decoded(value.replaceAll('+', ' '))])) {
    const json = JSON.stringify(text).slice(1, -1);
    // A header's octets are one character each on the way, and may be read as UTF-8 at the other end.
    const octets = Buffer.from(text, 'latin1').toString();
    const words = text.replace(/\s+/g, ' ').trim();
    const form = new URLSearchParams([['', text]]).toString().slice(1);
    const whole = Buffer.from(text).toString(); // half a surrogate pair cannot be encoded
    const encoded = [encodeURIComponent(whole), encodeURI(whole), form];
    writings.push(text, json, json.replaceAll('/', '\\/'), ascii(json), octets, words, ...encoded);
    for (const one of encoded) writings.push(one.replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()));
  }
  return writings.filter((text) => text.length >= SHORTEST_HEADER);
}

/** JSON as some servers write it: `\u00e9`. */
function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Percent-decoded, where it can be. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone `%`: it is no encoded text
  }
}
