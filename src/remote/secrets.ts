/**
 * What must not be shown, and a way to take it out of a text that somebody else wrote: a server's error
 * page may well repeat the header or the token that it did not like.
 */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string): void {
    if (value.length < MIN_LENGTH) return;
    this.#values.add(value);
    const word = /^\S+\s+(\S+)$/.exec(value)?.[1]; // `Bearer TOKEN`: the token alone, too
    if (word !== undefined && word.length >= MIN_LENGTH) this.#values.add(word);
    while (this.#values.size > MAX_VALUES) {
      const [oldest] = this.#values;
      if (oldest === undefined) break;
      this.#values.delete(oldest);
    }
  }

  mask(text: string): string {
    let masked = text;
    for (const value of this.#values) masked = masked.replaceAll(value, '***');
    return masked;
  }
}

/** Shorter values (`1`, `true`) are in every text by chance; masking them would only make it unreadable. */
const MIN_LENGTH = 6;

/** Access tokens are added for as long as the proxy runs; the oldest have expired long since. */
const MAX_VALUES = 200;
