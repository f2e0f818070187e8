import type { Wire } from '../../jsonrpc/wire.js';

/** Messages that wait for a stream to be opened. Past it the oldest is dropped. */
const MAX_WAITING = 256;
/** Octets of messages that wait for a stream. The newest is always kept, however large. */
const MAX_WAITING_OCTETS = 1024 * 1024;

/** Messages for a client that has no stream open on which they could go. */
export class Waiting {
  readonly #messages: Wire[] = [];
  #octets = 0;

  add(text: Wire): void {
    this.#messages.push(text);
    this.#octets += text.length;
    while (
      this.#messages.length > MAX_WAITING ||
      (this.#octets > MAX_WAITING_OCTETS && this.#messages.length > 1)
    ) {
      this.#octets -= this.#messages.shift()?.length ?? 0;
    }
  }

  /** All of them, in their order; none is left. */
  take(): Wire[] {
    this.#octets = 0;
    return this.#messages.splice(0);
  }
}
