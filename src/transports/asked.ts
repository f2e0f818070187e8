import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import { copyWire, type Wire } from '../jsonrpc/wire.js';
import { PassingSet } from '../relay/passing.js';

/** Questions that the client has not answered; past it the oldest no longer counts as asked. */
const MAX_ASKED = 1000;

/** What a client was asked and has not answered. */
export class Asked {
  readonly #keys = new PassingSet<Key>();

  /** Takes note of a message that goes to the client. */
  note(message: Message): void {
    if (message.kind !== 'request') return;
    const [oldest] = this.#keys;
    if (this.#keys.size >= MAX_ASKED && oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.add(keyOf(copyWire(message.id ?? 'null'))); // not the whole question for its id's sake
  }

  /** Why a message of the client's is none that anybody waits for; undefined where it is, or is no answer. */
  refusal(message: Message): string | undefined {
    const id: Wire = message.id ?? 'null';
    if (!isAnswer(message) || this.#keys.has(keyOf(id))) return undefined;
    return `nobody waits for an answer to ${id}`;
  }

  /** Takes note of a message that came from the client. */
  answered(message: Message): void {
    if (isAnswer(message)) this.#keys.delete(keyOf(message.id ?? 'null'));
  }
}

function isAnswer({ kind }: Message): boolean {
  return kind === 'response' || kind === 'error';
}
