import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { scan } from '../../jsonrpc/scan.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { CloseReason, Receiver } from '../../relay/link.js';
import { describeUrl } from '../../remote/describe-url.js';
import type { ServerEvent } from '../../remote/event-reader.js';
import { exchange, foreign } from '../../remote/exchange.js';
import { answerTo, errorFor, type Failure } from '../../remote/failure.js';
import type { Exchange } from '../../remote/http.js';
import { Outbox, type Stage } from '../../remote/outbox.js';
import {
  REMOTE_TIMINGS,
  type RemoteLink,
  type RemoteTimings,
  type UpstreamOptions,
} from '../../remote/remote-link.js';
import { Waiters } from '../../remote/waiters.js';
import { Call } from './upstream-call.js';
import { openEvents } from './upstream-events.js';
import { UpstreamSession } from './upstream-session.js';
import type { ResumableStream } from './upstream-stream.js';

/**
 * A remote server over Streamable HTTP, versions 2025-03-26 to 2025-11-25 (basic/transports, "Streamable
 * HTTP"): each message is a POST of its own, and a GET brings what the server says unasked.
 *
 * The link never ends by itself. What fails is answered to the client as the JSON-RPC error of that request.
 *
 * Longer than most files: the ways in which a request can end are kept in one place, so that each ends once.
 */
export class StreamableHttpUpstream implements RemoteLink {
  readonly done: Promise<void>;
  readonly #options: UpstreamOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #outbox = new Outbox((message, stage) => this.#post(message, stage));
  readonly #calls = new Map<Key, Call>();
  /** POSTs of notifications and answers that the server has not taken yet. */
  readonly #unsettled = new Set<Exchange>();
  readonly #session: UpstreamSession;
  readonly #waiters = new Waiters();
  #receiver: Receiver | undefined;
  #events: ResumableStream | undefined;
  #closed = false;
  #finish: () => void = () => undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = describeUrl(options.url);
    this.#session = new UpstreamSession(options, this.#timings.goodbye);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (this.#closed) return;
    if (message.kind === 'request' && message.id !== undefined) {
      const key = keyOf(message.id);
      if (this.#calls.has(key)) {
        const text = `The id ${message.id} is that of a request which is still open.`;
        this.#receiver?.message(makeError(message.id, ErrorCode.InvalidRequest, text));
        return;
      }
      this.#calls.set(key, new Call(message));
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
    this.#outbox.clear();
    for (const call of this.#calls.values()) call.drop();
    this.#calls.clear();
    for (const post of this.#unsettled) post.abort();
    this.#unsettled.clear();
    this.#wake();
    void this.#endSession().then(this.#finish);
  }

  settled(): Promise<void> {
    const settled = this.#waiters.wait();
    this.#wake();
    return settled;
  }

  #wake(): void {
    const busy = this.#calls.size > 0 || this.#unsettled.size > 0 || !this.#outbox.idle;
    if (this.#closed || !busy) this.#waiters.wake();
  }

  #post(message: Message, stage: Stage): void {
    const isRequest = message.kind === 'request' && message.id !== undefined;
    const call = isRequest ? this.#calls.get(keyOf(message.id ?? '')) : undefined;
    if (isRequest && call?.request !== message) {
      stage.done(); // cancelled, and given up before it was its turn
      return;
    }
    const isInitialize = message.method === 'initialize';
    // A client that begins again has no use for its old session, and must not name it.
    if (isInitialize) void this.#endSession();
    const session = this.#session.id;
    const limit = isInitialize ? this.#timings.handshake : this.#timings.acceptance;
    const post = exchange(
      this.#options.http,
      {
        method: 'POST',
        url: this.#options.url,
        headers: this.#session.headers({
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        }),
        body: Buffer.from(message.text, 'latin1'),
        ...(isInitialize || call === undefined ? { headTimeout: limit } : {}),
      },
      {
        sent: stage.sent,
        accepted: (headers) => {
          if (isInitialize) this.#session.begin(headers);
          else stage.done();
          if (message.method === 'notifications/initialized') this.#openEvents();
        },
        event: (event) => this.#event(event, call),
        retry: (ms) => {
          if (call !== undefined) call.retry = ms;
        },
        body: (text, type) => this.#body(text, type, call),
        ended: () => {
          if (call !== undefined) this.#ended(call, undefined);
          this.#settle(post, stage, message);
        },
        failed: (failure) => {
          if (call === undefined || failure.kind !== 'lost') this.#refused(message, failure, session);
          else this.#ended(call, failure);
          this.#settle(post, stage, message);
        },
      },
    );
    if (call === undefined) this.#unsettled.add(post);
    else {
      call.exchange = post;
      // `initialize` is done when it is answered, on whichever stream.
      if (isInitialize) call.onOver = stage.done;
    }
  }

  #settle(post: Exchange, stage: Stage, message: Message): void {
    this.#unsettled.delete(post);
    if (message.method !== 'initialize') stage.done();
    if (message.method === 'notifications/cancelled') this.#cancelled(message);
    this.#wake();
  }

  /** The end of a POST, or of what came of it: is the answer there? */
  #ended(call: Call, failure: Failure | undefined): void {
    call.ended();
    if (call.over || this.#closed) return;
    if (call.lastId === undefined) {
      const text = `${this.#where} ended its answer before it had answered the request.`;
      this.#failed(call.request, failure ?? { kind: 'lost', text });
      return;
    }
    call.resume({
      open: (lastId, reading) => this.#session.get(lastId, reading),
      event: (event) => this.#event(event, call),
      gone: ({ text }) => {
        const broke = `The connection to ${this.#where} broke before the request was answered`;
        this.#failed(call.request, {
          kind: 'lost',
          text: `${broke}, and the rest could not be got: ${text}`,
        });
      },
      timings: this.#timings,
      where: this.#where,
    });
  }

  #openEvents(): void {
    if (this.#closed) return;
    this.#events?.close();
    this.#events = openEvents(this.#session, this.#options, this.#timings, (event) =>
      this.#event(event, undefined),
    );
  }

  #event(event: ServerEvent, call: Call | undefined): void {
    if (this.#closed) return;
    if (call !== undefined && event.id !== undefined) call.lastId = event.id === '' ? undefined : event.id;
    // An event with an id and no data only says from where to resume.
    if (event.type !== 'message' || event.data === '') return;
    this.#take(event.data, call, (reason) => this.#malformed(reason));
  }

  #body(text: Wire, type: string, call: Call | undefined): void {
    if (this.#closed || call === undefined) return; // a notification's answer says nothing
    this.#take(text, call, () => {
      const failure = foreign(this.#where, text, type, (words) => this.#options.http.mask(words));
      this.#failed(call.request, failure);
    });
  }

  #take(text: Wire, call: Call | undefined, malformed: (reason: string) => void): void {
    const scanned = scan(text);
    if (scanned.kind === 'malformed') malformed(scanned.reason);
    else if (scanned.kind !== 'batch') this.#deliver(scanned, call);
    else {
      for (const item of scanned.items) {
        if (item.kind === 'malformed') this.#malformed(item.reason);
        else this.#deliver(item, call);
      }
    }
  }

  /** One message of the server's; `call` is the request on whose stream it came. */
  #deliver(message: Message, call: Call | undefined): void {
    const about = call === undefined ? undefined : keyOf(call.request.id ?? '');
    if (message.kind === 'request' || message.kind === 'notification') {
      this.#receiver?.message(message, about);
      return;
    }
    const id = message.id === undefined || message.id === 'null' ? call?.request.id : message.id;
    const answered = id === undefined ? undefined : this.#calls.get(keyOf(id));
    if (id === undefined || answered === undefined) {
      this.#emit('debug', `${this.#where} sent an answer that nobody waits for.`);
      return;
    }
    this.#calls.delete(keyOf(id));
    if (answered.request.method === 'initialize') this.#session.agree(message);
    this.#receiver?.message(message.kind === 'error' ? answerTo(id, message) : message, keyOf(id));
    answered.answered(this.#timings.cancelled);
    this.#wake();
  }

  #malformed(reason: string): void {
    this.#emit('warning', `${this.#where} sent an event that is no JSON-RPC message: ${reason}.`);
  }

  /** The client does not wait for that request any more; its answer may still come, but not for ever. */
  #cancelled(notification: Message): void {
    const ref = refOf(notification);
    const call = ref === undefined ? undefined : this.#calls.get(keyOf(ref));
    call?.after(this.#timings.cancelled, () => {
      call.drop();
      this.#calls.delete(keyOf(call.request.id ?? ''));
      this.#wake();
    });
  }

  /** A POST that the server did not take. `session`: what it named as its session. */
  #refused(message: Message, failure: Failure, session: string | undefined): void {
    const isSessionGone = failure.status === 404 && session !== undefined;
    if (!isSessionGone || failure.answer?.id === message.id) this.#failed(message, failure);
    else this.#sessionGone(message);
  }

  /**
   * The server has ended the session. It must be begun anew with another `initialize` (2025-11-25,
   * transports, "Session Management"); so far the client has to do that, by starting again.
   */
  #sessionGone(message: Message): void {
    this.#events?.close();
    this.#failed(message, {
      kind: 'session',
      status: 404,
      text: `${this.#where} has ended the session (HTTP status 404). Connect again to begin a new one.`,
    });
  }

  /** Tells the client, where it waits for an answer, or else the log. */
  #failed(message: Message, failure: Failure): void {
    if (this.#closed) return;
    if (message.kind !== 'request' || message.id === undefined) {
      const what = message.method ?? 'answer';
      this.#emit('warning', `The client's ${what} was not delivered: ${failure.text}`);
      return;
    }
    const key = keyOf(message.id);
    const call = this.#calls.get(key);
    if (call?.request !== message) return;
    this.#calls.delete(key);
    call.drop();
    if (this.#options.takeOver?.(message, failure) !== true) {
      this.#receiver?.message(errorFor(message, failure), key);
    }
    this.#wake();
  }

  #endSession(): Promise<void> {
    this.#events?.close();
    this.#events = undefined;
    return this.#session.end();
  }

  #emit(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text });
  }
}
