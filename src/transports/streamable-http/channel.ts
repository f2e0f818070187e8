import type { ServerResponse } from 'node:http';
import type { Wire } from '../../jsonrpc/wire.js';
import { type ClientStreams, EventStream } from '../event-stream.js';
import { eventId, type Replay } from './replay.js';

/** How long a client is told to wait before it connects again, in milliseconds. */
const RETRY_MS = 1000;
/** How long after that it counts on coming, in milliseconds; later it has most likely gone for good. */
const COMES_BACK_MS = 30_000;

export interface ChannelOptions {
  readonly replay: Replay;
  readonly streams: ClientStreams;
  /** Whether the client understands an event without data (2025-11-25). */
  readonly primed: boolean;
  /** Milliseconds after which a connection is closed so that the client polls; 0: never. */
  readonly pollAfter: number;
}

/**
 * One logical event stream of a session: the connection that carries it may break, be closed on purpose,
 * and be replaced by another, while what is sent on it goes into the session's replay memory.
 */
export class Channel {
  readonly number: number;
  readonly #options: ChannelOptions;
  #sequence = 0;
  #connection: EventStream | undefined;
  #poll: NodeJS.Timeout | undefined;
  /** When the client was told to come back, in milliseconds; undefined where it has, or need not. */
  #pausedAt: number | undefined;
  /** Whether something was said since. */
  #isOwing = false;

  constructor(number: number, options: ChannelOptions) {
    this.number = number;
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connection?.open ?? false;
  }

  /** Whether the client knows a place from which it can resume. */
  get resumable(): boolean {
    return this.#sequence > 0;
  }

  /** Whether something is there for a client that was told to come back for it. */
  get owes(): boolean {
    return this.#isOwing && this.#pausedAt !== undefined && Date.now() - this.#pausedAt < COMES_BACK_MS;
  }

  /** Begins on this response. */
  connect(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
    this.#carryOn(response, headers);
    this.#prime();
  }

  /** Whether this stream has had an event of that number. */
  has(sequence: number): boolean {
    return sequence <= this.#sequence;
  }

  /** Goes on, on a new response, with what came after `sequence`. An older connection ends. */
  resume(response: ServerResponse, sequence: number): void {
    this.#connection?.end();
    const connection = this.#carryOn(response);
    const missed = this.#options.replay.after(this.number, sequence);
    for (const event of missed) {
      connection.event('message', event.data, eventId(this.number, event.sequence));
    }
    // A client knows its place from the connection that it has now: without an id on it, it could not
    // come back a second time.
    if (missed.length === 0) this.#prime();
  }

  send(data: Wire): void {
    this.#isOwing = this.#pausedAt !== undefined;
    this.#sequence++;
    this.#options.replay.store({ stream: this.number, sequence: this.#sequence, data });
    this.#connection?.event('message', data, eventId(this.number, this.#sequence));
  }

  /** Ends the connection but not the stream: the client comes back for the rest (2025-11-25, polling). */
  pause(): void {
    if (this.connected) this.#pausedAt = Date.now();
    this.#connection?.retry(RETRY_MS);
    this.end();
  }

  end(): void {
    clearTimeout(this.#poll);
    this.#connection?.end();
  }

  #carryOn(response: ServerResponse, headers?: Readonly<Record<string, string>>): EventStream {
    const { streams, primed, pollAfter } = this.#options;
    const connection = new EventStream(response, streams, headers);
    this.#connection = connection;
    this.#pausedAt = undefined;
    this.#isOwing = false;
    clearTimeout(this.#poll);
    if (primed && pollAfter > 0) this.#poll = setTimeout(() => this.pause(), pollAfter).unref();
    return connection;
  }

  /** An event without data has a number of its own, since an id is used once. */
  #prime(): void {
    if (!this.#options.primed) return;
    this.#sequence++;
    this.#connection?.prime(eventId(this.number, this.#sequence));
  }
}
