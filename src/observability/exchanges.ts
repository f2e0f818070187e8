import { type Key, keyOf, type Message, refOf } from '../jsonrpc/message.js';
import type { CloseReason } from '../relay/link.js';
import { PassingMap } from '../relay/passing.js';
import type { Watcher } from '../relay/watcher.js';
import type { Conversation } from './conversation.js';

/** A request, from when it passed until its answer does. */
export interface Exchange {
  readonly conversation: Conversation;
  readonly asker: Side;
  readonly method: string;
  /** When the request passed, in milliseconds, by `performance.now()`. */
  readonly at: number;
  /** Which tool is called, where its server has listed it. */
  tool: string | undefined;
}

export type Side = 'client' | 'server';

/** Whoever wants to know what passes: all conversations tell it. Never throws, never blocks. */
export interface Observer {
  opened?(conversation: Conversation): void;
  /**
   * A message passes.
   *
   * @param exchange what it begins or ends; undefined for what is neither
   */
  passed?(conversation: Conversation, from: Side, message: Message, exchange: Exchange | undefined): void;
  /** The client's message that has just passed, as it is to go on: part of another trace, else as it is. One observer's. */
  stamp?(message: Message): Message;
  /**
   * A request is over.
   *
   * @param answer undefined: nobody waits for one any more, because it was cancelled or its client or server is gone
   * @param ms how long it took
   */
  over?(exchange: Exchange, answer: Message | undefined, ms: number): void;
  closed?(conversation: Conversation, reason: CloseReason): void;
}

/** Pairs the requests of one conversation with their answers, counts what passes, and tells the observers. */
export class Exchanges implements Watcher {
  readonly #conversation: Conversation;
  readonly #observers: readonly Observer[];
  readonly #stamping: Observer | undefined;
  readonly #ofClient = new PassingMap<Key, Exchange>();
  readonly #ofServer = new PassingMap<Key, Exchange>();
  #isClosed = false;
  /** Requests of the client. */
  requests = 0;
  /** Octets of messages from the client. */
  received = 0;
  /** Octets of messages to the client. */
  sent = 0;

  constructor(conversation: Conversation, observers: readonly Observer[]) {
    this.#conversation = conversation;
    this.#observers = observers;
    this.#stamping = observers.find((observer) => observer.stamp !== undefined);
    for (const observer of observers) observer.opened?.(conversation);
  }

  /** Requests of the client that are not answered yet. */
  get open(): number {
    return this.#ofClient.size;
  }

  fromClient(message: Message): Message {
    this.received += message.text.length;
    if (message.kind === 'request') this.requests++;
    this.#pass('client', message, this.#ofClient, this.#ofServer);
    return this.#stamping?.stamp?.(message) ?? message;
  }

  toClient(message: Message): void {
    this.sent += message.text.length;
    this.#pass('server', message, this.#ofServer, this.#ofClient);
  }

  closed(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const open of [this.#ofClient, this.#ofServer]) {
      for (const exchange of open.values()) this.#over(exchange, undefined);
      open.clear();
    }
    for (const observer of this.#observers) observer.closed?.(this.#conversation, reason);
  }

  /** @param own requests of the side that this message is from; `others` those of the other */
  #pass(
    from: Side,
    message: Message,
    own: PassingMap<Key, Exchange>,
    others: PassingMap<Key, Exchange>,
  ): void {
    const { kind, id, method } = message;
    if (kind === 'request') {
      const exchange = {
        conversation: this.#conversation,
        asker: from,
        method: method ?? '',
        at: performance.now(),
        tool: undefined,
      };
      own.set(keyOf(id ?? 'null'), exchange);
      this.#tell(from, message, exchange);
    } else if (kind === 'notification') {
      this.#tell(from, message, undefined);
      const ref = method === 'notifications/cancelled' ? refOf(message) : undefined;
      const cancelled = ref === undefined ? undefined : taken(own, keyOf(ref));
      if (cancelled !== undefined) this.#over(cancelled, undefined);
    } else {
      const exchange = taken(others, keyOf(id ?? 'null'));
      this.#tell(from, message, exchange);
      if (exchange !== undefined) this.#over(exchange, message);
    }
  }

  #tell(from: Side, message: Message, exchange: Exchange | undefined): void {
    for (const observer of this.#observers) observer.passed?.(this.#conversation, from, message, exchange);
  }

  #over(exchange: Exchange, answer: Message | undefined): void {
    const ms = performance.now() - exchange.at;
    for (const observer of this.#observers) observer.over?.(exchange, answer, ms);
  }
}

/** What was there, and is no longer. */
function taken<K, V>(map: PassingMap<K, V>, key: K): V | undefined {
  const value = map.get(key);
  if (value !== undefined) map.delete(key);
  return value;
}
