import { type Key, keyOf, type Message, refOf, tokenOf } from '../jsonrpc/message.js';
import { copyWire } from '../jsonrpc/wire.js';
import { PassingMap } from './passing.js';

/** Cancelled requests that are remembered: a server need not say anything more of one, so they would pile up. */
const MAX_CANCELLED = 1000;

interface Request {
  readonly key: Key;
  /** Its progress token. */
  readonly token: Key | undefined;
}

/**
 * The requests that a client has cancelled. They are over for it: whatever is still said of them is dropped
 * (2025-11-25, `basic/utilities/cancellation`: the sender ignores a response that arrives afterwards), be it the
 * server's late answer or an error of the proxy's own because there was none.
 */
export class Cancellations {
  readonly #open = new PassingMap<Key, Request>();
  readonly #cancelled = new Map<Key, Request>();
  readonly #tokens = new Set<Key>();

  /** Takes note of a message that the client has sent. */
  sent(message: Message): void {
    if (message.kind === 'request') {
      const request = requestOf(message);
      this.#forget(request.key); // who uses an id again wants to hear of it
      if (request.token !== undefined) this.#tokens.delete(request.token);
      // It cannot be cancelled (`basic/utilities/cancellation`, "Behavior Requirements").
      if (message.method !== 'initialize') this.#open.set(request.key, request);
    } else if (message.method === 'notifications/cancelled') {
      const ref = refOf(message);
      const request = ref === undefined ? undefined : this.#open.get(keyOf(ref));
      if (request !== undefined) this.#cancel(request);
    }
  }

  /** A request is over without an answer: it cannot be cancelled any more. */
  over(key: Key): void {
    this.#open.delete(key);
  }

  /** Whether what has come for the client is about a request that it has cancelled. */
  concerns(message: Message): boolean {
    if (message.kind === 'response' || message.kind === 'error') {
      const key = keyOf(message.id ?? 'null');
      this.#open.delete(key);
      return this.#forget(key);
    }
    if (message.method !== 'notifications/progress') return false;
    const token = tokenOf(message);
    return token !== undefined && this.#tokens.has(keyOf(token));
  }

  #cancel(request: Request): void {
    this.#open.delete(request.key);
    this.#cancelled.set(request.key, request);
    if (request.token !== undefined) this.#tokens.add(request.token);
    if (this.#cancelled.size <= MAX_CANCELLED) return;
    const [oldest] = this.#cancelled.keys();
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(key: Key): boolean {
    const token = this.#cancelled.get(key)?.token;
    if (token !== undefined) this.#tokens.delete(token);
    return this.#cancelled.delete(key);
  }
}

function requestOf(message: Message): Request {
  const token = tokenOf(message);
  return {
    key: keyOf(copyWire(message.id ?? 'null')),
    token: token === undefined ? undefined : keyOf(copyWire(token)),
  };
}
