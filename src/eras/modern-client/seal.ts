/** The cryptography that a `requestState` needs, given from outside: the core has none of its own. */
export interface Seal {
  /** Keyed MAC of a text, as URL-safe text. */
  sign(text: string): string;
  /** Whether `mac` is the MAC of that text; takes the same time for every wrong one. */
  verify(text: string, mac: string): boolean;
  /** Digest that nobody can find a second text for, as URL-safe text without dots. */
  digest(text: string): string;
  /** An id that nobody can guess, as URL-safe text without dots. */
  newId(): string;
}
