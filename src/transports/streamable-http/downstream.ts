import type { ServerResponse } from 'node:http';
import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import { answerOf, asRecord, type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { parseWire, type Wire } from '../../jsonrpc/wire.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { PassingMap } from '../../relay/passing.js';
import { Asked } from '../asked.js';
import { Backlog } from '../backlog.js';
import type { ClientStreams, StreamSettings } from '../event-stream.js';
import { Channel } from './channel.js';
import { type Accepted, Exchange, type ExchangeOwner } from './exchange.js';
import { parseEventId, Replay } from './replay.js';
import { Waiting } from './waiting.js';

/** The first version in which an event may have an id and no data (2025-11-25, changelog). */
const PRIMED_SINCE = '2025-11-25';
/** GET streams that one session may have open; more would be a client that forgets to close them. */
const MAX_LISTENING = 8;
/** Streams that are remembered after their end, so that a client can still fetch their last events. */
const MAX_ENDED_CHANNELS = 64;

export interface StreamableHttpOptions {
  /** Undefined where there are no sessions (`--stateless`). */
  readonly sessionId: string | undefined;
  readonly streams: StreamSettings;
  /** Milliseconds after which a client of 2025-11-25 is made to poll for an open answer; 0: never. */
  readonly pollAfter: number;
  /** `initialize` was answered; undefined: with an error, so that there is no session. */
  readonly onInitialized?: (version: string | undefined) => void;
  /** All requests that came have been answered. */
  readonly onIdle?: () => void;
  /** The link has ended, from whichever side. */
  readonly onEnd?: () => void;
}

/** Why a POST was not taken. `id` is the raw id that the error answers. */
export interface Refused {
  readonly id: Wire;
  readonly reason: string;
}

/**
 * A client over Streamable HTTP with sessions (2025-03-26 to 2025-11-25, `basic/transports`): its
 * messages come in POSTs; what is for it goes on the stream of the POST it belongs to, else on the
 * stream that the client opened with GET, else it waits for one. The file is long because all three
 * decide over the same open answers and streams.
 */
export class StreamableHttpDownstream implements Link {
  readonly #options: StreamableHttpOptions;
  readonly #owner: ExchangeOwner;
  readonly #streams: ClientStreams;
  readonly #exchanges = new PassingMap<Key, Exchange>();
  readonly #channels = new Map<number, Channel>();
  readonly #replay = new Replay();
  readonly #waiting = new Waiting();
  readonly #asked = new Asked();
  #listening: Channel[] = [];
  #receiver: Receiver | undefined;
  #initializing: Key | undefined;
  #version: string | undefined;
  #announceSession = false;
  #nextChannel = 1;
  #open = true;

  constructor(options: StreamableHttpOptions) {
    this.#options = options;
    const { heartbeat } = options.streams;
    const backlog = new Backlog(options.streams, (isSlow) => this.#receiver?.slow?.(isSlow));
    this.#streams = { heartbeat, backlog };
    this.#owner = {
      heartbeat,
      backlog,
      headers: (initialize) => this.#headers(initialize),
      openChannel: () => this.#openChannel(),
      exchangeDone: (keys) => this.#exchangeDone(keys),
    };
  }

  /** The version that `initialize` agreed on; undefined before that. */
  get version(): string | undefined {
    return this.#version;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether requests of this client are open, be it there or not. */
  get busy(): boolean {
    return this.#exchanges.size > 0;
  }

  /** Whether the client is there: it waits for an answer, or listens. */
  get connected(): boolean {
    for (const exchange of this.#exchanges.values()) if (exchange.connected) return true;
    return this.#listening.some((channel) => channel.connected);
  }

  /** Whether an answer is there for which the client was told to come back, and has not yet. */
  get owes(): boolean {
    if (this.#options.pollAfter === 0) return false;
    for (const channel of this.#channels.values()) if (channel.owes) return true;
    return false;
  }

  /** Takes what the client has POSTed and answers on `response`, unless it is refused. */
  receive(
    messages: readonly Message[],
    batch: boolean,
    accepted: Accepted,
    response: ServerResponse,
  ): Refused | undefined {
    // Nobody would take it, nor answer it.
    if (!this.#open) return { id: 'null', reason: 'this session has ended' };
    const requests = messages.filter((message) => message.kind === 'request');
    const refused = this.#check(messages);
    if (refused) return refused;
    if (requests.length > 0) this.#openExchange(requests, batch, accepted, response);
    for (const message of messages) {
      if (message.method === 'notifications/cancelled') this.#cancel(message);
      this.#receiver?.message(message);
    }
    if (requests.length === 0) response.writeHead(202, { 'content-length': '0' }).end();
    return undefined;
  }

  /**
   * The client opens a stream, or resumes one where it names the last event it got. Returns why not.
   */
  openStream(
    response: ServerResponse,
    lastEventId: string | undefined,
  ): 'unknown-event' | 'too-many' | undefined {
    if (lastEventId !== undefined) {
      const place = parseEventId(lastEventId);
      const channel = place && this.#channels.get(place.stream);
      if (!place || !channel?.has(place.sequence)) return 'unknown-event';
      channel.resume(response, place.sequence);
      if (this.#listening.includes(channel)) this.#flush(channel);
      else if (!this.#carried(channel)) channel.end();
      return undefined;
    }
    if (this.#listening.filter((channel) => channel.connected).length >= MAX_LISTENING) return 'too-many';
    const channel = this.#openChannel();
    channel.connect(response);
    this.#listening.push(channel);
    this.#flush(channel);
    this.#forgetChannels();
    return undefined;
  }

  /** Ends the session, by DELETE of the client or from the proxy's side. */
  end(reason: CloseReason): void {
    if (!this.#open) return;
    this.close(reason);
    this.#receiver?.closed(reason);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message, about?: Key): void {
    if (!this.#open) return;
    // An error without an id answers nothing that is open: it travels like a notification.
    if (message.kind === 'response' || (message.kind === 'error' && message.id !== 'null')) {
      this.#answer(message);
      return;
    }
    this.#asked.note(message);
    const exchange = about === undefined ? undefined : this.#exchanges.get(about);
    if (!exchange?.also(message.text)) this.#sendUnrelated(message);
  }

  close(reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    for (const exchange of new Set(this.#exchanges.values())) {
      exchange.fail((key) => makeError(key, ErrorCode.InternalError, reason.text, reason.data));
    }
    for (const channel of this.#channels.values()) channel.end();
    this.#options.onEnd?.();
  }

  #check(messages: readonly Message[]): Refused | undefined {
    const keys = new Set<Key>();
    for (const message of messages) {
      const id = message.id ?? 'null';
      const key = keyOf(id);
      if (message.kind === 'request') {
        if (this.#exchanges.has(key) || keys.has(key)) {
          return { id: 'null', reason: `the id ${id} is in use by a request that is still open` };
        }
        keys.add(key);
      }
      const reason = this.#asked.refusal(message);
      if (reason !== undefined) return { id: 'null', reason };
    }
    for (const message of messages) this.#asked.answered(message);
    return undefined;
  }

  #openExchange(
    requests: readonly Message[],
    batch: boolean,
    accepted: Accepted,
    response: ServerResponse,
  ): void {
    const keys = requests.map((request) => keyOf(request.id ?? 'null'));
    const initialize = requests.find((request) => request.method === 'initialize');
    if (initialize) {
      this.#initializing = keyOf(initialize.id ?? 'null');
      this.#announceSession = true;
    }
    const exchange = new Exchange(this.#owner, response, keys, {
      accepted,
      batch,
      initialize: initialize !== undefined,
      pollAfter: this.#primed ? this.#options.pollAfter : 0,
    });
    for (const key of keys) this.#exchanges.set(key, exchange);
    const disconnected = (): void => this.#disconnected(exchange, initialize !== undefined);
    if (response.destroyed) disconnected();
    else response.once('close', disconnected);
  }

  /**
   * The connection of a POST is closed. The client may come back for the answers, unless there is no
   * session, or it was not told of the session yet.
   */
  #disconnected(exchange: Exchange, initialize: boolean): void {
    const unknown = initialize && this.#initializing !== undefined && !exchange.resumable;
    if (this.#options.sessionId === undefined || unknown) {
      this.end({ kind: 'ended', text: 'the client has gone before it was answered' });
    }
  }

  #exchangeDone(keys: readonly Key[]): void {
    for (const key of keys) this.#exchanges.delete(key);
    if (this.#exchanges.size === 0) this.#options.onIdle?.();
  }

  #headers(initialize: boolean): Readonly<Record<string, string>> {
    const { sessionId } = this.#options;
    return initialize && this.#announceSession && sessionId !== undefined
      ? { 'mcp-session-id': sessionId }
      : {};
  }

  get #primed(): boolean {
    return this.#version !== undefined && this.#version >= PRIMED_SINCE;
  }

  #openChannel(): Channel {
    const channel = new Channel(this.#nextChannel++, {
      replay: this.#replay,
      streams: this.#streams,
      primed: this.#primed,
      pollAfter: this.#options.pollAfter,
    });
    this.#channels.set(channel.number, channel);
    return channel;
  }

  /** Keeps the streams that are in use and the last few of the others. */
  #forgetChannels(): void {
    const ended = [...this.#channels.values()].filter(
      (channel) => !channel.connected && !this.#carried(channel),
    );
    for (const channel of ended.slice(0, -MAX_ENDED_CHANNELS)) {
      this.#channels.delete(channel.number);
      this.#listening = this.#listening.filter((other) => other !== channel);
    }
  }

  /** Whether an open request will still be answered on this stream. */
  #carried(channel: Channel): boolean {
    for (const exchange of this.#exchanges.values()) if (exchange.carries(channel)) return true;
    return false;
  }

  #answer(message: Message): void {
    const key = keyOf(message.id ?? 'null');
    const exchange = this.#exchanges.get(key);
    if (!exchange) return;
    const initialized = key === this.#initializing;
    if (initialized) this.#initialized(message);
    exchange.answer(key, message);
    // After the answer, because it may end the session.
    if (initialized) {
      this.#options.onInitialized?.(message.kind === 'response' ? (this.#version ?? '') : undefined);
    }
    if (this.#channels.size > MAX_ENDED_CHANNELS) this.#forgetChannels();
  }

  #initialized(answer: Message): void {
    this.#initializing = undefined;
    this.#announceSession = answer.kind === 'response';
    if (answer.kind === 'response') {
      const { protocolVersion } = asRecord(parseWire(answerOf(answer)));
      this.#version = typeof protocolVersion === 'string' ? protocolVersion : undefined;
    }
  }

  #cancel(message: Message): void {
    const ref = refOf(message);
    if (ref !== undefined) this.#exchanges.get(keyOf(ref))?.cancel(keyOf(ref), ref);
  }

  #sendUnrelated({ kind, text }: Message): void {
    const channel = this.#listening.findLast((one) => one.connected);
    if (channel) {
      channel.send(text);
      return;
    }
    // A question was caused by one of the open requests, and somebody waits for its answer; whatever
    // else belongs to none of them can wait.
    if (kind === 'request') {
      for (const exchange of this.#exchanges.values()) if (exchange.also(text)) return;
    }
    this.#waiting.add(text);
  }

  #flush(channel: Channel): void {
    for (const text of this.#waiting.take()) channel.send(text);
  }
}
