import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError, makeNotification, makeRequest, makeResponse } from '../jsonrpc/make.js';
import {
  type Key,
  keyOf,
  type Message,
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
import type { CloseReason, Link } from './link.js';
import { type Call, Port, type PortOwner } from './port.js';
import { Questions } from './questions.js';
import { SharedUpstream } from './shared-upstream.js';

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
  readonly #questions = new Questions();
  readonly #shared: SharedUpstream;
  readonly #audience: Audience;
  #nextId = 1;
  #alive = false;
  #closed = false;

  constructor(upstream: Link, options: CorrelationOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#shared = new SharedUpstream(
      {
        forward: (port, message, id, onAnswer) => this.#forward(port, message, id, onAnswer),
        hold: (port, message, id, onAnswer) => this.#hold(port, message, id, onAnswer),
        answer: (call, answer) => this.#answerHeld(call, answer),
        ask: (method, params, onAnswer) => this.#ask(method, params, onAnswer),
        notify: (message) => upstream.send(message),
      },
      options.server,
    );
    this.#audience = new Audience(this.#ports, this.#shared, this.#questions);
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
    this.#shared.join(port);
    this.#options.onPorts?.(this.#ports.size);
    return port;
  }

  /** Does the handshake in the proxy's own name. Rejects with the server's error or the loss of the link. */
  initialize(params: object): Promise<void> {
    return this.#shared.initialize(params);
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
    for (const call of [...port.calls.values()]) this.#abandon(call, 'the client has gone');
    for (const [key, call] of this.#tokens) if (call.port === port) this.#tokens.delete(key);
    for (const id of this.#questions.forget(port)) {
      this.#upstream.send(makeError(id, ErrorCode.InternalError, 'the client that was asked has gone'));
    }
    if (!this.#options.exclusive && !this.#closed) this.#shared.leave(port);
    this.#options.onPorts?.(this.#ports.size);
  }

  #request(port: Port, message: Message): void {
    const id = message.id ?? 'null';
    if (port.calls.has(keyOf(id))) {
      const text = `the id ${id} is in use by a request that is still open; this one was not sent on`;
      port.deliver(makeError('null', ErrorCode.InvalidRequest, text));
      return;
    }
    if (!this.#options.exclusive && this.#shared.request(port, message, id)) return;
    this.#forward(port, message, id);
  }

  /** Sends a request on, under an id and a token of this upstream's own where sessions share it. */
  #forward(port: Port, message: Message, id: Wire, onAnswer?: Call['onAnswer']): void {
    const { exclusive } = this.#options;
    const upstreamId = exclusive ? id : String(this.#nextId++);
    const token = tokenOf(message);
    const call = makeCall(port, message, id, upstreamId, onAnswer);
    this.#open(call);
    if (token !== undefined) this.#tokens.set(exclusive ? keyOf(token) : upstreamId, call);
    let sent = message;
    if (!exclusive) {
      sent = withId(message, upstreamId);
      if (token !== undefined) sent = withToken(sent, upstreamId);
    }
    this.#upstream.send(sent);
  }

  #hold(port: Port, message: Message, id: Wire, onAnswer: Call['onAnswer']): Call {
    const call = makeCall(port, message, id, undefined, onAnswer);
    this.#open(call);
    return call;
  }

  #answerHeld(call: Call, answer: Message): void {
    if (call.port?.calls.get(call.key) !== call) return; // given up in the meantime
    this.#settle(call);
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
    this.#open(makeCall(undefined, message, upstreamId, upstreamId, told));
    this.#upstream.send(message);
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
    const { timeout, clock, server } = this.#options;
    if (timeout === undefined) return;
    call.disarm?.();
    call.disarm = clock.after(timeout, () => {
      const text = `server "${server}" did not answer ${call.method} within ${timeout / 1000} s`;
      this.#abandon(call, text);
      const error = makeError(call.id, ErrorCode.InternalError, text);
      call.onAnswer?.(error);
      call.port?.deliver(error, call.key);
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
    // `initialize` must not be cancelled (basic/utilities/cancellation), and what was not sent need not be.
    if (call.upstreamId === undefined || this.#closed || call.method === 'initialize') return;
    const params = `{"requestId":${call.upstreamId},"reason":${toWire(reason)}}`;
    this.#upstream.send(withParams(makeNotification('notifications/cancelled', {}), params));
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
    const initialized = !this.#options.exclusive && message.method === 'notifications/initialized';
    if (!initialized || this.#shared.takeInitialized()) this.#upstream.send(message);
  }

  /** The client gives a request up: the server hears it, and no answer is waited for. */
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

  // ── from the server ──

  #fromServer(message: Message): void {
    if (!this.#alive) {
      this.#alive = true;
      this.#options.onAlive?.();
    }
    if (message.kind === 'response' || message.kind === 'error') this.#answer(message);
    else if (message.kind === 'request') this.#question(message);
    else if (message.method === 'notifications/progress') this.#progress(message);
    else this.#inform(message);
  }

  #answer(message: Message): void {
    const id = message.id ?? 'null';
    const call = this.#calls.get(keyOf(id));
    if (!call) {
      this.#tell('debug', `the server answered ${id}, which nobody waits for`);
      return;
    }
    this.#settle(call);
    const asTask = call.asTask && call.port && this.#shared.tasks.created(call.port, message) !== undefined;
    if (!asTask) this.#dropToken(call);
    if (call.port) this.#questions.noteElicitations(call.port, message);
    const answer = call.onAnswer?.(message) ?? message;
    call.port?.deliver(this.#options.exclusive ? answer : withId(answer, call.id), call.key);
  }

  #question(message: Message): void {
    const id = message.id ?? 'null';
    const { exclusive } = this.#options;
    if (message.method === 'ping' && (!exclusive || this.#ports.size === 0)) {
      this.#upstream.send(makeResponse(id, '{}'));
      return;
    }
    const asked = exclusive ? this.#audience.any() : this.#audience.ofQuestion(message);
    if (asked instanceof Port) {
      this.#questions.asked(asked, message);
      asked.deliver(message, asked.onlyCall());
      return;
    }
    this.#tell('warning', `refused the server's ${message.method}: ${asked.reason}`);
    this.#upstream.send(makeError(id, asked.code, `mcp-proxy refused ${message.method}: ${asked.reason}`));
  }

  #inform(message: Message): void {
    const heard = this.#options.exclusive ? this.#ports : this.#audience.ofNotification(message);
    if (heard === undefined) {
      this.#tell(
        'debug',
        `${message.method} belongs to one of several open calls, nothing says which: ${message.text}`,
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
    const open = call.port.calls.get(call.key) === call;
    if (open) this.#arm(call);
    const restored =
      this.#options.exclusive || call.token === undefined ? message : withToken(message, call.token);
    call.port.deliver(restored, open ? call.key : undefined);
  }

  #lost(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    const text = `server "${this.#options.server}": ${reason.text}`;
    const held = [...this.#ports].flatMap((port) => [...port.calls.values()]);
    for (const call of new Set([...this.#calls.values(), ...held])) {
      this.#settle(call);
      const error = makeError(call.id, ErrorCode.InternalError, text, reason.data);
      call.onAnswer?.(error);
      call.port?.deliver(error, call.key);
    }
    for (const port of this.#ports) port.drop(reason);
    this.#ports.clear();
  }

  #tell(level: 'debug' | 'warning', text: string): void {
    this.#options.emit({ level, text, server: this.#options.server });
  }
}

function makeCall(
  port: Port | undefined,
  message: Message,
  id: Wire,
  upstreamId: Wire | undefined,
  onAnswer: Call['onAnswer'],
): Call {
  return {
    port,
    id,
    key: keyOf(id),
    upstreamId,
    method: message.method ?? '',
    token: tokenOf(message),
    asTask: message.taskAt >= 0,
    onAnswer,
  };
}

/** Notifications that no call causes go to the session's own stream, all others to the call's. */
function aboutCall(message: Message): boolean {
  const method = message.method ?? '';
  return !method.endsWith('/list_changed') && method !== 'notifications/resources/updated';
}
