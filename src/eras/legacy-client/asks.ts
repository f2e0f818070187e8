/** The requests that are open upstream, under ids of the translator's own. */
import { type Key, keyOf, type Message, withId } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { Call } from './calls.js';

interface Ask {
  /** The client's call that it is a round of; undefined: it is the translator's own. */
  readonly call: Call | undefined;
  readonly onAnswer: (answer: Message) => void;
}

/** Every request upstream gets an id that was never used before: retries, too (2026-07-28, `basic/patterns/mrtr`). */
export class Asks {
  readonly #open = new Map<Key, Ask>();
  readonly #send: (message: Message) => void;
  #nextId = 1;

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  newId(): Wire {
    return String(this.#nextId++);
  }

  /** Sends a request under a new id, or under `id`, which is one. */
  ask(request: Message, onAnswer: Ask['onAnswer'], call?: Call, id: Wire = this.newId()): void {
    this.#open.set(keyOf(id), { call, onAnswer });
    if (call) call.upstreamId = id;
    this.#send(withId(request, id));
  }

  /** Takes an answer. Returns false where nobody waits for it. */
  answered(answer: Message): boolean {
    const key = keyOf(answer.id ?? 'null');
    const ask = this.#open.get(key);
    if (!ask) return false;
    this.#open.delete(key);
    if (ask.call) ask.call.upstreamId = undefined;
    ask.onAnswer(answer);
    return true;
  }

  /** Nobody waits for the answer to this request any more. */
  forget(id: Wire): void {
    this.#open.delete(keyOf(id));
  }

  /** The client's call that an open request belongs to. */
  callOf(about: Key | undefined): Call | undefined {
    return about === undefined ? undefined : this.#open.get(about)?.call;
  }
}
