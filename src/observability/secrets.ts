/** What stands where a secret was. */
export const MASK = '***';

/**
 * What must not be shown, and a way to take it out of a text that somebody else wrote: a server's error
 * page may well repeat the header or the token that it did not like, as it came or in another writing.
 */
export class Secrets {
  readonly #lasting = new Set<string>();
  readonly #passing = new Set<string>();
  #pattern: RegExp | undefined;

  /**
   * For as long as the proxy runs, as what the person has given it.
   *
   * @param shortest values with fewer characters are left: they are in every text by chance
   */
  add(value: string, shortest: number = SHORTEST): void {
    for (const secret of [value, ...partsOf(value)]) if (secret.length >= shortest) this.#lasting.add(secret);
    this.#pattern = undefined;
  }

  /** Until many others have come after it, as tokens and codes, of which there is no end. */
  addPassing(value: string): void {
    if (value.length < SHORTEST) return;
    this.#passing.delete(value);
    this.#passing.add(value);
    const [oldest] = this.#passing;
    if (this.#passing.size > MAX_PASSING && oldest !== undefined) this.#passing.delete(oldest);
    this.#pattern = undefined;
  }

  mask(text: string): string {
    if (this.#lasting.size + this.#passing.size === 0) return text;
    this.#pattern ??= patternOf([...this.#lasting, ...this.#passing]).pattern;
    return text.replace(this.#pattern, MASK);
  }
}

/** What of a header's value is secret by itself: a token without its scheme, a password, the values of cookies. */
function partsOf(value: string): string[] {
  const [, scheme = '', word] = /^(\S+)\s+(\S+)$/.exec(value) ?? [];
  const named = [...value.matchAll(/=\s*"?([^\s;,"]+)/g)].map(([, part = '']) => part);
  const parts = named.filter((part) => part.length >= SHORTEST);
  if (word === undefined) return parts;
  if (scheme.toLowerCase() !== 'basic') return [word, ...parts];
  const pair = Buffer.from(word, 'base64').toString();
  const password = pair.slice(pair.indexOf(':') + 1);
  return password.length < SHORTEST ? [word] : [word, password];
}

/** Characters from which a value counts as secret, unless it is known to be one. */
const SHORTEST = 6;

/** The same for a value that was given as a header: shorter ones (`1`) would make every text unreadable. */
export const SHORTEST_HEADER = 3;

/** Tokens and codes that are looked for; when so many have come after one, it has expired long since. */
const MAX_PASSING = 200;

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

/** As it is, decoded, and each of the two in JSON, in a URL, in a form, in Base64, and as words on one line. */
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
    writings.push(...base64(whole));
  }
  return writings.filter((text) => text.length >= SHORTEST_HEADER);
}

/** Characters of Base64 from which it stands for nothing else by chance. */
const SHORTEST_BASE64 = 8;

/**
 * In Base64, as a part of a longer text too: there are three ways, by how many octets stand before it. The characters
 * at its ends, which its neighbours change, are not among those.
 */
function base64(text: string): string[] {
  const octets = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), octets]).toString('base64');
    const inner = whole.slice(before === 0 ? 0 : before + 1, Math.floor(((before + octets.length) * 8) / 6));
    if (inner.length < SHORTEST_BASE64) return [];
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
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
