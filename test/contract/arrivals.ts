import type { Wire } from '../../src/jsonrpc/wire.js';

/** What came to the peer of a link, for a test that asks for the next of it. */
export class Arrivals {
  readonly #texts: Wire[] = [];
  #ended = false;
  #changed: () => void = () => undefined;

  add(text: Wire): void {
    this.#texts.push(text);
    this.#changed();
  }

  /** Nothing comes any more. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** The next one; undefined where the end came before it. */
  async next(): Promise<Wire | undefined> {
    while (this.#texts.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.#texts.shift();
  }
}
