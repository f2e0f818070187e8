import type { ServerResponse } from 'node:http';
import { CANCELLED } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import type { Key, Message } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { Backlog } from '../backlog.js';
import type { Beating, Heartbeat } from '../heartbeat.js';
import { endWith } from '../octets.js';
import type { Channel } from './channel.js';

/** What the client's `Accept` admits as the answer to a POST. */
export interface Accepted {
  readonly json: boolean;
  readonly stream: boolean;
}

/** The session that an exchange is part of. */
export interface ExchangeOwner {
  readonly heartbeat: Heartbeat;
  readonly backlog: Backlog;
  /** Headers of whatever answer there will be. */
  headers(initialize: boolean): Readonly<Record<string, string>>;
  /** Makes the stream that an answer turns into. */
  openChannel(): Channel;
  exchangeDone(keys: readonly Key[]): void;
}

export interface ExchangeOptions {
  readonly accepted: Accepted;
  /** Whether the requests came as a batch: then answers in JSON are an array. */
  readonly batch: boolean;
  /** Whether `initialize` is among the requests. */
  readonly initialize: boolean;
  /** Milliseconds after which an answer that is still open is left to be polled for; 0: never. */
  readonly pollAfter: number;
}

/**
 * One POST with requests in it, until all of them are answered: with plain JSON where the answers are
 * the first thing that comes, else with an event stream.
 */
export class Exchange implements Beating {
  readonly #response: ServerResponse;
  readonly #owner: ExchangeOwner;
  readonly #options: ExchangeOptions;
  readonly #keys: readonly Key[];
  readonly #pending: Set<Key>;
  readonly #held: Message[] = [];
  readonly #since = Date.now();
  #channel: Channel | undefined;
  #poll: NodeJS.Timeout | undefined;
  #done = false;

  constructor(
    owner: ExchangeOwner,
    response: ServerResponse,
    keys: readonly Key[],
    options: ExchangeOptions,
  ) {
    this.#owner = owner;
    this.#response = response;
    this.#keys = keys;
    this.#pending = new Set(keys);
    this.#options = options;
    const { pollAfter, accepted } = options;
    owner.heartbeat.add(this);
    // A stream that was opened before closes by itself.
    if (pollAfter > 0 && accepted.stream) {
      this.#poll = setTimeout(() => this.#leaveToPoll(), pollAfter).unref();
    }
  }

  /** Whether somebody is there for the answer. */
  get connected(): boolean {
    return this.#channel?.connected ?? !this.#response.destroyed;
  }

  /** Whether a client that lost the connection can come back for the answer. */
  get resumable(): boolean {
    return this.#channel?.resumable ?? false;
  }

  /** Whether this stream is what the answer has turned into. */
  carries(channel: Channel): boolean {
    return this.#channel === channel;
  }

  /** The answer to one of the requests. */
  answer(key: Key, message: Message): void {
    if (!this.#pending.delete(key)) return;
    if (this.#channel) this.#channel.send(message.text);
    else this.#held.push(message);
    this.#finishIfAnswered();
  }

  /** Another message that belongs here. Returns false where this client wants JSON only. */
  also(text: Wire): boolean {
    if (this.#done || !this.#options.accepted.stream) return false;
    this.#stream().send(text);
    return true;
  }

  /**
   * The client has given a request up and waits for no answer. Where nothing was sent yet, an empty
   * stream ends the POST. A stream that the client could resume ends with an error instead, so that it
   * does not come back for the answer.
   */
  cancel(key: Key, id: Wire): void {
    if (!this.#pending.has(key)) return;
    const last = this.#pending.size === 1 && this.#held.length === 0;
    if (last && !this.#channel && this.#options.accepted.stream) {
      this.#pending.delete(key);
      this.#finish();
      this.#response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        ...this.#owner.headers(this.#options.initialize),
      });
      this.#response.end();
      return;
    }
    this.answer(key, makeError(id, CANCELLED, 'cancelled by the client'));
  }

  /** Answers what is still open, because there will be no answers. */
  fail(error: (key: Key) => Message): void {
    for (const key of [...this.#pending]) this.answer(key, error(key));
  }

  beat(now: number, silence: number): void {
    if (this.#channel || now - this.#since < silence || !this.#options.accepted.stream) return;
    if (!this.#response.destroyed) this.#stream();
  }

  #stream(): Channel {
    if (this.#channel) return this.#channel;
    const channel = this.#owner.openChannel();
    this.#channel = channel;
    channel.connect(this.#response, this.#owner.headers(this.#options.initialize));
    for (const { text } of this.#held.splice(0)) channel.send(text);
    return channel;
  }

  #leaveToPoll(): void {
    if (!this.#channel && !this.#response.destroyed) this.#stream().pause();
  }

  #finishIfAnswered(): void {
    if (this.#pending.size > 0) return;
    if (!this.#channel && !this.#options.accepted.json) this.#stream();
    this.#finish();
    if (this.#channel) this.#channel.end();
    else this.#sendJson();
  }

  #sendJson(): void {
    // The client has gone and left no place to come back to, or was answered in another way.
    if (this.#response.destroyed || this.#response.headersSent) return;
    const [first] = this.#held;
    const batch = this.#options.batch ? `[${this.#held.map(({ text }) => text).join(',')}]` : undefined;
    this.#response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': (batch ?? first?.text ?? '').length,
      ...this.#owner.headers(this.#options.initialize),
    });
    if (batch !== undefined || first === undefined) this.#response.end(batch, 'latin1');
    else endWith(this.#response, first);
    this.#owner.backlog.wrote(this.#response);
  }

  #finish(): void {
    this.#done = true;
    clearTimeout(this.#poll);
    this.#owner.heartbeat.delete(this);
    this.#owner.exchangeDone(this.#keys);
  }
}
