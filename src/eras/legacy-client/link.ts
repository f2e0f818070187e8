/**
 * The link that a legacy client is given in front of a modern server: to the client it is a legacy server.
 * Both ways stand in this one file, which makes it long, so that a request can be followed to its answer.
 */
import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeCancelled, makeError, makeRequest, makeResponse } from '../../jsonrpc/make.js';
import {
  type Key,
  keyOf,
  type Message,
  paramsOf,
  refOf,
  resultTypeOf,
  tokenOf,
  withId,
  withRef,
} from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { Emit } from '../../observability/events.js';
import { LISTEN } from '../../relay/calls.js';
import type { Clock } from '../../relay/clock.js';
import { guarded } from '../../relay/guarded.js';
import { isLegacyVersion } from '../../relay/handshake.js';
import { idInUse } from '../../relay/id-in-use.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { LOG_LEVELS } from '../../relay/log-levels.js';
import { lossText } from '../../relay/loss.js';
import { Asks } from './asks.js';
import { type Call, Calls } from './calls.js';
import { failureOf, foreignMethod, legacyError } from './errors.js';
import { Handshake, isComplete } from './handshake.js';
import { Listen } from './listen.js';
import { legacyResult } from './results.js';
import { Rounds } from './rounds.js';
import { stamped } from './stamp.js';
import type { Reply } from './stream.js';

export interface LegacyClientOptions {
  /** The server definition's name, for texts. */
  readonly server: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Who asks where the client has not said who it is: requests that come before `initialize`. */
  readonly fallbackClient: { readonly name: string; readonly version: string };
  /** The version that the client speaks without having begun with `initialize`; where it is none, the newest. */
  readonly statedVersion?: string | undefined;
  /** Makes an id for a question that sends a person to a URL, different from all others; counted where absent. */
  readonly elicitationId?: () => string;
}

/** What a legacy client tells its server that the modern era has no notification for. */
const ABSORBED: ReadonlySet<string> = new Set([
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
]);

/**
 * Translates for a client of the legacy era in front of a server of the modern era (2026-07-28,
 * `basic/versioning`). One session per link: what the client says once, every request says again.
 *
 * The upstream link must treat `notifications/cancelled` as the end of the request that it names.
 */
export class LegacyClientLink implements Link {
  readonly #upstream: Link;
  readonly #options: LegacyClientOptions;
  readonly #calls = new Calls();
  readonly #asks: Asks;
  readonly #rounds: Rounds;
  readonly #listen: Listen;
  readonly #handshake: Handshake;
  #elicitations = 0;
  #receiver: Receiver | undefined;
  /** The upstream is gone, or the link was closed. */
  #ended = false;

  constructor(upstream: Link, options: LegacyClientOptions) {
    this.#upstream = upstream;
    this.#options = options;
    const { server, clock, emit, fallbackClient, statedVersion } = options;
    const asks = new Asks((message) => upstream.send(message));
    const guard = (action: () => void): void => {
      guarded(action, emit, server);
    };
    this.#asks = asks;
    this.#handshake = new Handshake({
      server,
      fallbackClient,
      stated: isLegacyVersion(statedVersion) ? statedVersion : undefined,
      ask: (request, onAnswer, call) => asks.ask(request, onAnswer, call),
      answer: (call, answer) => this.#answer(call, answer),
      discovered: (lists) => this.#listen.declare(lists),
    });
    this.#rounds = new Rounds({
      server,
      clock,
      guard,
      capabilities: () => this.#handshake.declared,
      agreed: () => this.#handshake.agreed,
      elicitationId: options.elicitationId ?? (() => String(++this.#elicitations)),
      deliver: (message, call) => this.#deliver(message, call.key),
      retry: (call, request) => asks.ask(request, (answer) => this.#answered(call, answer), call),
      fail: (call, text) => this.#answer(call, failureOf(call.id, call.method, text)),
    });
    this.#listen = new Listen({
      server,
      clock,
      emit,
      guard,
      newId: () => asks.newId(),
      listen: (id, filter, onEnd) => this.#openStream(id, filter, onEnd),
      retire: (id, reason) => {
        asks.forget(id);
        upstream.send(makeCancelled(id, reason));
      },
      forget: (id) => asks.forget(id),
      deliver: (message) => this.#deliver(message),
    });
    upstream.listen({
      message: (message, about) => this.#fromServer(message, about),
      closed: (reason) => this.#lose(reason),
    });
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  hold(isHeld: boolean): void {
    this.#upstream.hold?.(isHeld);
  }

  close(reason: CloseReason): void {
    this.#receiver = undefined;
    if (this.#ended) return;
    this.#end();
    this.#upstream.close(reason);
  }

  #end(): void {
    this.#ended = true;
    this.#listen.close();
    this.#rounds.close();
  }

  // ── from the client ──

  send(message: Message): void {
    if (this.#ended) return;
    if (message.kind === 'request') this.#request(message);
    else if (message.kind === 'notification') this.#notification(message);
    else if (!this.#rounds.answered(message)) {
      this.#tell(
        'debug',
        `dropped the client's answer to ${message.id ?? 'nothing'}, which it was not asked`,
      );
    }
  }

  #request(message: Message): void {
    const id = message.id ?? 'null';
    const method = message.method ?? '';
    if (this.#calls.get(keyOf(id))) {
      this.#deliver(idInUse(id));
      return;
    }
    const call = this.#calls.open(message);
    switch (method) {
      case 'initialize':
        this.#handshake.initialize(call, message);
        return;
      case 'ping':
        this.#answer(call, makeResponse(id, '{}'));
        return;
      case 'logging/setLevel':
        this.#setLevel(call, message);
        return;
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        this.#subscription(call, message);
        return;
      default: {
        const refusal = foreignMethod(method, this.#options.server);
        if (refusal === undefined) this.#forward(call, message);
        else this.#answer(call, makeError(id, ErrorCode.MethodNotFound, refusal));
      }
    }
  }

  #forward(call: Call, message: Message): void {
    const request = stamped(message, this.#handshake.envelope);
    if (request === undefined) {
      this.#answer(call, makeError(call.id, ErrorCode.InvalidRequest, 'nested too deep to be sent on'));
      return;
    }
    this.#rounds.opened(call, request);
    this.#asks.ask(request, (answer) => this.#answered(call, answer), call);
  }

  #setLevel(call: Call, message: Message): void {
    const { level } = paramsOf(message);
    if (typeof level !== 'string' || !LOG_LEVELS.includes(level)) {
      const text = `"level" must be one of ${LOG_LEVELS.join(', ')}`;
      this.#answer(call, makeError(call.id, ErrorCode.InvalidParams, text));
      return;
    }
    this.#handshake.setLevel(level);
    this.#answer(call, makeResponse(call.id, '{}'));
  }

  #subscription(call: Call, message: Message): void {
    const { uri } = paramsOf(message);
    if (typeof uri !== 'string') {
      this.#answer(call, makeError(call.id, ErrorCode.InvalidParams, '"uri" must be a text'));
      return;
    }
    const reply: Reply = (refusal) =>
      this.#answer(
        call,
        refusal ? makeError(call.id, refusal.code, refusal.text) : makeResponse(call.id, '{}'),
      );
    if (call.method === 'resources/subscribe') this.#listen.subscribe(uri, reply);
    else this.#listen.unsubscribe(uri, reply);
  }

  #notification(message: Message): void {
    const method = message.method ?? '';
    if (method === 'notifications/initialized') this.#listen.start();
    else if (method === 'notifications/cancelled') this.#cancel(message);
    else if (!ABSORBED.has(method)) this.#upstream.send(message);
  }

  /** The client gives a request up: the round that is open for it upstream, or the questions to the client. */
  #cancel(message: Message): void {
    const ref = refOf(message);
    const call = ref === undefined ? undefined : this.#calls.get(keyOf(ref));
    // The client must not cancel `initialize` (2025-11-25, `basic/utilities/cancellation`).
    if (call === undefined || call.method === 'initialize') {
      this.#tell('debug', `dropped a cancellation of ${ref ?? 'nothing'}, which cannot be cancelled`);
      return;
    }
    this.#calls.settle(call);
    this.#rounds.settled(call, 'the call that it belongs to was cancelled');
    if (call.upstreamId === undefined) return;
    this.#asks.forget(call.upstreamId);
    this.#upstream.send(withRef(message, call.upstreamId));
  }

  // ── from the server ──

  #fromServer(message: Message, about: Key | undefined): void {
    if (this.#ended) return;
    switch (message.kind) {
      case 'request':
        // Both sides must not: no request to a client, no answer to a server (`basic/transports/stdio`).
        this.#tell('warning', `dropped the server's request ${message.method}: servers of its era send none`);
        return;
      case 'notification':
        this.#informed(message, about);
        return;
      default:
        if (this.#asks.answered(message)) return;
        if (message.kind === 'error' && (message.id ?? 'null') === 'null') this.#deliver(message);
        else this.#tell('debug', `the server answered ${message.id ?? 'nothing'}, which nobody waits for`);
    }
  }

  #answered(call: Call, answer: Message): void {
    const { server } = this.#options;
    if (answer.kind === 'error') this.#answer(call, withId(legacyError(answer, server), call.id));
    else if (isComplete(answer)) {
      const result = legacyResult(call.method, answer, this.#handshake.agreed);
      this.#answer(call, withId(result, call.id));
    } else if (resultTypeOf(answer) === 'input_required') this.#rounds.inputRequired(call, answer);
    else {
      // 2026-07-28, `basic/index`, "ResultType": any other value is invalid.
      const text = `server "${server}" answered ${call.method} with a result of a type that is not known`;
      this.#answer(call, makeError(call.id, ErrorCode.InternalError, text));
    }
  }

  #informed(message: Message, about: Key | undefined): void {
    if (message.method === 'notifications/progress') {
      const token = tokenOf(message);
      const call = this.#calls.byToken(token);
      const told = call?.progress.take(message);
      if (call && told) this.#deliver(told, call.key);
      else
        this.#tell('debug', `dropped progress for ${token ?? 'nothing'}, which is of no use to the client`);
      return;
    }
    if (this.#listen.notification(message, about)) return;
    this.#deliver(message, (this.#asks.callOf(about) ?? this.#calls.only())?.key);
  }

  /** Answers the client's call; nothing where it was answered or given up before. */
  #answer(call: Call, answer: Message): void {
    if (!this.#calls.settle(call)) return;
    this.#rounds.settled(call, 'the call that it belongs to has ended');
    this.#deliver(answer, call.key);
  }

  #openStream(id: Wire, filter: object, onEnd: (answer: Message) => void): void {
    const request = makeRequest(id, LISTEN, { notifications: filter });
    this.#asks.ask(stamped(request, this.#handshake.quietEnvelope) ?? request, onEnd, undefined, id);
  }

  #lose(reason: CloseReason): void {
    if (this.#ended) return;
    this.#end();
    const text = lossText(this.#options.server, reason);
    for (const call of this.#calls.all()) {
      this.#calls.settle(call);
      this.#deliver(makeError(call.id, ErrorCode.InternalError, text, reason.data), call.key);
    }
    this.#receiver?.closed(reason);
  }

  #deliver(message: Message, about?: Key): void {
    this.#receiver?.message(message, about);
  }

  #tell(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text, server: this.#options.server });
  }
}
