import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError, makeResponse } from '../jsonrpc/make.js';
import {
  answerOf,
  asRecord,
  type Key,
  type Message,
  paramsOf,
  refOf,
  textOf,
  tokenOf,
} from '../jsonrpc/message.js';
import { copyWire, parseWire, type Wire } from '../jsonrpc/wire.js';
import { Audience } from './audience.js';
import type { Conduct, ConductHost } from './conduct.js';
import { KeptQuestions } from './kept-questions.js';
import { type Call, Port } from './port.js';
import { Questions } from './questions.js';
import { type Refusal, refusalOf } from './refusal.js';
import { SharedUpstream } from './shared-upstream.js';

/** How sessions use an upstream of the legacy era, which takes all of them for one client. */
export class LegacyConduct implements Conduct {
  readonly #host: ConductHost;
  readonly #questions = new Questions();
  readonly #shared: SharedUpstream;
  readonly #audience: Audience;
  readonly #kept: KeptQuestions;
  /** What the handshake declared that was done in the proxy's own name. */
  #declared: Readonly<Record<string, unknown>> = {};
  version: string | undefined;
  initialized: Wire | undefined;

  /** @param server the server definition's name, for errors */
  constructor(host: ConductHost, server: string) {
    this.#host = host;
    this.#shared = new SharedUpstream(host, server);
    this.#audience = new Audience(host, this.#shared, this.#questions);
    this.#kept = new KeptQuestions({
      host,
      oldest: () => this.#audience.oldest(),
      refuse: (question, reason) => this.#refuse(question, { code: ErrorCode.InternalError, reason }),
    });
  }

  get haunted(): boolean {
    return this.#audience.haunted;
  }

  join(port: Port, isQuiet: boolean): void {
    if (!isQuiet) this.#shared.join(port);
  }

  leave(port: Port): void {
    if (!this.#host.exclusive) this.#shared.leave(port);
  }

  listens(port: Port): void {
    if (port.canBeAsked) for (const question of this.#kept.take()) this.#ask(port, question, undefined);
  }

  busy(port: Port): void {
    this.#audience.busy(port);
  }

  idle(port: Port): void {
    this.#audience.idle(port);
  }

  initialize(params: object): Promise<Wire> {
    this.#declared = asRecord(asRecord(params).capabilities);
    return this.#shared.initialize(params);
  }

  request(port: Port, message: Message, id: Wire): boolean {
    return !this.#host.exclusive && this.#shared.request(port, message, id);
  }

  opened(): void {}

  abandoned(call: Call): void {
    this.#audience.abandoned(call);
  }

  concernsServer(port: Port, message: Message): boolean {
    if (message.method === 'notifications/initialized') return this.#shared.takeInitialized();
    if (message.method !== 'notifications/progress') return true;
    return this.#questions.givesProgress(port, tokenOf(message));
  }

  isAwaited(port: Port, answer: Message): boolean {
    if (!this.#questions.answered(port, answer)) return false;
    this.#host.stand(port, this.#questions.isAsked(port));
    return true;
  }

  answered(call: Call, answer: Message): Message {
    const isTask = call.asTask && this.#shared.tasks.created(call, answer);
    if (!isTask) this.#host.dropToken(call);
    if (call.method === 'initialize' && answer.kind === 'response') {
      this.initialized = copyWire(answerOf(answer));
      const { protocolVersion } = asRecord(parseWire(this.initialized));
      this.version = textOf(protocolVersion, 'unknown');
    }
    if (call.port) this.#questions.noteElicitations(call.port, answer);
    return answer;
  }

  lateAnswer(id: Wire): void {
    this.#audience.lateAnswer(id);
  }

  question(message: Message, cause: Call | undefined): void {
    const id = message.id ?? 'null';
    const { exclusive, ports, send } = this.#host;
    if (message.method === 'ping' && (!exclusive || ports.size === 0)) {
      send(makeResponse(id, '{}'));
      return;
    }
    const asked = exclusive ? this.#audience.any() : this.#audience.ofQuestion(message, cause?.port);
    const isAskable = asked instanceof Port && asked.canBeAsked;
    if (!isAskable && this.#keep(message)) return;
    if (asked instanceof Port) this.#ask(asked, message, cause);
    else this.#refuse(message, asked);
  }

  /**
   * Has a question wait for the next call in which it can be asked. Only that for roots: it is about the client, and
   * tells nothing of a call that may have caused it; any other is for whose call that is. Returns whether it waits.
   */
  #keep(question: Message): boolean {
    if (this.#host.clients === 'several' || question.method !== 'roots/list') return false;
    if (refusalOf(question, this.#declared) !== undefined || !this.#kept.keep(question)) return false;
    this.#host.tell('debug', `keeps the server's ${question.method} for a call in which it can be asked`);
    return true;
  }

  #refuse({ id = 'null', method }: Message, { code, reason }: Refusal): void {
    this.#host.tell('warning', `refused the server's ${method}: ${reason}`);
    this.#host.send(makeError(id, code, `mcp-proxy refused ${method}: ${reason}`));
  }

  inform(message: Message, cause: Call | undefined): void {
    if (message.method === 'notifications/cancelled' && this.#kept.cancelled(refOf(message))) return;
    const heard = this.#host.exclusive
      ? this.#host.ports
      : this.#audience.ofNotification(message, cause?.port);
    if (heard === undefined) {
      this.#host.tell(
        'debug',
        `dropped ${message.method}: ${this.#host.clients === 'one' ? 'no call is open that it could be for' : 'it is for one of several clients, and nothing says for which'}`,
      );
      return;
    }
    for (const port of [...heard]) {
      port.deliver(message, aboutCall(message) ? callOf(port, cause) : undefined);
    }
    if (message.method === 'notifications/cancelled') this.#takenBack(refOf(message));
    if (message.method === 'notifications/tasks/status') this.#shared.tasks.noteStatus(paramsOf(message));
  }

  #takenBack(ref: Wire | undefined): void {
    const port = this.#questions.asked(ref);
    this.#questions.cancelled(ref);
    if (port !== undefined) this.#host.stand(port, this.#questions.isAsked(port));
  }

  forget(port: Port, wasAnswered: boolean): readonly Message[] {
    const unanswered = this.#questions.forget(port);
    // Where its call went on without them, another call of the same client may have caused them, or none.
    const isOver = ({ message, isOfCall }: (typeof unanswered)[number]): boolean =>
      !wasAnswered || isOfCall || !(this.#askedElsewhere(message) || this.#keep(message));
    return unanswered.filter(isOver).map(({ message }) => message);
  }

  #askedElsewhere(question: Message): boolean {
    const other = this.#audience.askable();
    if (other === undefined) return false;
    this.#ask(other, question, undefined);
    return true;
  }

  #ask(port: Port, question: Message, cause: Call | undefined): void {
    this.#questions.open(port, question, cause?.port === port);
    // A person may have to think; the server's time is not his.
    this.#host.stand(port, true);
    port.deliver(question, callOf(port, cause));
  }
}

/** The call of this session that a message belongs to; `cause` may be that of another, where an id names the session. */
function callOf(port: Port, cause: Call | undefined): Key | undefined {
  return cause?.port === port ? cause.key : port.onlyCall();
}

/** Notifications that no call causes go to the session's own stream, all others to the call's. */
function aboutCall(message: Message): boolean {
  const method = message.method ?? '';
  return !method.endsWith('/list_changed') && method !== 'notifications/resources/updated';
}
