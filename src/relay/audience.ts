import { ErrorCode } from '../jsonrpc/errors.js';
import { asRecord, type Key, keyOf, type Message, paramsOf, refOf, textOf } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { ConductHost } from './conduct.js';
import { PassingMap } from './passing.js';
import type { Call, Port } from './port.js';
import type { Questions } from './questions.js';
import { type Refusal, refusalOf } from './refusal.js';
import type { SharedUpstream } from './shared-upstream.js';

const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/**
 * How long what a server asks or says may have been meant for a request that was given up, in milliseconds: it
 * may have been sent before the server knew.
 */
export const ABANDONED_MS = 2000;
/**
 * How long a server may still be at work for such a request, in milliseconds. It need not answer any more, so
 * nobody knows when it stops, if it does.
 */
export const HAUNTED_MS = 30_000;

/**
 * Decides which of the sessions that share an upstream a message of the server is for. Never a guess, where they
 * are of several clients; where they are of one, it may be told and asked in any that can carry it.
 */
export class Audience {
  readonly #host: ConductHost;
  readonly #ports: ReadonlySet<Port>;
  /** Requests that were given up not long ago: whose each was, by the id that the server knows. */
  readonly #abandoned = new PassingMap<Key, { readonly port: Port; readonly since: number }>();
  readonly #shared: SharedUpstream;
  readonly #questions: Questions;
  /** Sessions that have a request open: what the server sends may be caused by one of them. */
  readonly #busy = new Set<Port>();

  constructor(host: ConductHost, shared: SharedUpstream, questions: Questions) {
    this.#host = host;
    this.#ports = host.ports;
    this.#shared = shared;
    this.#questions = questions;
  }

  busy(port: Port): void {
    // All that a bystander asks for are subscriptions: they cause no questions and no log messages.
    if (!port.isBystander) this.#busy.add(port);
  }

  idle(port: Port): void {
    this.#busy.delete(port);
  }

  /** Whether the server may still be at work for what was given up. */
  get haunted(): boolean {
    this.#forgetOld(this.#host.now());
    return this.#abandoned.size > 0;
  }

  abandoned({ port, upstreamId }: Call): void {
    if (port === undefined || upstreamId === undefined || this.#host.exclusive || port.isBystander) return;
    // What was meant for one request of a client may be heard in another.
    if (this.#host.clients === 'one') return;
    const now = this.#host.now();
    // A server that says nothing gives no other occasion to forget.
    this.#forgetOld(now);
    this.#abandoned.set(keyOf(upstreamId), { port, since: now });
  }

  #forgetOld(now: number): void {
    // The oldest come first, and the first that is to be kept says that all behind it are.
    for (const [key, { since }] of this.#abandoned) {
      if (now - since < HAUNTED_MS) break;
      this.#abandoned.delete(key);
    }
  }

  /** Whether what comes now may be meant for a session other than this one, which has given a request up. */
  #maybeMeantForOther(port: Port | undefined): boolean {
    if (!this.haunted) return false;
    const now = this.#host.now();
    for (const one of this.#abandoned.values()) {
      if (one.port !== port && now - one.since < ABANDONED_MS) return true;
    }
    return false;
  }

  /** The server has answered what was given up: it is no longer at work for it. */
  lateAnswer(id: Wire): void {
    this.#abandoned.delete(keyOf(id));
  }

  /** The session of an upstream that has only one. */
  any(): Port | Refusal {
    const [port] = this.#ports;
    return port ?? { code: ErrorCode.InternalError, reason: 'no client is connected' };
  }

  /**
   * Who is asked a question: whose call caused it, and only where that is certain.
   *
   * @param cause the session on whose call's own stream it came, where the transport has one
   */
  ofQuestion(question: Message, cause: Port | undefined): Port | Refusal {
    const port = cause ?? this.askable() ?? this.#causedBy(question);
    if (port === undefined) return { code: ErrorCode.InternalError, reason: this.#whyNobody(question) };
    return (port.capabilities && refusalOf(question, port.capabilities)) ?? port;
  }

  /** Where all calls are of one client: the oldest that can be asked, and rather one that was not asked yet. */
  askable(): Port | undefined {
    if (this.#host.clients !== 'one') return undefined;
    const askable = [...this.#busy].filter(({ canBeAsked }) => canBeAsked);
    return askable.find((port) => !this.#questions.isAsked(port)) ?? askable[0];
  }

  /** The session that has had a request open for longest. */
  oldest(): Port | undefined {
    const [port] = this.#busy;
    return port;
  }

  #whyNobody(question: Message): string {
    if (isRelatedToTask(question)) return 'it belongs to a task of a client that is gone';
    if (this.#host.clients === 'one') return 'the client has no call open in which it could be asked';
    if (this.#busy.size === 0) {
      return 'several clients share this server process, and none has a call open that could have caused it';
    }
    return (
      'calls of several clients are open on this shared server process, or were until lately, and nothing says whose caused it ' +
      '(sharing "session" gives each client its own process)'
    );
  }

  /** Who hears a notification; undefined where it belongs to one of several and nothing says to which. */
  ofNotification(message: Message, cause: Port | undefined): Iterable<Port> | undefined {
    switch (message.method) {
      case 'notifications/tools/list_changed':
      case 'notifications/prompts/list_changed':
      case 'notifications/resources/list_changed':
        return this.#ports;
      case 'notifications/resources/updated':
        return this.#shared.subscriptions.audience(textOf(paramsOf(message).uri, ''));
      case 'notifications/message':
        return this.#ofLog(message, cause);
      case 'notifications/cancelled':
        return some(this.#questions.asked(refOf(message)));
      case 'notifications/tasks/status':
        return some(this.#shared.tasks.owner(paramsOf(message).taskId));
      case 'notifications/elicitation/complete':
        return some(this.#questions.elicited(paramsOf(message).elicitationId));
      default:
        return this.#ofUnattributed(message, cause);
    }
  }

  #ofLog(message: Message, cause: Port | undefined): Iterable<Port> | undefined {
    const level = textOf(paramsOf(message).level, '');
    if (cause === undefined && this.#host.clients === 'one') {
      // Its calls set levels of their own; where none did, no log is wanted.
      const { levels } = this.#shared;
      return some(
        [...this.#busy].find((port) => levels.get(port) !== undefined && levels.hears(port, level)),
      );
    }
    return this.#ofUnattributed(message, cause)?.filter((port) => this.#shared.levels.hears(port, level));
  }

  /**
   * Nothing in such a message says which call caused it. With the calls of one session open it is taken
   * for that session's; with none it is everybody's; with several it is nobody's, since it may tell one
   * client what another is doing, and the oldest's where there is only one client.
   */
  #ofUnattributed(message: Message, known: Port | undefined): Port[] | undefined {
    const cause = known ?? this.#causedBy(message);
    if (cause !== undefined) return [cause];
    const mayBeOnes = this.#busy.size > 0 || this.#maybeMeantForOther(undefined) || isRelatedToTask(message);
    return mayBeOnes ? undefined : [...this.#ports];
  }

  /** The session that caused a message: the owner of the task it names, else the only one with a call open. */
  #causedBy(message: Message): Port | undefined {
    if (isRelatedToTask(message)) return this.#shared.tasks.owner(relatedTask(message).taskId);
    const port = this.oldest();
    if (this.#host.clients === 'one') return port;
    if (this.#busy.size !== 1) return undefined;
    return this.#maybeMeantForOther(port) ? undefined : port;
  }
}

function isRelatedToTask(message: Message): boolean {
  return message.text.includes(RELATED_TASK) && relatedTask(message).taskId !== undefined;
}

function relatedTask(message: Message): Readonly<Record<string, unknown>> {
  return asRecord(asRecord(paramsOf(message)._meta)[RELATED_TASK]);
}

function some(port: Port | undefined): Port[] | undefined {
  return port === undefined ? undefined : [port];
}
