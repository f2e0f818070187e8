import type { ServerResponse } from 'node:http';
import { META } from '../../eras/meta-keys.js';
import { ErrorCode, McpErrorCode } from '../../jsonrpc/errors.js';
import { makeError, makeResponse } from '../../jsonrpc/make.js';
import { answerOf, asRecord, type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { LISTEN } from '../../relay/calls.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { Backlog } from '../backlog.js';
import { EventStream, type StreamSettings } from '../event-stream.js';
import type { Beating } from '../heartbeat.js';
import { endWith } from '../octets.js';
import type { Accepted } from './exchange.js';

/**
 * Errors whose HTTP status says what they are (2026-07-28, `basic/transports/streamable-http`, "Protocol
 * Version Header" and "Server Validation"; `basic/index`, "Per-request protocol fields"). All others are
 * answers like any other.
 */
const STATUS_OF: ReadonlyMap<unknown, number> = new Map<number, number>([
  [ErrorCode.MethodNotFound, 404],
  [McpErrorCode.HeaderMismatch, 400],
  [McpErrorCode.MissingClientCapability, 400],
  [McpErrorCode.UnsupportedVersion, 400],
]);

const ANSWERED: CloseReason = { kind: 'ended', text: 'the request was answered' };
const GONE: CloseReason = {
  kind: 'ended',
  text: 'the client closed the connection, which cancels its request',
};

export interface ModernDownstreamOptions {
  /** What the client's `Accept` admits. */
  readonly accepted: Accepted;
  readonly streams: StreamSettings;
}

/**
 * A modern client's one POST with a request in it (2026-07-28, `basic/transports/streamable-http`): a link
 * that begins with the request and ends with its answer. The answer is plain JSON where it is the first
 * thing that comes; whatever comes before it, or a silence as long as the heartbeat's, makes it an event
 * stream. The client's disconnect is told as the end of the link, which is what cancels the request.
 */
export class ModernDownstream implements Link, Beating {
  readonly #response: ServerResponse;
  readonly #request: Message;
  readonly #options: ModernDownstreamOptions;
  readonly #id: Wire;
  readonly #key: Key;
  readonly #since = Date.now();
  readonly #backlog: Backlog;
  #stream: EventStream | undefined;
  #receiver: Receiver | undefined;
  #open: boolean;

  constructor(response: ServerResponse, request: Message, options: ModernDownstreamOptions) {
    this.#response = response;
    this.#request = request;
    this.#options = options;
    this.#backlog = new Backlog(options.streams, (isSlow) => this.#receiver?.slow?.(isSlow));
    this.#id = request.id ?? 'null';
    this.#key = keyOf(this.#id);
    this.#open = !response.destroyed;
    if (!this.#open) return;
    response.once('close', () => this.#end(GONE));
    options.streams.heartbeat.add(this);
  }

  /** Whether the client is there and waits for its answer. */
  get open(): boolean {
    return this.#open;
  }

  /** Hands the request to whoever listens. */
  receive(): void {
    if (this.#open) this.#receiver?.message(this.#request);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (!this.#open) return;
    switch (message.kind) {
      case 'request':
        return; // The modern era has no requests towards a client ("Receiving Messages").
      case 'notification':
        this.#notify(message);
        return;
      default:
        if (keyOf(message.id ?? 'null') === this.#key) this.#answer(message, ANSWERED);
    }
  }

  close(reason: CloseReason): void {
    if (!this.#open) return;
    // Nobody is to be told: it is the other side that closes.
    this.#receiver = undefined;
    if (!this.#stream || !this.#listens) {
      this.#answer(makeError(this.#id, ErrorCode.InternalError, reason.text, reason.data), reason);
    } else if (reason.kind === 'stopping') {
      this.#answer(this.#gracefulEnd(), reason);
    } else {
      // No result before the end of the stream tells the client of a loss, so that it asks again
      // (`basic/patterns/subscriptions`, "Graceful Closure").
      this.#stream.end();
      this.#end(reason);
    }
  }

  /** A request that is silent for long becomes a stream, whose comments keep the connection. */
  beat(now: number, silence: number): void {
    if (now - this.#since >= silence) this.#begin();
  }

  get #listens(): boolean {
    return this.#request.method === LISTEN;
  }

  #notify(message: Message): void {
    if (message.method !== 'notifications/cancelled') {
      this.#begin()?.event('message', message.text);
      return;
    }
    // A server says with this that it has ended a subscription, and nothing else (`basic/patterns/cancellation`).
    // On this transport a subscription ends with its result and its stream.
    const ref = refOf(message);
    if (!this.#listens || ref === undefined || keyOf(ref) !== this.#key) return;
    this.#begin()?.event('message', message.text);
    this.#answer(this.#gracefulEnd(), ANSWERED);
  }

  #gracefulEnd(): Message {
    return makeResponse(
      this.#id,
      `{"resultType":"complete","_meta":{${toWire(META.subscription)}:${this.#id}}}`,
    );
  }

  /** The stream that the answer turns into; undefined where this client takes no stream. */
  #begin(): EventStream | undefined {
    if (this.#stream || !this.#options.accepted.stream) return this.#stream;
    this.#options.streams.heartbeat.delete(this);
    const { heartbeat } = this.#options.streams;
    this.#stream = new EventStream(this.#response, { heartbeat, backlog: this.#backlog });
    return this.#stream;
  }

  #answer(message: Message, reason: CloseReason): void {
    const status = statusOf(message);
    // A status other than 200 has to be seen, also by a client that asked for a stream.
    const stream = this.#options.accepted.json || status !== 200 ? this.#stream : this.#begin();
    if (stream) {
      stream.event('message', message.text);
      stream.end();
    } else this.#sendJson(status, message);
    this.#end(reason);
  }

  #sendJson(status: number, message: Message): void {
    // It was answered in another way: the proxy failed on this request, and said so.
    if (this.#response.headersSent) return;
    const length = message.text.length;
    this.#response.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
    endWith(this.#response, message);
    this.#backlog.wrote(this.#response);
  }

  #end(reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#options.streams.heartbeat.delete(this);
    this.#receiver?.closed(reason);
  }
}

function statusOf(answer: Message): number {
  if (answer.kind !== 'error') return 200;
  return STATUS_OF.get(asRecord(parseWire(answerOf(answer))).code) ?? 200;
}
