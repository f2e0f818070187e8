import type { ServerResponse } from 'node:http';
import { LARGE } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { Backlog, BacklogSettings } from './backlog.js';
import type { Beating, Heartbeat } from './heartbeat.js';
import { octetsOf } from './octets.js';

/** What all streams of a proxy have in common. */
export interface StreamSettings extends BacklogSettings {
  readonly heartbeat: Heartbeat;
}

/** The same for the streams of one client. */
export interface ClientStreams {
  readonly heartbeat: Heartbeat;
  readonly backlog: Backlog;
}

/**
 * The writing side of one event stream (WHATWG HTML, "Server-sent events") on an HTTP response.
 * A message is one line of JSON, so that it is always one `data:` line.
 */
export class EventStream implements Beating {
  readonly #response: ServerResponse;
  readonly #backlog: Backlog;
  readonly #heartbeat: Heartbeat;
  #open: boolean;
  #lastWrite = Date.now();

  constructor(
    response: ServerResponse,
    { heartbeat, backlog }: ClientStreams,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#response = response;
    this.#backlog = backlog;
    this.#heartbeat = heartbeat;
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
    const head = `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: `;
    this.#write(data.length < LARGE ? `${head}${data}\n\n` : octetsOf([head, data, '\n\n']));
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

  /** Sends a comment if nothing was sent lately. Where the client has yet to take what was, none is needed. */
  beat(now: number, silence: number): void {
    if (now - this.#lastWrite >= silence && !this.#backlog.has(this.#response))
      this.#write(': keep-alive\n\n');
  }

  #write(text: Wire | Buffer): void {
    if (!this.#open) return;
    this.#lastWrite = Date.now();
    this.#response.write(text, 'latin1');
    this.#backlog.wrote(this.#response);
    if (this.#response.destroyed) this.#closed();
  }

  #closed(): void {
    this.#open = false;
    this.#heartbeat.delete(this);
  }
}
