import { McpErrorCode } from '../../jsonrpc/errors.js';
import { makeCancelled, makeError } from '../../jsonrpc/make.js';
import { answerOf, asRecord, type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { parseWire, type Wire } from '../../jsonrpc/wire.js';
import { idInUse } from '../../relay/id-in-use.js';
import type { CloseReason, Receiver } from '../../relay/link.js';
import { PassingMap, PassingSet } from '../../relay/passing.js';
import { exchange } from '../../remote/exchange.js';
import { answerTo, errorFor, type Failure, foreign } from '../../remote/failure.js';
import type { Exchange } from '../../remote/http.js';
import { readMessages } from '../../remote/messages.js';
import { MAX_WAITING, MAX_WAITING_OCTETS } from '../../remote/outbox.js';
import {
  REMOTE_TIMINGS,
  type RemoteLink,
  type RemoteTimings,
  type UpstreamOptions,
} from '../../remote/remote-link.js';
import { Waiters } from '../../remote/waiters.js';
import { ModernCall } from './modern-call.js';
import { ToolRefresh } from './modern-refresh.js';
import { modernRequest } from './modern-request.js';
import { ToolHeaders } from './tool-headers.js';

/**
 * A remote server over Streamable HTTP of the modern era (2026-07-28, `basic/transports/streamable-http`):
 * each request is a POST of its own, and its answer is all that there is between the two. No session, no
 * stream beside it, nothing to go on from: what breaks is lost, and its client is told so.
 *
 * Closing a POST cancels its request, so `notifications/cancelled` is not sent. A call that is refused for
 * its headers is sent once more, when the tools have been listed again.
 *
 * The link never ends by itself. What fails is answered to the client as the JSON-RPC error of that request; a
 * subscription that breaks off is ended as on stdio, by a cancellation.
 */
export class ModernUpstream implements RemoteLink {
  readonly done: Promise<void>;
  readonly #options: UpstreamOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #tools = new ToolHeaders();
  readonly #refresh: ToolRefresh;
  readonly #calls = new PassingMap<Key, ModernCall>();
  /** Octets of the requests that are open: each is kept, because it may have to be sent again. */
  #octets = 0;
  /** POSTs of notifications that the server has not taken yet. */
  readonly #unsettled = new PassingSet<Exchange>();
  readonly #waiters = new Waiters();
  /** The protocol version of the last request. */
  #version: string | undefined;
  #receiver: Receiver | undefined;
  #closed = false;
  #finish: () => void = () => undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = options.http.describe(options.url);
    this.#refresh = new ToolRefresh(options, this.#timings, this.#tools);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (this.#closed) return;
    if (message.kind === 'request') this.#begin(message, message.id ?? 'null');
    else if (message.method === 'notifications/cancelled') this.#cancel(message);
    else if (message.kind === 'notification') this.#notify(message);
    else this.#emit('debug', `An answer is left out: ${this.#where} must not ask anything.`);
  }

  close(_reason?: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#refresh.close();
    for (const call of this.#calls.values()) call.drop();
    this.#calls.clear();
    for (const post of this.#unsettled) post.abort();
    this.#unsettled.clear();
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
    const waits = this.#unsettled.size > 0 || [...this.#calls.values()].some((call) => !call.listens);
    if (this.#closed || !waits) this.#waiters.wake();
  }

  #begin(request: Message, id: Wire): void {
    const call = new ModernCall(request, id);
    if (this.#calls.has(call.key)) {
      this.#receiver?.message(idInUse(id));
      return;
    }
    if (this.#calls.size >= MAX_WAITING || this.#octets + request.text.length > MAX_WAITING_OCTETS) {
      const text = `Too many requests to ${this.#where} are open. Try again when some are answered.`;
      this.#receiver?.message(errorFor(request, { kind: 'refused', text }), call.key);
      return;
    }
    this.#calls.set(call.key, call);
    this.#octets += request.text.length;
    if (request.method === 'server/discover') {
      const limit = this.#timings.handshake;
      const text = `${this.#where} did not answer "server/discover" within ${Math.max(1, Math.round(limit / 1000))} s.`;
      call.after(limit, () => this.#fail(call, { kind: 'timeout', text }));
    }
    this.#post(call);
  }

  #post(call: ModernCall): void {
    const { http, url } = this.#options;
    const request = modernRequest(call.request, this.#context(url));
    if ('code' in request) {
      this.#answer(call, makeError(call.id, request.code, request.text));
      return;
    }
    this.#version = request.headers['mcp-protocol-version'];
    const post = exchange(http, request, {
      event: ({ type, data }) => {
        if (type !== 'message' || data === '' || !call.isAt(post)) return;
        const reason = this.#take(data, call, post);
        if (reason !== undefined) this.#malformed(reason);
      },
      body: (text, type) => {
        if (!call.isAt(post) || this.#take(text, call, post) === undefined) return;
        this.#fail(
          call,
          foreign(this.#where, text, type, (words) => http.mask(words)),
        );
      },
      ended: () => {
        if (call.isAt(post))
          this.#fail(call, lost(`${this.#where} ended its answer before it had answered.`));
      },
      failed: (failure) => {
        if (call.isAt(post)) this.#refused(call, failure);
      },
    });
    call.carriedBy(post);
  }

  #context(url: URL): Parameters<typeof modernRequest>[1] {
    return { url, tools: this.#tools, ...(this.#version === undefined ? {} : { version: this.#version }) };
  }

  #take(text: Wire, call: ModernCall, post: Exchange): string | undefined {
    return readMessages(
      text,
      (message) => {
        if (call.isAt(post)) this.#heard(message, call);
      },
      (reason) => this.#malformed(reason),
    );
  }

  /** One message of the server's on the POST of that call. */
  #heard(message: Message, call: ModernCall): void {
    if (message.kind === 'notification') {
      call.heard = true;
      this.#receiver?.message(message, call.key);
    } else if (message.kind === 'request') {
      const text = `${this.#where} sent a request ("${message.method}"), which a server must not do in this protocol version. It is left out.`;
      this.#emit('warning', text);
    } else if (message.id !== undefined && message.id !== 'null' && keyOf(message.id) !== call.key) {
      this.#emit('warning', `${this.#where} sent an answer with the id of another request. It is left out.`);
    } else if (!this.#again(call, message, () => this.#answer(call, message))) this.#answer(call, message);
  }

  #answer(call: ModernCall, answer: Message): void {
    this.#forget(call);
    call.end(this.#timings.cancelled);
    const isList = call.request.method === 'tools/list';
    const { message, warnings } = isList ? this.#tools.take(answer) : { message: answer, warnings: [] };
    for (const text of warnings) this.#emit('warning', text);
    this.#receiver?.message(message.kind === 'error' ? answerTo(call.id, message) : message, call.key);
    this.#wake();
  }

  /** A POST that came to nothing. A JSON-RPC error in an HTTP error is the server's answer. */
  #refused(call: ModernCall, failure: Failure): void {
    const final = failure.kind === 'lost' ? lost(failure.text) : failure;
    const { answer } = failure;
    if (answer !== undefined && this.#again(call, answer, () => this.#fail(call, final))) return;
    this.#fail(call, final);
  }

  /**
   * Sends a call again that the server refused for its headers; otherwise returns false. `refused` is for
   * when that cannot be.
   */
  #again(call: ModernCall, answer: Message, refused: () => void): boolean {
    if (call.repeated || call.request.method !== 'tools/call' || !isHeaderMismatch(answer)) return false;
    call.repeated = true;
    call.leave(this.#timings.cancelled);
    void this.#refresh.run(call.request).then((listed) => {
      if (call.over) return;
      if (listed) this.#post(call);
      else refused();
    });
    return true;
  }

  #cancel(notification: Message): void {
    const ref = refOf(notification);
    const call = ref === undefined ? undefined : this.#calls.get(keyOf(ref));
    if (call === undefined) return; // answered already, and its client did not know yet
    this.#forget(call);
    call.drop();
    this.#wake();
  }

  #notify(notification: Message): void {
    const { http, url } = this.#options;
    const failed = (text: string): void =>
      this.#emit('warning', `The client's ${notification.method} was not delivered: ${text}`);
    const request = modernRequest(notification, this.#context(url));
    if ('code' in request) {
      failed(request.text);
      return;
    }
    if (this.#unsettled.size >= MAX_WAITING) {
      failed(`too many wait for ${this.#where} to take them.`);
      return;
    }
    const settle = (): void => {
      this.#unsettled.delete(post);
      this.#wake();
    };
    const limited = { ...request, headTimeout: this.#timings.acceptance };
    const post = exchange(http, limited, {
      // It is taken; what else the server says about it means nothing, and is not waited for.
      accepted: () => {
        setTimeout(() => {
          post.abort();
          settle();
        }, this.#timings.cancelled).unref();
      },
      event: () => undefined,
      body: () => undefined,
      ended: settle,
      failed: (failure) => {
        failed(failure.text);
        settle();
      },
    });
    this.#unsettled.add(post);
  }

  #fail(call: ModernCall, failure: Failure): void {
    this.#forget(call);
    call.drop();
    if (this.#options.takeOver?.(call.request, failure) !== true) {
      // An error would be the server's refusal to be listened to (2026-07-28, `basic/patterns/cancellation`).
      const isLoss = call.listens && call.heard;
      const told = isLoss
        ? makeCancelled(call.id, `${failure.text} Listen again.`)
        : errorFor(call.request, failure);
      this.#receiver?.message(told, call.key);
    }
    this.#wake();
  }

  #forget(call: ModernCall): void {
    if (this.#calls.delete(call.key)) this.#octets -= call.request.text.length;
  }

  #malformed(reason: string): void {
    this.#emit('warning', `${this.#where} sent an event that is no JSON-RPC message: ${reason}.`);
  }

  #emit(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text });
  }
}

/** Nothing is resumed in this era. */
function lost(text: string): Failure {
  return { kind: 'lost', text, inDoubt: true };
}

function isHeaderMismatch(answer: Message): boolean {
  if (answer.kind !== 'error') return false;
  return asRecord(parseWire(answerOf(answer))).code === McpErrorCode.HeaderMismatch;
}
