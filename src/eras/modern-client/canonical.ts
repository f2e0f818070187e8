import { endOfString } from '../../jsonrpc/members.js';
import { keyOf } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';

/**
 * One text for all JSON texts that mean the same: members in the order of their keys, no space, strings and
 * numbers in one spelling (numbers beyond 2^53 keep their digits).
 *
 * @param text raw JSON that is known to be valid
 */
export function canonical(text: Wire): string {
  return new Reader(text).value();
}

const SCALAR_END = /[,\]}\s]|$/g;

class Reader {
  readonly #text: Wire;
  #at = 0;

  constructor(text: Wire) {
    this.#text = text;
  }

  value(): string {
    switch (this.#peek()) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(): string {
    const members: [string, string][] = [];
    this.#at++;
    while (this.#peek() === '"') {
      const key = this.#string();
      if (this.#peek() === ':') this.#at++;
      members.push([key, this.value()]);
      if (this.#peek() === ',') this.#at++;
    }
    this.#at++;
    members.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
    let text = '{';
    for (const [key, value] of members) text += `${key}:${value},`;
    return `${text}}`;
  }

  #array(): string {
    let text = '[';
    this.#at++;
    while (this.#at < this.#text.length && this.#peek() !== ']') {
      text += `${this.value()},`;
      if (this.#peek() === ',') this.#at++;
    }
    this.#at++;
    return `${text}]`;
  }

  #string(): string {
    const start = this.#at;
    this.#at = endOfString(this.#text, start);
    return keyOf(this.#text.slice(start, this.#at));
  }

  #scalar(): string {
    const start = this.#at;
    SCALAR_END.lastIndex = start;
    this.#at = SCALAR_END.exec(this.#text)?.index ?? this.#text.length;
    const raw = this.#text.slice(start, this.#at);
    return /^[-\d]/.test(raw) ? keyOf(raw) : raw;
  }

  #peek(): string {
    while (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) <= 0x20) this.#at++;
    return this.#text.charAt(this.#at);
  }
}
