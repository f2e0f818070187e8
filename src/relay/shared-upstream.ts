import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError, makeNotification, makeRequest, makeResponse } from '../jsonrpc/make.js';
import {
  answerOf,
  asRecord,
  keyOf,
  type Message,
  paramsOf,
  textOf,
  tokenOf,
  withId,
  withToken,
} from '../jsonrpc/message.js';
import { parseWire, type Wire } from '../jsonrpc/wire.js';
import type { ConductHost } from './conduct.js';
import { Handshake, HandshakeRefused } from './handshake.js';
import { LogLevels } from './log-levels.js';
import type { Call, Port } from './port.js';
import { MAX_SUBSCRIPTIONS, Subscriptions } from './subscriptions.js';
import { Tasks } from './tasks.js';

/** How long is waited at most until a server shows that it has taken `notifications/initialized`, in milliseconds. */
const READY_MS = 1000;

/**
 * What a server holds once and several sessions each believe to be theirs: the handshake, the log level,
 * resource subscriptions, the list of tasks. Here each session gets its own view of it.
 */
export class SharedUpstream {
  readonly subscriptions = new Subscriptions();
  readonly levels = new LogLevels();
  readonly tasks: Tasks;
  readonly #handshake = new Handshake();
  /** What waits until the server has shown that it is ready for calls; undefined: nothing has to. */
  #waiting: (() => void)[] | undefined;
  readonly #host: ConductHost;
  readonly #server: string;

  /** @param server the server definition's name, for errors */
  constructor(host: ConductHost, server: string) {
    this.#host = host;
    this.tasks = new Tasks((call) => host.dropToken(call));
    this.#server = server;
  }

  /**
   * Sees to it that the handshake is done, in the proxy's own name where no session has begun it. Resolves
   * with the raw result. Rejects with `HandshakeRefused`: the server's error, or the loss of the link.
   */
  initialize(params: object): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const settle = (answer: Message | undefined): void => {
        if (answer?.kind === 'error') {
          const { message } = asRecord(parseWire(answerOf(answer)));
          const why = textOf(message, 'it gave no reason');
          reject(new HandshakeRefused(`the handshake with server "${this.#server}" failed: ${why}`, answer));
          return;
        }
        this.#sendInitialized(this.takeInitialized());
        resolve(this.#handshake.result);
      };
      switch (this.#handshake.state) {
        case 'done':
          this.#onceReady(() => settle(undefined));
          return;
        case 'pending':
          this.#handshake.onceSettled((answer) => this.#onceReady(() => settle(answer)));
          return;
        case 'none':
          this.#handshake.begin();
          this.#host.ask('initialize', params, (answer) => {
            const { roots } = asRecord(asRecord(params).capabilities);
            const isAskable = roots !== undefined && this.#host.clients !== 'several';
            if (answer.kind !== 'error' && isAskable) this.#waiting = [];
            this.#handshakeAnswered(answer);
            this.#getReady();
            this.#onceReady(() => settle(answer));
          });
      }
    });
  }

  /**
   * Many a server asks for the roots as soon as it may, and needs them for the first call: what it does at
   * `notifications/initialized` comes before its answer to what is asked after that.
   */
  #getReady(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const done = (): void => {
      if (this.#waiting !== waiting) return;
      this.#waiting = undefined;
      disarm();
      for (const action of waiting) action();
    };
    const disarm = this.#host.after(READY_MS, done);
    this.#sendInitialized(this.takeInitialized());
    this.#host.ask('ping', {}, done);
  }

  #onceReady(action: () => void): void {
    if (this.#waiting === undefined) action();
    else this.#waiting.push(action);
  }

  /** Whether this `notifications/initialized` is the first, and so the one that the server gets. */
  takeInitialized(): boolean {
    return this.#handshake.takeInitialized();
  }

  /** Takes a request whose meaning depends on who shares the server. Returns false for all others. */
  request(port: Port, message: Message, id: Wire): boolean {
    switch (message.method) {
      case 'initialize':
        this.#initialize(port, message, id);
        return true;
      case 'logging/setLevel':
        return this.#setLevel(port, message, id);
      case 'resources/subscribe':
        return this.#subscribe(port, message, id);
      case 'resources/unsubscribe':
        return this.#unsubscribe(port, message, id);
      case 'tasks/list':
        this.#host.forward(port, message, id, (answer) =>
          answer.kind === 'response'
            ? makeResponse(answer.id ?? 'null', this.tasks.ownPart(port, answer))
            : answer,
        );
        return true;
      case 'tasks/get':
      case 'tasks/result':
      case 'tasks/cancel':
        this.#ofTask(port, message, id);
        return true;
      default:
        return false;
    }
  }

  /** A session that joins wants whatever the server has to say, until it sets a level of its own. */
  join(port: Port): void {
    if (this.#host.exclusive) return;
    this.#adjustLevel(() => this.levels.join(port));
  }

  /** Takes back what a session had set up on the server. */
  leave(port: Port): void {
    this.#handshake.leave(port);
    this.tasks.forget(port);
    this.#adjustLevel(() => this.levels.leave(port));
    for (const uri of this.subscriptions.forget(port)) this.#host.ask('resources/unsubscribe', { uri });
  }

  /** Tells the server of a level that has changed because sessions come and go. */
  #adjustLevel(change: () => void): void {
    const before = this.levels.effective();
    change();
    const after = this.levels.effective();
    if (after !== undefined && after !== before) {
      this.#host.ask('logging/setLevel', { level: after });
    }
  }

  /**
   * Keeps a session from the tasks of another (2025-11-25, `basic/utilities/tasks`, "Task Isolation and
   * Access Control"). A task of a session that is gone is left to the server: only who was told its id
   * can name it, and a client that lost its connection comes back as another session.
   */
  #ofTask(port: Port, message: Message, id: Wire): void {
    const { taskId } = paramsOf(message);
    const owner = this.tasks.owner(taskId);
    if (owner !== undefined && owner !== port) {
      port.deliver(makeError(id, ErrorCode.InvalidParams, 'no such task'), keyOf(id));
      return;
    }
    this.#host.forward(port, message, id, (answer) => {
      if (answer.kind === 'response') {
        // The result of a task is there only once it has ended.
        if (message.method === 'tasks/result') this.tasks.ended(taskId);
        else this.tasks.noteStatus({ ...asRecord(parseWire(answerOf(answer))), taskId });
      }
      return answer;
    });
  }

  #initialize(port: Port, message: Message, id: Wire): void {
    const { capabilities, protocolVersion } = paramsOf(message);
    port.capabilities = asRecord(capabilities);
    switch (this.#handshake.state) {
      case 'done':
        port.deliver(makeResponse(id, this.#handshake.resultFor(protocolVersion)), keyOf(id));
        return;
      case 'pending': {
        const call: Call = this.#host.hold(port, message, id, (error) => {
          this.#handshake.giveUp(call);
          return error;
        });
        this.#handshake.wait(call, protocolVersion);
        return;
      }
      case 'none':
        this.#handshake.begin();
        this.#host.forward(port, message, id, (answer) => {
          this.#handshakeAnswered(answer);
          return answer;
        });
    }
  }

  #handshakeAnswered(answer: Message): void {
    if (answer.kind === 'error') {
      for (const call of this.#handshake.failed(answer)) this.#host.answer(call, withId(answer, call.id));
      return;
    }
    for (const [call, result] of this.#handshake.done(answerOf(answer))) {
      this.#host.answer(call, makeResponse(call.id, result));
    }
    this.#sendInitialized(this.#handshake.takeEarly());
  }

  #sendInitialized(due: boolean): void {
    if (due) this.#host.send(makeNotification('notifications/initialized'));
  }

  #setLevel(port: Port, message: Message, id: Wire): boolean {
    const params = paramsOf(message);
    const before = this.levels.get(port);
    if (typeof params.level !== 'string' || !this.levels.set(port, params.level)) return false;
    const level = this.levels.effective();
    let asked = message;
    if (level !== params.level) {
      const token = tokenOf(message);
      asked = makeRequest(id, 'logging/setLevel', { ...params, level });
      if (token !== undefined) asked = withToken(asked, token);
    }
    this.#host.forward(port, asked, id, (answer) => {
      if (answer.kind === 'error') this.levels.restore(port, before);
      return answer;
    });
    return true;
  }

  #subscribe(port: Port, message: Message, id: Wire): boolean {
    const { uri } = paramsOf(message);
    if (typeof uri !== 'string') return false;
    const added = this.subscriptions.add(uri, port);
    if (added === 'full') {
      const text = `a session has at most ${MAX_SUBSCRIPTIONS} subscriptions; end one first (resources/unsubscribe)`;
      port.deliver(makeError(id, ErrorCode.InvalidRequest, text), keyOf(id));
      return true;
    }
    this.#host.forward(port, message, id, (answer) => {
      if (answer.kind === 'error' && added === 'new') this.subscriptions.remove(uri, port);
      return answer;
    });
    return true;
  }

  #unsubscribe(port: Port, message: Message, id: Wire): boolean {
    const { uri } = paramsOf(message);
    if (typeof uri !== 'string' || this.subscriptions.remove(uri, port)) return false;
    port.deliver(makeResponse(id, '{}'), keyOf(id));
    return true;
  }
}
