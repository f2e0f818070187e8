import { type Message, paramsOf, withId } from '../jsonrpc/message.js';
import { newOwnId } from '../jsonrpc/own-id.js';
import { negotiatedVersion } from './negotiated-version.js';

/** Resources whose subscriptions are remembered: more than any client shows, and it bounds the memory. */
const MAX_SUBSCRIPTIONS = 10_000;

/** Requests that make a session what it is. */
const REMEMBERED: ReadonlySet<string> = new Set([
  'initialize',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/** What the client has made of its session, so that the same can be made of a new one. */
export class SessionMemory {
  /** Whether the answer to a request is of interest here. */
  static concerns({ kind, method = '' }: Message): boolean {
    return kind === 'request' && REMEMBERED.has(method);
  }

  #initialize: Message | undefined;
  #version: string | undefined;
  #level: Message | undefined;
  readonly #subscribed = new Map<string, Message>();

  /** The version that client and server agreed on. */
  get version(): string | undefined {
    return this.#version;
  }

  /** Whether a handshake stands that can be repeated. */
  get hasSession(): boolean {
    return this.#initialize !== undefined;
  }

  /** URIs of the resources that it has subscribed to. */
  get subscribed(): Iterable<string> {
    return this.#subscribed.keys();
  }

  /** The client begins again. */
  forget(): void {
    this.#initialize = undefined;
    this.#version = undefined;
    this.#level = undefined;
    this.#subscribed.clear();
  }

  /** Takes what the server has agreed to. */
  answered(request: Message, answer: Message): void {
    if (answer.kind !== 'response') return;
    if (request.method === 'initialize') {
      this.forget();
      this.#initialize = request;
      this.#version = negotiatedVersion(answer);
    } else if (request.method === 'logging/setLevel') this.#level = request;
    else if (request.method === 'resources/subscribe') {
      const { uri } = paramsOf(request);
      if (typeof uri === 'string' && this.#subscribed.size < MAX_SUBSCRIPTIONS) {
        this.#subscribed.set(uri, request);
      }
    } else if (request.method === 'resources/unsubscribe') {
      const { uri } = paramsOf(request);
      if (typeof uri === 'string') this.#subscribed.delete(uri);
    }
  }

  /** The client's own `initialize`, under an id that no request of the client's has. */
  initialize(): Message {
    if (this.#initialize === undefined) throw new TypeError('there was no handshake yet');
    return underOwnId(this.#initialize);
  }

  /** The requests that make a new session what the old one was, under ids of their own. */
  *restoring(): Generator<Message> {
    if (this.#level !== undefined) yield underOwnId(this.#level);
    for (const request of this.#subscribed.values()) yield underOwnId(request);
  }
}

function underOwnId(request: Message): Message {
  return withId(request, newOwnId());
}
