import type { ServerResponse } from 'node:http';
import type { Wire } from '../../jsonrpc/wire.js';
import { EventStream, type EventStreamOptions } from '../event-stream.js';
import { eventId, type Replay } from './replay.js';

/** How long a client is told to wait before it connects again, in milliseconds. */
export const RETRY_MS = 1000;

/**
 * One logical event stream of a session: the connection that carries it may break, be closed on purpose,
 * and be replaced by another, while what is sent on it goes into the session's replay memory.
 */
export class Channel {
  readonly number: number;
  readonly openedAt = Date.now();
  readonly #replay: Replay;
  readonly #primed: boolean;
  #sequence = 0;
  #connection: EventStream | undefined;

  /** @param primed whether the client understands an event without data (2025-11-25) */
  constructor(number: number, replay: Replay, primed: boolean) {
    this.number = number;
    this.#replay = replay;
    this.#primed = primed;
  }

  get connected(): boolean {
    return this.#connection?.open ?? false;
  }

  /** Begins on this response. */
  connect(response: ServerResponse, options: EventStreamOptions): void {
    this.#connection = new EventStream(response, options);
    if (this.#primed) this.#connection.prime(eventId(this.number, this.#sequence));
  }

  /** Goes on, on a new response, with what came after `sequence`. An older connection ends. */
  resume(response: ServerResponse, options: EventStreamOptions, sequence: number): void {
    this.#connection?.end();
    this.#connection = new EventStream(response, options);
    for (const event of this.#replay.after(this.number, sequence)) {
      this.#connection.event('message', event.data, eventId(this.number, event.sequence));
    }
  }

  send(data: Wire): void {
    this.#sequence++;
    this.#replay.store({ stream: this.number, sequence: this.#sequence, data });
    this.#connection?.event('message', data, eventId(this.number, this.#sequence));
  }

  /** Ends the connection but not the stream: the client comes back for the rest (2025-11-25, polling). */
  pause(): void {
    this.#connection?.retry(RETRY_MS);
    this.#connection?.end();
  }

  end(): void {
    this.#connection?.end();
  }
}
