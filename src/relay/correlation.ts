import { ErrorCode } from '../jsonrpc/errors.js';
import { makeCancelled, makeError, makeRequest } from '../jsonrpc/make.js';
import {
  type Key,
  keyOf,
  type Message,
  refOf,
  tokenOf,
  withId,
  withRef,
  withToken,
} from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { Emit } from '../observability/events.js';
import { Calls, isOpening, LISTEN, makeCall, type TimeLimits } from './calls.js';
import type { Clock } from './clock.js';
import type { Clients, Conduct, ConductHost } from './conduct.js';
import { guarded } from './guarded.js';
import { idInUse } from './id-in-use.js';
import { LegacyConduct } from './legacy-conduct.js';
import type { CloseReason, Link } from './link.js';
import { lossText } from './loss.js';
import { ModernConduct } from './modern-conduct.js';
import { type Call, Port, type PortOwner } from './port.js';

export interface CorrelationOptions extends TimeLimits {
  /** The server definition's name, for errors and events. */
  readonly server: string;
  /** What the upstream speaks. */
  readonly era: 'legacy' | 'modern';
  /**
   * One session has the upstream to itself: its ids and tokens travel as they are, and nothing is
   * counted or filtered. Otherwise any number of sessions share it. A modern upstream is always shared.
   */
  readonly exclusive: boolean;
  /** Whose the sessions are, where it is shared; by itself, of several clients. */
  readonly clients?: Clients;
  readonly clock: Clock;
  readonly emit: Emit;
  /** The server has sent its first message. */
  readonly onAlive?: () => void;
  /**
   * The server has not answered in time what it was asked first.
   *
   * @returns whether its owner gives it up, and has closed this; else it is the one request that has failed
   */
  readonly onSilent?: (method: string, ms: number) => boolean;
  /** A session that is no bystander joined or left; how many of those there are now. */
  readonly onPorts?: (count: number) => void;
}

/** What is known of a session when it joins. */
export interface Joining {
  /**
   * A translator stands before its client: that one knows itself what its client can be asked, and wants no
   * log messages but by the level that it sets.
   */
  readonly isTranslated?: boolean;
  /** Its client can be asked something in it. Matters where sessions are not of several clients. */
  readonly canBeAsked?: boolean;
  /**
   * It only hears what others cause, and asks for nothing but subscriptions: the upstream need not stay for it,
   * so it is not counted as a session.
   */
  readonly isBystander?: boolean;
}

/**
 * Joins any number of sessions to one upstream link: gives every request an id and a progress token of
 * its own towards the server, and brings what the server sends to the session it belongs to. Both ways
 * stand in this one file, so that a request can be followed to its answer. What else the messages mean to
 * those who share the upstream is its era's matter (`conduct.ts`).
 */
export class Correlation implements PortOwner {
  readonly #upstream: Link;
  readonly #options: CorrelationOptions;
  readonly #exclusive: boolean;
  readonly #calls: Calls;
  readonly #ports = new Set<Port>();
  /** Those of them that are no bystanders. */
  #sessions = 0;
  readonly #conduct: Conduct;
  /** Sessions that have enough for now. */
  readonly #held = new Set<Port>();
  /** Whether the server is held back. */
  #isHolding = false;
  #nextId = 1;
  #alive = false;
  /** Why the upstream is gone; undefined as long as it is there. */
  #lost: CloseReason | undefined;

  constructor(upstream: Link, options: CorrelationOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#exclusive = options.exclusive && options.era === 'legacy';
    this.#calls = new Calls({
      ...options,
      exclusive: this.#exclusive,
      onTimeout: (call, ms) => guarded(() => this.#timedOut(call, ms), options.emit, options.server),
      onBusy: (port) => this.#conduct.busy(port),
      onIdle: (port) => this.#conduct.idle(port),
    });
    const host: ConductHost = {
      ports: this.#ports,
      exclusive: this.#exclusive,
      clients: options.clients ?? 'several',
      forward: (port, message, id, onAnswer) => this.#forward(port, message, id, onAnswer),
      hold: (port, message, id, onAnswer) => this.#hold(port, message, id, onAnswer),
      answer: (call, answer) => this.#answerHeld(call, answer),
      ask: (method, params, onAnswer) => this.#ask(method, params, onAnswer),
      send: (message) => upstream.send(message),
      dropToken: (call) => this.#calls.dropToken(call),
      byId: (id) => this.#calls.byId(id),
      settle: (call) => {
        this.#calls.settle(call);
        this.#calls.dropToken(call);
      },
      stand: (port, isStill) => this.#calls.stand(port, isStill),
      now: () => options.clock.now(),
      after: (ms, action) => this.#after(ms, action),
      tell: (level, text) => this.#tell(level, text),
    };
    this.#conduct =
      options.era === 'legacy' ? new LegacyConduct(host, options.server) : new ModernConduct(host);
    upstream.listen({
      message: (message, about) => this.#fromServer(message, about),
      closed: (reason) => this.#lose(reason),
    });
  }

  get sessions(): number {
    return this.#sessions;
  }

  /** Requests that the server has not answered; streams of notifications do not count. */
  get inFlight(): number {
    return this.#calls.awaited;
  }

  /**
   * Whether the server may still be at work for a session that has gone, or has given a request up: what it
   * asks or says now may be meant for that one.
   */
  get haunted(): boolean {
    return this.#conduct.haunted;
  }

  /** The protocol version that was agreed on; undefined before that. */
  get version(): string | undefined {
    return this.#conduct.version;
  }

  /** The server's raw answer to `initialize`, whoever sent that; undefined before it. */
  get initialized(): Wire | undefined {
    return this.#conduct.initialized;
  }

  /** A new session's end. Where the upstream is gone, its first request is told so, and it ends. */
  attach({ isTranslated = false, canBeAsked = false, isBystander = false }: Joining = {}): Link {
    const port = new Port(this);
    port.canBeAsked = canBeAsked;
    port.isBystander = isBystander;
    if (isTranslated) port.capabilities = undefined;
    if (this.#lost) return port;
    this.#ports.add(port);
    this.#holdBack();
    this.#conduct.join(port, isTranslated);
    this.#count(port, 1);
    return port;
  }

  /**
   * Sees to it that the handshake is done, in the proxy's own name where no session has begun it. Resolves
   * with the raw result. Rejects with `HandshakeRefused`: the server's error, or the loss of the link.
   */
  initialize(params: object): Promise<Wire> {
    return this.#conduct.initialize(params);
  }

  /** Ends the upstream; sessions that still use it are told why. */
  close(reason: CloseReason): void {
    this.#upstream.close(reason);
    this.#lose(reason);
  }

  // ── from a session ──

  fromPort(port: Port, message: Message): void {
    if (this.#lost) {
      if (message.kind !== 'request') return;
      port.deliver(this.#lossFor(message.id ?? 'null', this.#lost), keyOf(message.id ?? 'null'));
      // Those that were there when it was lost are told once all their open requests are answered.
      if (!this.#ports.has(port)) port.drop(this.#lost);
      return;
    }
    switch (message.kind) {
      case 'request':
        this.#request(port, message);
        return;
      case 'notification':
        this.#notification(port, message);
        return;
      default:
        if (this.#conduct.isAwaited(port, message)) this.#upstream.send(message);
        else
          this.#tell(
            'debug',
            `dropped an answer to ${message.id ?? 'nothing'}, which the server did not ask`,
          );
    }
  }

  listens(port: Port): void {
    if (this.#ports.has(port)) this.#conduct.listens(port);
  }

  detach(port: Port, why = 'the client has gone'): void {
    if (!this.#ports.delete(port)) return;
    this.#held.delete(port);
    this.#holdBack();
    const wasAnswered = port.calls.size === 0;
    for (const call of [...port.calls.values()]) {
      // Others wait for the one handshake of a shared upstream: it goes on without who began it.
      if (call.method === 'initialize' && call.upstreamId !== undefined && !this.#exclusive) {
        this.#calls.leavePort(call);
      } else {
        this.#abandon(call, why);
      }
    }
    const unanswered = this.#conduct.forget(port, wasAnswered);
    if (!this.#lost) {
      for (const { id = 'null' } of unanswered) {
        this.#upstream.send(makeError(id, ErrorCode.InternalError, 'the client that was asked has gone'));
      }
      this.#conduct.leave(port);
    }
    this.#count(port, -1);
  }

  hold(port: Port, isHeld: boolean): void {
    if (!this.#ports.has(port)) return;
    if (isHeld) this.#held.add(port);
    else this.#held.delete(port);
    this.#holdBack();
  }

  /** The server is held back while nobody wants more of it: one slow session must not stall the others. */
  #holdBack(): void {
    const isHolding = this.#held.size > 0 && this.#held.size === this.#ports.size;
    if (isHolding === this.#isHolding) return;
    this.#isHolding = isHolding;
    this.#upstream.hold?.(isHolding);
  }

  #count(port: Port, more: 1 | -1): void {
    if (port.isBystander) return;
    this.#sessions += more;
    this.#options.onPorts?.(this.#sessions);
  }

  #request(port: Port, message: Message): void {
    const id = message.id ?? 'null';
    if (port.calls.has(keyOf(id))) {
      port.deliver(idInUse(id));
      return;
    }
    if (!this.#conduct.request(port, message, id)) this.#forward(port, message, id);
  }

  /** Sends a request on, under an id and a token of this upstream's own where sessions share it. */
  #forward(port: Port, message: Message, id: Wire, onAnswer?: Call['onAnswer']): void {
    const upstreamId = this.#exclusive ? id : String(this.#nextId++);
    const call = makeCall(port, message, id, upstreamId, onAnswer);
    this.#calls.open(call);
    this.#conduct.opened(call, message);
    let sent = message;
    if (!this.#exclusive) {
      sent = withId(message, upstreamId);
      if (call.token !== undefined) sent = withToken(sent, upstreamId);
    }
    this.#upstream.send(sent);
  }

  #hold(port: Port, message: Message, id: Wire, onAnswer: Call['onAnswer']): Call {
    const call = makeCall(port, message, id, undefined, onAnswer);
    this.#calls.open(call);
    return call;
  }

  #answerHeld(call: Call, answer: Message): void {
    if (!call.port || !this.#calls.isOpen(call)) return; // given up in the meantime
    this.#calls.settle(call);
    call.port.deliver(answer, call.key);
  }

  /** A request of the proxy's own, on an upstream that several sessions share. */
  #ask(method: string, params: object, onAnswer?: (answer: Message) => void): void {
    const upstreamId = String(this.#nextId++);
    const message = makeRequest(upstreamId, method, params);
    const told = (answer: Message): Message => {
      onAnswer?.(answer);
      return answer;
    };
    if (this.#lost) {
      told(this.#lossFor(upstreamId, this.#lost));
      return;
    }
    this.#calls.open(makeCall(undefined, message, upstreamId, upstreamId, told));
    this.#upstream.send(message);
  }

  #timedOut(call: Call, ms: number): void {
    const { method } = call;
    if (isOpening(method) && this.#options.onSilent?.(method, ms) === true) return;
    const seconds = Math.round(ms / 100) / 10;
    const text = `server "${this.#options.server}" did not answer ${call.method} within ${seconds} s`;
    this.#abandon(call, text);
    const error = makeError(call.id, ErrorCode.InternalError, text);
    call.onAnswer?.(error);
    call.port?.deliver(error, call.key);
    this.#tell('warning', text);
  }

  /** Gives a request up and tells the server so; an answer that still comes is dropped. */
  #abandon(call: Call, reason: string): void {
    this.#calls.settle(call);
    this.#calls.dropToken(call);
    // `initialize` must not be cancelled (basic/utilities/cancellation), and what was not sent need not be.
    if (call.upstreamId === undefined || this.#lost || call.method === 'initialize') return;
    this.#conduct.abandoned(call);
    this.#upstream.send(makeCancelled(call.upstreamId, reason));
  }

  #notification(port: Port, message: Message): void {
    if (message.method === 'notifications/cancelled') {
      this.#cancel(port, message);
      return;
    }
    if (this.#exclusive || this.#conduct.concernsServer(port, message)) this.#upstream.send(message);
  }

  /** The client gives a request up: the server hears it, and no answer is waited for. */
  #cancel(port: Port, message: Message): void {
    const ref = refOf(message);
    const call = ref === undefined ? undefined : port.calls.get(keyOf(ref));
    // The client must not cancel `initialize` (basic/utilities/cancellation), and others may wait for it.
    if (call?.upstreamId === undefined || call.method === 'initialize') {
      this.#tell(
        'debug',
        `dropped a cancellation of ${ref ?? 'nothing'}, which is not open or cannot be cancelled`,
      );
      return;
    }
    this.#calls.settle(call);
    this.#calls.dropToken(call);
    this.#conduct.abandoned(call);
    this.#upstream.send(this.#exclusive ? message : withRef(message, call.upstreamId));
  }

  // ── from the server ──

  #fromServer(message: Message, about: Key | undefined): void {
    if (!this.#alive) {
      this.#alive = true;
      this.#options.onAlive?.();
    }
    const cause = about === undefined ? undefined : this.#calls.byId(about);
    if (message.kind === 'response' || message.kind === 'error') this.#answer(message);
    else if (message.kind === 'request') this.#conduct.question(message, cause);
    else if (message.method === 'notifications/progress') this.#progress(message);
    else this.#conduct.inform(message, cause);
  }

  #answer(message: Message): void {
    const id = message.id ?? 'null';
    const call = this.#calls.byId(id);
    if (!call) {
      // An error without an id says that the server could not read something: its only client should know.
      if (id === 'null' && this.#exclusive) this.#conduct.inform(message, undefined);
      else {
        this.#conduct.lateAnswer(id);
        this.#tell(id === 'null' ? 'warning' : 'debug', `the server answered ${id}, which nobody waits for`);
      }
      return;
    }
    this.#calls.settle(call);
    const own = this.#conduct.answered(call, message);
    const answer = call.onAnswer?.(own) ?? own;
    call.port?.deliver(this.#exclusive ? answer : withId(answer, call.id), call.key);
  }

  #progress(message: Message): void {
    const token = tokenOf(message);
    const call = this.#calls.byToken(token);
    if (!call?.port) {
      this.#tell('debug', `the server reported progress for ${token ?? 'nothing'}, which nobody waits for`);
      return;
    }
    const open = this.#calls.isOpen(call);
    if (open) call.limit?.restart();
    const restored = this.#exclusive || call.token === undefined ? message : withToken(message, call.token);
    call.port.deliver(restored, open ? call.key : undefined);
  }

  #lose(reason: CloseReason): void {
    if (this.#lost) return;
    this.#lost = reason;
    for (const call of this.#calls.all()) {
      if (!this.#calls.isOpen(call)) continue; // answered along with another one, or its client has gone
      this.#calls.settle(call);
      this.#calls.dropToken(call);
      // The end of the link is the end of what is listened to: whether there is an answer depends on the reason
      // (2026-07-28, `basic/patterns/subscriptions`, "Graceful Closure").
      if (call.method === LISTEN) continue;
      const error = this.#lossFor(call.id, reason);
      call.onAnswer?.(error);
      call.port?.deliver(error, call.key);
    }
    for (const port of [...this.#ports]) port.drop(reason);
    this.#ports.clear();
    this.#sessions = 0;
  }

  #lossFor(id: Wire, reason: CloseReason): Message {
    return makeError(id, ErrorCode.InternalError, lossText(this.#options.server, reason), reason.data);
  }

  #after(ms: number, action: () => void): () => void {
    const { clock, emit, server } = this.#options;
    return clock.after(ms, () => {
      if (!this.#lost) guarded(action, emit, server);
    });
  }

  #tell(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text, server: this.#options.server });
  }
}
