import type { Message } from '../../jsonrpc/message.js';

/** What is kept of the notifications that nobody can take yet: more than a person reads, and it bounds the memory. */
export const MAX_HELD = 256;
const MAX_HELD_OCTETS = 1024 * 1024;

/** Notifications that wait for somebody to take them, the oldest first; beyond the bounds the oldest go. */
export class Held {
  #messages: Message[] = [];
  #octets = 0;

  push(message: Message): void {
    this.#messages.push(message);
    this.#octets += message.text.length;
    while (this.#messages.length > MAX_HELD || this.#octets > MAX_HELD_OCTETS) {
      this.#octets -= this.#messages.shift()?.text.length ?? 0;
    }
  }

  take(): Message[] {
    this.#octets = 0;
    return this.#messages.splice(0);
  }
}
