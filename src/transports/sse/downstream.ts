import type { ServerResponse } from 'node:http';
import type { Message } from '../../jsonrpc/message.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { EventStream, type StreamSettings } from '../event-stream.js';

/**
 * A client over HTTP+SSE (2024-11-05, `basic/transports`): its messages come in POSTs, everything for it
 * goes on the one stream that it opened.
 */
export class SseDownstream implements Link {
  readonly #stream: EventStream;
  #receiver: Receiver | undefined;
  #open = true;

  /** @param endpoint where the client is to POST: an absolute path with the session's id */
  constructor(response: ServerResponse, endpoint: string, streams: StreamSettings) {
    this.#stream = new EventStream(response, streams);
    this.#stream.event('endpoint', endpoint);
    response.once('close', () => {
      if (!this.#open) return;
      this.#open = false;
      this.#receiver?.closed({ kind: 'ended', text: 'the client closed its stream' });
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Takes a message that the client has POSTed. */
  receive(message: Message): void {
    if (this.#open) this.#receiver?.message(message);
  }

  send(message: Message): void {
    this.#stream.event('message', message.text);
  }

  /** Ends the session from the proxy's side. */
  end(text: string): void {
    if (!this.#open) return;
    const reason: CloseReason = { kind: 'stopping', text };
    this.close(reason);
    this.#receiver?.closed(reason);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(_reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.end();
  }
}
