import type { ServerResponse } from 'node:http';
import type { Wire } from '../jsonrpc/wire.js';
import type { Beating, Heartbeat } from './heartbeat.js';

/**
 * Octets that may wait for a client that does not read. Past it the stream is closed: a client that
 * stalls must not fill the proxy's memory. Room for one message of the largest size and what comes with it.
 */
const MAX_UNREAD = 80 * 1024 * 1024;
/** What comes with it, where a message may be larger. */
const BESIDE = 15 * 1024 * 1024;

/** @param lines octets of the longest line that each server may write */
export function maxUnread(lines: readonly number[]): number {
  return Math.max(MAX_UNREAD, ...lines.map((octets) => octets + BESIDE));
}

/** What all streams of a proxy have in common. */
export interface StreamSettings {
  readonly heartbeat: Heartbeat;
  /** Default `MAX_UNREAD`. */
  readonly maxUnread?: number | undefined;
}

/**
 * The writing side of one event stream (WHATWG HTML, "Server-sent events") on an HTTP response.
 * A message is one line of JSON, so that it is always one `data:` line.
 */
export class EventStream implements Beating {
  readonly #response: ServerResponse;
  readonly #maxUnread: number;
  readonly #heartbeat: Heartbeat;
  #open: boolean;
  #lastWrite = Date.now();

  constructor(
    response: ServerResponse,
    settings: StreamSettings,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#response = response;
    this.#maxUnread = settings.maxUnread ?? MAX_UNREAD;
    this.#heartbeat = settings.heartbeat;
    // The client may have gone in the meantime; then nobody would tell of the end of this stream.
    this.#open = !response.destroyed && !response.headersSent;
    if (!this.#open) return;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    });
    response.flushHeaders();
    response.once('close', () => this.#closed());
    response.on('error', () => this.#closed());
    this.#heartbeat.add(this);
  }

  get open(): boolean {
    return this.#open;
  }

  /** One event. `id` is left out where the stream can't be resumed. */
  event(name: string, data: Wire, id?: string): void {
    this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`);
  }

  /** An event with an id and no data: from here on the client can resume (2025-11-25, transports). */
  prime(id: string): void {
    this.#write(`id: ${id}\ndata: \n\n`);
  }

  /** Tells the client how long to wait before it connects again, in milliseconds. */
  retry(ms: number): void {
    this.#write(`retry: ${ms}\n\n`);
  }

  end(): void {
    if (!this.#open) return;
    this.#closed();
    this.#response.end();
  }

  /** Sends a comment if nothing was sent lately. */
  beat(now: number, silence: number): void {
    if (now - this.#lastWrite >= silence) this.#write(': keep-alive\n\n');
  }

  #write(text: Wire): void {
    if (!this.#open) return;
    this.#lastWrite = Date.now();
    this.#response.write(text, 'latin1');
    if (this.#response.writableLength > this.#maxUnread) {
      this.#closed();
      this.#response.destroy();
    }
  }

  #closed(): void {
    this.#open = false;
    this.#heartbeat.delete(this);
  }
}
