import { type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { idInUse } from '../../relay/id-in-use.js';
import type { CloseReason, Receiver } from '../../relay/link.js';
import { PassingMap, PassingSet } from '../../relay/passing.js';
import type { ServerEvent } from '../../remote/event-reader.js';
import { answerTo, errorFor, type Failure, foreign, handshakeTimeout } from '../../remote/failure.js';
import type { Exchange } from '../../remote/http.js';
import { readMessages } from '../../remote/messages.js';
import { Outbox, type Stage } from '../../remote/outbox.js';
import {
  REMOTE_TIMINGS,
  type RemoteLink,
  type RemoteTimings,
  type UpstreamOptions,
} from '../../remote/remote-link.js';
import { Waiters } from '../../remote/waiters.js';
import { Call } from './upstream-call.js';
import { SessionKeeper } from './upstream-keeper.js';
import type { UpstreamSession } from './upstream-session.js';

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
  readonly #calls = new PassingMap<Key, Call>();
  /** POSTs of notifications and answers that the server has not taken yet. */
  readonly #unsettled = new PassingSet<Exchange>();
  readonly #keeper: SessionKeeper;
  readonly #waiters = new Waiters();
  #receiver: Receiver | undefined;
  #closed = false;
  #finish: () => void = () => undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = options.http.describe(options.url);
    this.#keeper = new SessionKeeper(options, this.#timings, {
      outbox: this.#outbox,
      toClient: (message) => this.#receiver?.message(message),
      heard: (message, session) => this.#deliver(message, session, undefined),
      event: (event, session) => this.#event(event, session, undefined),
      busy: () => this.#calls.size > 0,
      failed: (message, failure) => this.#failed(message, failure),
    });
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Whether the server has given this client a session. */
  get hasSession(): boolean {
    return this.#keeper.hasSession;
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (this.#closed || this.#unsend(message)) return;
    if (message.kind === 'request' && message.id !== undefined) {
      const key = keyOf(message.id);
      if (this.#calls.has(key)) {
        this.#receiver?.message(idInUse(message.id));
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
    void this.#keeper.end().then(this.#finish);
  }

  settled(): Promise<void> {
    const settled = this.#waiters.wait();
    this.#wake();
    return settled;
  }

  #wake(): void {
    if (!this.#waiters.some) return;
    const waits = [...this.#calls.values()].some((call) => !call.cancelled);
    const busy = waits || this.#unsettled.size > 0 || !this.#outbox.idle || this.#keeper.busy;
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
    const isInitialized = message.method === 'notifications/initialized';
    // A client that begins again has no use for its old session, and must not name it.
    if (isInitialize) void this.#keeper.end();
    const route = this.#keeper.route(message);
    if (route === undefined) {
      stage.done();
      return;
    }
    const { session } = route;
    if (call !== undefined) call.session = session;
    const limit = isInitialize ? this.#timings.handshake : this.#timings.acceptance;
    const post = session.post(route.message, call === undefined || isInitialize ? limit : undefined, {
      sent: stage.sent,
      accepted: (headers) => {
        if (isInitialize) session.begin(headers);
        else stage.done();
        if (isInitialized && !this.#closed) this.#keeper.listen(session);
      },
      event: (event) => this.#event(event, session, call),
      retry: (ms) => {
        if (call !== undefined) call.retry = ms;
      },
      body: (text, type) => this.#body(text, type, session, call),
      ended: () => {
        if (call !== undefined) this.#ended(call, undefined);
        this.#settle(post, stage, message);
      },
      failed: (failure) => {
        if (call === undefined || failure.kind !== 'lost') this.#refused(message, failure, session);
        else this.#ended(call, failure);
        this.#settle(post, stage, message);
      },
    });
    if (call === undefined) this.#unsettled.add(post);
    else {
      call.exchange = post;
      // `initialize` is done when it is answered, on whichever stream.
      if (isInitialize) {
        call.onOver = stage.done;
        call.after(limit, () => this.#failed(message, handshakeTimeout(this.#where, limit)));
      }
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
    const { session } = call;
    if (call.lastId === undefined || session === undefined || call.cancelled) {
      const text = `${this.#where} ended its answer before it had answered the request.`;
      this.#failed(call.request, failure ?? { kind: 'lost', text, inDoubt: true });
      return;
    }
    call.resume({
      event: (event) => this.#event(event, session, call),
      gone: ({ text }) => {
        const broke = `The connection to ${this.#where} broke before the request was answered`;
        this.#failed(call.request, {
          kind: 'lost',
          text: `${broke}, and the rest could not be got: ${text}`,
          inDoubt: true,
        });
      },
      timings: this.#timings,
      where: this.#where,
    });
  }

  #event(event: ServerEvent, session: UpstreamSession, call: Call | undefined): void {
    if (this.#closed) return;
    if (event.type === 'endpoint' && call !== undefined) {
      // So begins HTTP+SSE (2024-11-05), whose servers should refuse a POST here. It says as much as 405 would.
      const text = `${this.#where} answered a POST with an HTTP+SSE stream.`;
      this.#failed(call.request, { kind: 'refused', status: 405, text });
      return;
    }
    if (call !== undefined && event.id !== undefined) call.lastId = event.id === '' ? undefined : event.id;
    // An event with an id and no data only says from where to resume.
    if (event.type !== 'message' || event.data === '') return;
    const reason = this.#take(event.data, session, call);
    if (reason !== undefined) this.#malformed(reason);
  }

  #body(text: Wire, type: string, session: UpstreamSession, call: Call | undefined): void {
    if (this.#closed || call === undefined) return; // a notification's answer says nothing
    if (this.#take(text, session, call) === undefined) return;
    const failure = foreign(this.#where, text, type, (words) => this.#options.http.mask(words));
    this.#failed(call.request, failure);
  }

  #take(text: Wire, session: UpstreamSession, call: Call | undefined): string | undefined {
    return readMessages(
      text,
      (message) => this.#deliver(message, session, call),
      (reason) => this.#malformed(reason),
    );
  }

  /** One message of the server's; `call` is the request on whose stream it came. */
  #deliver(message: Message, session: UpstreamSession, call: Call | undefined): void {
    const about = call === undefined ? undefined : keyOf(call.request.id ?? '');
    if (message.kind === 'request' || message.kind === 'notification') {
      this.#receiver?.message(this.#keeper.seen(message, session), about);
      return;
    }
    const id = message.id === undefined || message.id === 'null' ? call?.request.id : message.id;
    const answered = id === undefined ? undefined : this.#calls.get(keyOf(id));
    if (id === undefined || answered === undefined) {
      this.#emit('debug', `${this.#where} sent an answer that nobody waits for.`);
      return;
    }
    this.#calls.delete(keyOf(id));
    this.#keeper.answered(answered.request, message, session);
    this.#receiver?.message(message.kind === 'error' ? answerTo(id, message) : message, keyOf(id));
    answered.answered(this.#timings.cancelled);
    this.#wake();
  }

  #malformed(reason: string): void {
    this.#emit('warning', `${this.#where} sent an event that is no JSON-RPC message: ${reason}.`);
  }

  /**
   * The client does not wait for that request any more, nor does the end of this link; its answer may still
   * come, but not for ever. `initialize` cannot be cancelled (`basic/utilities/cancellation`).
   */
  #cancelled(notification: Message): void {
    const ref = refOf(notification);
    const call = ref === undefined ? undefined : this.#calls.get(keyOf(ref));
    if (call === undefined || call.request.method === 'initialize') return;
    call.cancelled = true;
    call.after(this.#timings.cancelled, () => {
      call.drop();
      this.#calls.delete(keyOf(call.request.id ?? ''));
      this.#wake();
    });
  }

  /** Whether a message cancels a request that the server has refused for now: it is not sent again then. */
  #unsend(message: Message): boolean {
    if (message.method !== 'notifications/cancelled') return false;
    const ref = refOf(message);
    const call = ref === undefined ? undefined : this.#calls.get(keyOf(ref));
    if (call?.exchange?.paused !== true || call.request.method === 'initialize') return false;
    call.drop();
    this.#calls.delete(keyOf(call.request.id ?? ''));
    this.#wake();
    return true;
  }

  /** A POST that the server did not take. `session`: what it named as its session. */
  #refused(message: Message, failure: Failure, session: UpstreamSession): void {
    const reason = this.#keeper.refused(message, failure, session);
    if (reason !== undefined) this.#failed(message, reason);
  }

  /** Tells the client, where it waits for an answer, or else the log. */
  #failed(message: Message, failure: Failure): void {
    if (this.#closed) return;
    if (message.kind !== 'request' || message.id === undefined) {
      const what = message.method ?? 'answer';
      this.#emit('warning', `The client's ${what} was not delivered: ${failure.text}`);
      this.#wake();
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

  #emit(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text });
  }
}
