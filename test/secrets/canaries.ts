/** Texts that stand for secrets, and a way to find them in what is shown to people, however they are written there. */
import { randomBytes } from 'node:crypto';

/** Characters that URLs, JSON and forms write in another way; every header can carry them. */
const STRANGE = '/+=&"\\';

export class Canaries {
  /** Its two ends, by its name: each alone is found as well, where the rest was masked or cut off. */
  readonly #ends = new Map<string, readonly string[]>();

  /**
   * A new one.
   *
   * @param name tells which one was found, and where it stood
   * @param middle characters that are to be in it
   */
  new(name: string, middle = STRANGE): string {
    const ends = [randomBytes(6), randomBytes(6)].map((octets) => `Q${octets.toString('hex')}Z`);
    this.#ends.set(name, ends);
    return ends.join(middle);
  }

  /** One that nobody made here, as a token that somebody else has given out. */
  add(name: string, secret: string): string {
    const half = Math.ceil(secret.length / 2);
    this.#ends.set(name, [secret.slice(0, half), secret.slice(half)]);
    return secret;
  }

  /** The names of those that stand in a text, as they are or in Base64. */
  in(text: string): string[] {
    return [...this.#ends]
      .filter(([, ends]) => ends.some((end) => writingsOf(end).some((writing) => text.includes(writing))))
      .map(([name]) => name);
  }
}

/** In Base64 three texts can stand for one, by where in it they begin; of each the part that no neighbour changes. */
function writingsOf(text: string): string[] {
  const encoded = [0, 1, 2].map((before) => {
    const whole = Buffer.from('x'.repeat(before) + text).toString('base64');
    return whole.slice(before === 0 ? 0 : before + 1, Math.floor(((before + text.length) * 8) / 6));
  });
  return [text, ...encoded];
}
