import { type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { scan } from '../../jsonrpc/scan.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { idInUse } from '../../relay/id-in-use.js';
import type { CloseReason, Receiver } from '../../relay/link.js';
import { negotiatedVersion } from '../../relay/negotiated-version.js';
import { PassingMap, PassingSet } from '../../relay/passing.js';
import type { ServerEvent } from '../../remote/event-reader.js';
import { exchange } from '../../remote/exchange.js';
import { errorFor, type Failure, foreign, handshakeTimeout } from '../../remote/failure.js';
import type { Exchange } from '../../remote/http.js';
import { Outbox, type Stage } from '../../remote/outbox.js';
import {
  REMOTE_TIMINGS,
  type RemoteLink,
  type RemoteTimings,
  type UpstreamOptions,
} from '../../remote/remote-link.js';
import { Silence } from '../../remote/silence.js';
import { Waiters } from '../../remote/waiters.js';
import { bodyOf } from '../octets.js';
import { traceHeaders } from '../trace-headers.js';
import { pingOnStream } from './upstream-ping.js';

/** A request that is not answered. */
interface Open {
  readonly request: Message;
  /** Runs when it is. */
  answered?: () => void;
  cancelled?: true;
  /** Its octets may be on their way. */
  sent?: true;
  /** What carries it, until that is done. */
  post?: Exchange;
}

/** How opening the stream ends: with one of the two, once, unless the link is closed before. */
export interface Opening {
  /** The server has said where to post. Messages can be sent from now on. */
  opened(): void;
  failed(failure: Failure): void;
  /**
   * After a stream that stood was lost, and the link has ended: requests that the server has not got, or has refused
   * for now, in their order. They are not answered.
   */
  unsent?(requests: readonly Message[]): void;
  /**
   * The server has refused this request since it does not know the session any more. True: it is among those of
   * `unsent`, which is next.
   */
  forgotten?(request: Message): boolean;
}

/**
 * A remote server over HTTP+SSE (2024-11-05, basic/transports, "HTTP with SSE"): one GET brings everything
 * that the server says, first of all the address that messages are posted to.
 *
 * What the stream's end leaves unanswered is answered with an error, and then the link has ended. Longer than
 * most files: the ways in which a request can end are kept in one place, so that each ends once.
 */
export class SseUpstream implements RemoteLink {
  readonly done: Promise<void>;
  readonly #options: UpstreamOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #opening: Opening;
  readonly #outbox = new Outbox((message, stage) => this.#post(message, stage));
  readonly #requests = new PassingMap<Key, Open>();
  readonly #posts = new PassingSet<Exchange>();
  readonly #waiters = new Waiters();
  readonly #stream: Exchange;
  readonly #timer: NodeJS.Timeout;
  readonly #silence: Silence;
  #receiver: Receiver | undefined;
  #endpoint: URL | undefined;
  #version: string | undefined;
  #closed = false;
  #finish: () => void = () => undefined;

  constructor(options: UpstreamOptions, opening: Opening) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = options.http.describe(options.url);
    this.#opening = opening;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#timer = setTimeout(() => this.#late(), this.#timings.endpoint);
    const busy = (): boolean => this.#requests.size > 0;
    const post = (ping: Message): void => this.#post(ping, { sent: () => undefined, done: () => undefined });
    this.#silence = new Silence({
      after: this.#timings.silence,
      ask: (signal) => pingOnStream({ busy, post, limit: this.#timings.pong, signal }),
      dead: (why) => this.#lost({ kind: 'lost', text: `${why}.` }),
    });
    this.#stream = this.#open();
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (this.#closed) return;
    if (message.kind === 'request' && message.id !== undefined) {
      const key = keyOf(message.id);
      if (this.#requests.has(key)) {
        this.#receiver?.message(idInUse(message.id));
        return;
      }
      this.#requests.set(key, { request: message });
    }
    if (this.#outbox.add(message)) return;
    this.#failed(message, {
      kind: 'refused',
      text: `Too many messages wait for ${this.#where} to take them.`,
    });
  }

  close(_reason?: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#silence.stop();
    this.#stream.abort();
    this.#outbox.clear();
    for (const post of this.#posts) post.abort();
    this.#posts.clear();
    this.#requests.clear();
    this.#wake();
    this.#finish();
  }

  settled(): Promise<void> {
    const settled = this.#waiters.wait();
    this.#wake();
    return settled;
  }

  #wake(): void {
    if (!this.#waiters.some) return;
    const waits = [...this.#requests.values()].some((open) => open.cancelled !== true);
    const busy = waits || this.#posts.size > 0 || !this.#outbox.idle;
    if (this.#closed || !busy) this.#waiters.wake();
  }

  #open(): Exchange {
    const { http, url } = this.#options;
    return exchange(
      http,
      { method: 'GET', url, headers: { accept: 'text/event-stream', 'cache-control': 'no-cache' } },
      {
        octets: () => this.#silence.heard(),
        event: (event) => this.#event(event),
        body: (text, type) => this.#lost(foreign(this.#where, text, type, (words) => http.mask(words))),
        ended: () => this.#lost({ kind: 'lost', text: `${this.#where} has ended its event stream.` }),
        failed: (failure) => this.#lost(failure),
      },
    );
  }

  #late(): void {
    const seconds = Math.round(this.#timings.endpoint / 1000);
    const text = `${this.#where} did not begin an HTTP+SSE stream (an "endpoint" event) within ${seconds} s.`;
    this.#lost({ kind: 'timeout', text });
  }

  #event(event: ServerEvent): void {
    if (this.#closed) return;
    if (event.type === 'endpoint') {
      if (this.#endpoint === undefined) this.#begin(event.data);
      return;
    }
    if (this.#endpoint === undefined) {
      const text = `${this.#where} began its event stream with something other than an "endpoint" event.`;
      this.#lost({ kind: 'foreign', text });
      return;
    }
    if (event.type === 'message' && event.data !== '') this.#take(event.data);
  }

  /** The address to post to: relative or absolute, but never somebody else's, who would get the headers. */
  #begin(data: Wire): void {
    const text = Buffer.from(data, 'latin1').toString().trim();
    const base = this.#options.url;
    if (!URL.canParse(text, base.href)) {
      this.#lost({ kind: 'foreign', text: `${this.#where} gave an endpoint that is no URL.` });
      return;
    }
    const endpoint = new URL(text, base);
    if (endpoint.origin !== base.origin) {
      const other = this.#options.http.describe(endpoint);
      const reason = `${this.#where} wants its messages sent to another origin (${other}), which is refused: it would get this server's credentials.`;
      this.#lost({ kind: 'foreign', text: reason });
      return;
    }
    clearTimeout(this.#timer);
    this.#endpoint = endpoint;
    this.#silence.start();
    this.#opening.opened();
  }

  #take(text: Wire): void {
    const scanned = scan(text);
    const items = scanned.kind === 'batch' ? scanned.items : [scanned];
    for (const item of items) {
      if (item.kind !== 'malformed') this.#deliver(item);
      else this.#warn(`${this.#where} sent an event that is no JSON-RPC message: ${item.reason}.`);
    }
  }

  #deliver(message: Message): void {
    if (message.kind === 'response' || message.kind === 'error') {
      const key = keyOf(message.id ?? 'null');
      const open = this.#requests.get(key);
      if (open === undefined && message.id !== undefined && message.id !== 'null') {
        this.#options.emit({ level: 'debug', text: `${this.#where} sent an answer that nobody waits for.` });
        return;
      }
      this.#requests.delete(key);
      if (open?.request.method === 'initialize') this.#version = negotiatedVersion(message);
      this.#receiver?.message(message);
      open?.answered?.();
      this.#wake();
      return;
    }
    this.#receiver?.message(message);
  }

  #post(message: Message, stage: Stage): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) throw new TypeError('nothing can be sent before the stream is open');
    const isInitialize = message.method === 'initialize';
    const open = message.kind === 'request' ? this.#requests.get(keyOf(message.id ?? 'null')) : undefined;
    if (isInitialize && open !== undefined) open.answered = this.#handshake(message, stage);
    const settle = (): void => {
      this.#posts.delete(post);
      if (!isInitialize) stage.done();
      if (message.method === 'notifications/cancelled') this.#cancelled(message);
      this.#wake();
    };
    const version = this.#version === undefined ? {} : { 'mcp-protocol-version': this.#version };
    const post = exchange(
      this.#options.http,
      {
        method: 'POST',
        url: endpoint,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/plain, */*',
          ...traceHeaders(message),
          ...version,
        },
        body: bodyOf(message),
        headTimeout: this.#timings.acceptance,
      },
      {
        sent: () => {
          if (open !== undefined) open.sent = true;
          stage.sent();
        },
        accepted: () => {
          if (!isInitialize) stage.done();
        },
        event: () => undefined,
        body: () => undefined, // "Accepted", usually; the answer comes on the stream
        ended: settle,
        failed: (failure) => {
          // Once accepted, a POST has done its work, however it ends.
          // A server that goes while it is greeted has no use for this stream: its end may be told later.
          const isGone = isInitialize && failure.kind === 'unreachable';
          if (isGone || this.#isForgotten(message, failure)) this.#lost(failure);
          else if (failure.kind !== 'lost') this.#failed(message, failure);
          settle();
        },
      },
    );
    this.#posts.add(post);
    if (open !== undefined) open.post = post;
  }

  /** 404 to what names the session by its address: it is gone, though its stream still stands. */
  #isForgotten(message: Message, { status, answer }: Failure): boolean {
    if (this.#closed || this.#version === undefined || status !== 404 || answer !== undefined) return false;
    if (message.kind !== 'request' || message.method === 'initialize') return false;
    const key = keyOf(message.id ?? 'null');
    const open = this.#requests.get(key);
    if (open === undefined) return message.method === 'ping'; // of the proxy's own
    if (open.request !== message || this.#opening.forgotten?.(message) !== true) return false;
    delete open.sent;
    return true;
  }

  /** Gives `initialize` up in time. Returns what ends the wait. */
  #handshake(initialize: Message, stage: Stage): () => void {
    const limit = this.#timings.handshake;
    const late = (): void => this.#failed(initialize, handshakeTimeout(this.#where, limit));
    const timer = setTimeout(late, limit).unref();
    return () => {
      clearTimeout(timer);
      stage.done();
    };
  }

  /** Tells the client, where it waits for an answer, or else the log. */
  #failed(message: Message, failure: Failure): void {
    if (this.#closed) return;
    if (message.kind !== 'request' || message.id === undefined) {
      this.#warn(`The client's ${message.method ?? 'answer'} was not delivered: ${failure.text}`);
      return;
    }
    const key = keyOf(message.id);
    const open = this.#requests.get(key);
    if (open?.request !== message) return;
    this.#requests.delete(key);
    open.answered?.();
    if (this.#options.takeOver?.(message, failure) !== true)
      this.#receiver?.message(errorFor(message, failure));
    this.#wake();
  }

  /**
   * The client does not wait for that request any more, nor does the end of this link. `initialize` cannot be
   * cancelled (2025-11-25, `basic/utilities/cancellation`).
   */
  #cancelled(notification: Message): void {
    const ref = refOf(notification);
    const key = ref === undefined ? undefined : keyOf(ref);
    const open = key === undefined ? undefined : this.#requests.get(key);
    if (key === undefined || open === undefined || open.request.method === 'initialize') return;
    open.cancelled = true;
    if (open.post?.paused === true) {
      // It was not processed, and is not to be.
      open.post.abort();
      this.#posts.delete(open.post);
    }
    setTimeout(() => {
      if (this.#requests.get(key) !== open) return;
      this.#requests.delete(key);
      open.answered?.();
      this.#wake();
    }, this.#timings.cancelled).unref();
  }

  /** The stream is no more, or never came. */
  #lost(failure: Failure): void {
    if (this.#closed) return;
    if (this.#endpoint === undefined) {
      this.close();
      this.#opening.failed(failure);
      return;
    }
    const text = `The connection to ${this.#where} is lost: ${failure.text}`;
    const unanswered = [...this.#requests.values()];
    const unsent = this.#unsent();
    // Without a handshake there is no session that could be begun again.
    const mayWait = this.#version !== undefined && this.#opening.unsent !== undefined;
    this.close();
    for (const { request } of unanswered) {
      const isUnsent = unsent.includes(request);
      if (isUnsent && mayWait) continue;
      const end = isUnsent ? { text: `${text} It was not sent.` } : { text, inDoubt: true as const };
      this.#receiver?.message(errorFor(request, { kind: 'lost', ...end }));
    }
    this.#receiver?.closed({ kind: 'failed', text });
    if (mayWait) this.#opening.unsent?.(unsent);
  }

  /** What the server has not got, or has refused for now, and that its client still waits for. */
  #unsent(): Message[] {
    for (const message of this.#outbox.take()) {
      const ref = message.method === 'notifications/cancelled' ? refOf(message) : undefined;
      const open = ref === undefined ? undefined : this.#requests.get(keyOf(ref));
      if (open !== undefined) open.cancelled = true;
    }
    const unsent = [...this.#requests.values()].filter(
      ({ sent, cancelled, post }) => cancelled !== true && (sent !== true || post?.paused === true),
    );
    return unsent.map(({ request }) => request);
  }

  #warn(text: string): void {
    this.#options.emit({ level: 'warning', text });
  }
}
