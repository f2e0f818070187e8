import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError, makeNotification, makeRequest, makeResponse } from '../jsonrpc/make.js';
import {
  answerOf,
  asRecord,
  type Key,
  keyOf,
  type Message,
  paramsOf,
  refOf,
  tokenOf,
  withId,
  withParams,
  withRef,
  withToken,
} from '../jsonrpc/message.js';
import { toWire, type Wire } from '../jsonrpc/wire.js';
import type { Emit } from '../observability/events.js';
import { Audience } from './audience.js';
import type { Clock } from './clock.js';
import { Handshake } from './handshake.js';
import type { CloseReason, Link } from './link.js';
import { LogLevels } from './log-levels.js';
import { type Call, Port, type PortOwner } from './port.js';
import { Questions } from './questions.js';
import { Subscriptions } from './subscriptions.js';
import { Tasks } from './tasks.js';

export interface CorrelationOptions {
  /** The server definition's name, for errors and events. */
  readonly server: string;
  /**
   * One session has the upstream to itself: its ids and tokens travel as they are, and nothing is
   * counted or filtered. Otherwise any number of sessions share it.
   */
  readonly exclusive: boolean;
  /** Longest time for one request, in milliseconds; progress starts it again. */
  readonly timeout: number | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  /** The server has sent its first message. */
  readonly onAlive?: () => void;
  /** A session joined or left; how many there are now. */
  readonly onPorts?: (count: number) => void;
  readonly onClosed?: (reason: CloseReason) => void;
}

/**
 * Joins any number of sessions to one upstream link: gives every request an id and a progress token of
 * its own towards the server, and brings what the server sends to the session it belongs to.
 */
export class Correlation implements PortOwner {
  readonly #upstream: Link;
  readonly #options: CorrelationOptions;
  /** Open requests by the id that the server knows. */
  readonly #calls = new Map<Key, Call>();
  /** Progress tokens by the form that the server knows; a task's token outlives its request. */
  readonly #tokens = new Map<Key, Call>();
  readonly #ports = new Set<Port>();
  readonly #handshake = new Handshake();
  readonly #subscriptions = new Subscriptions();
  readonly #levels = new LogLevels();
  readonly #tasks = new Tasks();
  readonly #questions = new Questions();
  readonly #audience: Audience;
  #nextId = 1;
  #alive = false;
  #closed: CloseReason | undefined;

  constructor(upstream: Link, options: CorrelationOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#audience = new Audience(
      this.#ports,
      this.#levels,
      this.#subscriptions,
      this.#tasks,
      this.#questions,
    );
    upstream.listen({
      message: (message) => this.#fromServer(message),
      closed: (reason) => this.#lost(reason),
    });
  }

  get sessions(): number {
    return this.#ports.size;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  /** A new session's end. */
  attach(): Link {
    const port = new Port(this);
    this.#ports.add(port);
    if (!this.#options.exclusive) this.#levels.join(port);
    this.#options.onPorts?.(this.#ports.size);
    return port;
  }

  /** Does the handshake in the proxy's own name. Rejects with the server's error or the loss of the link. */
  initialize(params: object): Promise<void> {
    this.#handshake.begin();
    return new Promise((resolve, reject) => {
      this.#ask('initialize', params, (answer) => {
        if (answer.kind === 'error') {
          this.#answerAll(this.#handshake.failed(), (call) => withId(answer, call.id));
          reject(new Error(`server "${this.#options.server}" refused initialize: ${answerOf(answer)}`));
          return;
        }
        this.#handshakeDone(answer);
        if (this.#handshake.takeInitialized())
          this.#upstream.send(makeNotification('notifications/initialized'));
        resolve();
      });
    });
  }

  /** Ends the upstream; sessions that still use it are told why. */
  close(reason: CloseReason): void {
    this.#upstream.close(reason);
    this.#lost(reason);
  }

  // ── from a session ──

  fromPort(port: Port, message: Message): void {
    switch (message.kind) {
      case 'request':
        this.#request(port, message);
        return;
      case 'notification':
        this.#notification(port, message);
        return;
      default:
        if (this.#questions.answered(port, message)) this.#upstream.send(message);
        else
          this.#tell(
            'debug',
            `dropped an answer to ${message.id ?? 'nothing'}, which the server did not ask`,
          );
    }
  }

  detach(port: Port): void {
    this.#ports.delete(port);
    for (const call of port.calls.values()) this.#abandon(call, 'the client has gone');
    for (const [key, token] of this.#tokens) if (token.port === port) this.#tokens.delete(key);
    this.#audience.idle(port);
    for (const id of this.#questions.forget(port)) {
      this.#upstream.send(makeError(id, ErrorCode.InternalError, 'the client that was asked has gone'));
    }
    if (!this.#options.exclusive && this.#closed === undefined) this.#forget(port);
    this.#options.onPorts?.(this.#ports.size);
  }

  /** Takes back what a session had set up on the shared server. */
  #forget(port: Port): void {
    const before = this.#levels.effective();
    this.#levels.leave(port);
    this.#tasks.forget(port);
    const after = this.#levels.effective();
    if (after !== undefined && after !== before) this.#ask('logging/setLevel', { level: after });
    for (const uri of this.#subscriptions.forget(port)) this.#ask('resources/unsubscribe', { uri });
  }

  #request(port: Port, message: Message): void {
    const id = message.id ?? 'null';
    if (port.calls.has(keyOf(id))) {
      const text = `the id ${id} is in use by a request that is still open; this one was not sent on`;
      port.deliver(makeError('null', ErrorCode.InvalidRequest, text));
      return;
    }
    if (this.#options.exclusive) {
      this.#forward(port, message, id);
      return;
    }
    switch (message.method) {
      case 'initialize':
        this.#initialize(port, message, id);
        return;
      case 'logging/setLevel':
        this.#setLevel(port, message, id);
        return;
      case 'resources/subscribe':
        this.#subscribe(port, message, id);
        return;
      case 'resources/unsubscribe':
        this.#unsubscribe(port, message, id);
        return;
      case 'tasks/list':
        this.#forward(port, message, id, (answer) =>
          answer.kind === 'response'
            ? makeResponse(answer.id ?? 'null', this.#tasks.ownPart(port, answer))
            : answer,
        );
        return;
      default:
        this.#forward(port, message, id);
    }
  }

  /** Sends a request on, under an id and a token of this upstream's own where sessions share it. */
  #forward(port: Port, message: Message, id: Wire, onAnswer?: Call['onAnswer']): void {
    const token = tokenOf(message);
    const upstreamId = this.#options.exclusive ? id : String(this.#nextId++);
    const call: Call = {
      port,
      id,
      key: keyOf(id),
      upstreamId,
      method: message.method ?? '',
      token,
      asTask: message.taskAt >= 0,
      onAnswer,
    };
    this.#open(call);
    if (this.#options.exclusive) {
      if (token !== undefined) this.#tokens.set(keyOf(token), call);
      this.#upstream.send(message);
      return;
    }
    let sent = withId(message, upstreamId);
    if (token !== undefined) {
      sent = withToken(sent, upstreamId);
      this.#tokens.set(upstreamId, call);
    }
    this.#upstream.send(sent);
  }

  #open(call: Call): void {
    if (call.upstreamId !== undefined) this.#calls.set(keyOf(call.upstreamId), call);
    if (call.port) {
      call.port.calls.set(call.key, call);
      this.#audience.busy(call.port);
    }
    this.#arm(call);
  }

  #arm(call: Call): void {
    const { timeout, clock } = this.#options;
    if (timeout === undefined) return;
    call.disarm?.();
    call.disarm = clock.after(timeout, () => {
      const text = `server "${this.#options.server}" did not answer ${call.method} within ${timeout / 1000} s`;
      this.#abandon(call, text);
      call.port?.deliver(makeError(call.id, ErrorCode.InternalError, text), call.key);
      this.#tell('warning', text);
    });
  }

  /** Takes a request out of the books. */
  #settle(call: Call): void {
    call.disarm?.();
    if (call.upstreamId !== undefined) this.#calls.delete(keyOf(call.upstreamId));
    if (!call.port) return;
    call.port.calls.delete(call.key);
    if (call.port.calls.size === 0) this.#audience.idle(call.port);
  }

  /** Gives a request up and tells the server so; an answer that still comes is dropped. */
  #abandon(call: Call, reason: string): void {
    this.#settle(call);
    this.#dropToken(call);
    if (call.upstreamId === undefined || this.#closed !== undefined) return;
    if (call.method === 'initialize') return;
    const requestId = `{"requestId":${call.upstreamId},"reason":${toWire(reason)}}`;
    this.#upstream.send(withParams(makeNotification('notifications/cancelled', {}), requestId));
  }

  #dropToken(call: Call): void {
    if (call.token === undefined) return;
    this.#tokens.delete(this.#options.exclusive ? keyOf(call.token) : (call.upstreamId ?? ''));
  }

  #notification(port: Port, message: Message): void {
    if (message.method === 'notifications/cancelled') {
      this.#cancel(port, message);
      return;
    }
    if (!this.#options.exclusive && message.method === 'notifications/initialized') {
      if (!this.#handshake.takeInitialized()) return;
    }
    this.#upstream.send(message);
  }

  /** The client gives a request up: the server hears it, and no answer is waited for (`basic/utilities/cancellation`). */
  #cancel(port: Port, message: Message): void {
    const ref = refOf(message);
    const call = ref === undefined ? undefined : port.calls.get(keyOf(ref));
    if (call?.upstreamId === undefined) {
      this.#tell('debug', `dropped a cancellation of ${ref ?? 'nothing'}, which is not open`);
      return;
    }
    this.#settle(call);
    this.#dropToken(call);
    this.#upstream.send(this.#options.exclusive ? message : withRef(message, call.upstreamId));
  }

  #initialize(port: Port, message: Message, id: Wire): void {
    const params = paramsOf(message);
    port.capabilities = asRecord(params.capabilities);
    switch (this.#handshake.state) {
      case 'done':
        port.deliver(makeResponse(id, this.#handshake.resultFor(params.protocolVersion)), keyOf(id));
        return;
      case 'pending': {
        const call = this.#waiter(port, message, id);
        this.#open(call);
        this.#handshake.waiting.push(call);
        return;
      }
      case 'none':
        this.#handshake.begin();
        this.#forward(port, message, id, (answer) => {
          if (answer.kind === 'response') this.#handshakeDone(answer);
          else this.#answerAll(this.#handshake.failed(), (call) => withId(answer, call.id));
          return answer;
        });
    }
  }

  #waiter(port: Port, message: Message, id: Wire): Call {
    const { protocolVersion } = paramsOf(message);
    return {
      port,
      id,
      key: keyOf(id),
      upstreamId: undefined,
      method: 'initialize',
      token: undefined,
      asTask: false,
      onAnswer: () => makeResponse(id, this.#handshake.resultFor(protocolVersion)),
    };
  }

  #handshakeDone(answer: Message): void {
    const waiting = this.#handshake.done(answerOf(answer));
    this.#answerAll(waiting, (call) => call.onAnswer?.(answer) ?? answer);
  }

  #answerAll(calls: readonly Call[], answer: (call: Call) => Message): void {
    for (const call of calls) {
      if (call.port?.calls.get(call.key) !== call) continue; // gone in the meantime
      this.#settle(call);
      call.port.deliver(answer(call), call.key);
    }
  }

  #setLevel(port: Port, message: Message, id: Wire): void {
    const { level } = paramsOf(message);
    const before = this.#levels.get(port);
    if (typeof level !== 'string' || !this.#levels.set(port, level)) {
      this.#forward(port, message, id);
      return;
    }
    const asked = withParams(message, toWire({ ...paramsOf(message), level: this.#levels.effective() }));
    // The params were rebuilt, so the offsets inside them no longer hold; a token there is passed as it is.
    this.#forward(port, { ...asked, tokenAt: -1, tokenEnd: -1 }, id, (answer) => {
      if (answer.kind === 'error') this.#levels.restore(port, before);
      return answer;
    });
  }

  #subscribe(port: Port, message: Message, id: Wire): void {
    const { uri } = paramsOf(message);
    if (typeof uri === 'string') this.#subscriptions.add(uri, port);
    this.#forward(port, message, id, (answer) => {
      if (answer.kind === 'error' && typeof uri === 'string') this.#subscriptions.remove(uri, port);
      return answer;
    });
  }

  #unsubscribe(port: Port, message: Message, id: Wire): void {
    const { uri } = paramsOf(message);
    if (typeof uri !== 'string' || this.#subscriptions.remove(uri, port)) this.#forward(port, message, id);
    else port.deliver(makeResponse(id, '{}'), keyOf(id));
  }

  /** A request of the proxy's own, on an upstream that several sessions share. */
  #ask(method: string, params: object, done?: (answer: Message) => void): void {
    const upstreamId = String(this.#nextId++);
    this.#open({
      port: undefined,
      id: upstreamId,
      key: upstreamId,
      upstreamId,
      method,
      token: undefined,
      asTask: false,
      onAnswer: (answer) => {
        done?.(answer);
        return answer;
      },
    });
    this.#upstream.send(makeRequest(upstreamId, method, params));
  }

  // ── from the server ──

  #fromServer(message: Message): void {
    if (!this.#alive) {
      this.#alive = true;
      this.#options.onAlive?.();
    }
    if (message.kind === 'response' || message.kind === 'error') this.#answer(message);
    else if (message.kind === 'request') this.#question(message);
    else this.#fromServerNotification(message);
  }

  #answer(message: Message): void {
    const id = message.id ?? 'null';
    const call = this.#calls.get(keyOf(id));
    if (!call) {
      this.#tell('debug', `the server answered ${id}, which nobody waits for`);
      return;
    }
    this.#settle(call);
    const taskId = call.asTask && call.port ? this.#tasks.created(call.port, message) : undefined;
    if (taskId === undefined) this.#dropToken(call);
    if (call.port) this.#questions.noteElicitations(call.port, message);
    const answer = call.onAnswer?.(message) ?? message;
    call.port?.deliver(this.#options.exclusive ? answer : withId(answer, call.id), call.key);
  }

  #question(message: Message): void {
    const id = message.id ?? 'null';
    if (this.#ports.size === 0 || !this.#options.exclusive) {
      if (message.method === 'ping') {
        this.#upstream.send(makeResponse(id, '{}'));
        return;
      }
    }
    const asked = this.#options.exclusive ? this.#audience.any() : this.#audience.ofQuestion(message);
    if (asked instanceof Port) {
      this.#questions.asked(asked, message);
      asked.deliver(message, asked.onlyCall());
      return;
    }
    this.#tell('warning', `refused the server's ${message.method}: ${asked.reason}`);
    this.#upstream.send(makeError(id, asked.code, `mcp-proxy refused ${message.method}: ${asked.reason}`));
  }

  #fromServerNotification(message: Message): void {
    switch (message.method) {
      case 'notifications/progress':
        this.#progress(message);
        return;
      case 'notifications/cancelled': {
        const port = this.#questions.cancelled(refOf(message));
        if (port) port.deliver(message, port.onlyCall());
        else this.#toAll(message);
        return;
      }
      default:
        this.#toAll(message);
    }
  }

  #toAll(message: Message): void {
    if (this.#options.exclusive) {
      for (const port of this.#ports) port.deliver(message, aboutCall(message) ? port.onlyCall() : undefined);
      return;
    }
    const heard = this.#audience.ofNotification(message);
    if (heard === undefined) {
      this.#tell(
        'debug',
        `${message.method} from the server belongs to one of several open calls: ${message.text}`,
      );
      return;
    }
    for (const port of heard) port.deliver(message, aboutCall(message) ? port.onlyCall() : undefined);
  }

  #progress(message: Message): void {
    const token = tokenOf(message);
    const call = token === undefined ? undefined : this.#tokens.get(keyOf(token));
    if (!call?.port) {
      this.#tell('debug', `the server reported progress for ${token ?? 'nothing'}, which nobody waits for`);
      return;
    }
    if (call.port.calls.get(call.key) === call) this.#arm(call);
    const restored =
      this.#options.exclusive || call.token === undefined ? message : withToken(message, call.token);
    call.port.deliver(restored, call.port.calls.get(call.key) === call ? call.key : undefined);
  }

  #lost(reason: CloseReason): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    const text = `server "${this.#options.server}": ${reason.text}`;
    const open = new Set([...this.#calls.values(), ...this.#handshake.waiting]);
    for (const call of open) {
      this.#settle(call);
      const error = makeError(call.id, ErrorCode.InternalError, text, reason.data);
      call.onAnswer?.(error);
      call.port?.deliver(error, call.key);
    }
    for (const port of this.#ports) port.drop(reason);
    this.#ports.clear();
    this.#options.onClosed?.(reason);
  }

  #tell(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text, server: this.#options.server });
  }
}

/** Notifications that no call causes: they go to the session's own stream, not to a call's. */
function aboutCall(message: Message): boolean {
  const method = message.method ?? '';
  return !method.endsWith('/list_changed') && method !== 'notifications/resources/updated';
}
