import { makeCancelled } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf, withId, withRef } from '../jsonrpc/message.js';
import { newOwnId } from '../jsonrpc/own-id.js';
import type { Wire } from '../jsonrpc/wire.js';
import { PassingMap } from './passing.js';

/** Questions that are remembered; a server that asks more without being answered loses the oldest. */
const MAX_OPEN = 1024;

interface Question<Session> {
  readonly session: Session;
  /** As the server gave it. */
  readonly id: Wire;
  /** As the client knows it. */
  readonly as: Wire;
}

/**
 * The server's requests that the client has not answered, and the session in which each was asked.
 *
 * A server counts its questions anew in each session, while the client may still think about one of the
 * last: its answer must not become that of another question with the same id.
 */
export class OpenQuestions<Session> {
  readonly #open = new PassingMap<Key, Question<Session>>();

  /** A message on its way to the client, as the client is to see it. */
  heard(message: Message, session: Session): Message {
    if (message.kind === 'request') return this.#asked(message, session);
    return message.method === 'notifications/cancelled' ? this.#cancelled(message, session) : message;
  }

  /** Under another id, where its own is that of a lost session's. */
  #asked(question: Message, session: Session): Message {
    const id = question.id ?? 'null';
    const known = this.#open.get(keyOf(id));
    const isTaken = known !== undefined && known.session !== session;
    const as = isTaken ? newOwnId() : id;
    const [oldest] = this.#open.keys();
    if (this.#open.size >= MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    this.#open.set(keyOf(as), { session, id, as });
    return isTaken ? withId(question, as) : question;
  }

  /** The client's answer under the server's own id, and the session it goes to; undefined: not known. */
  answered(answer: Message): { message: Message; session: Session | undefined } {
    const key = keyOf(answer.id ?? 'null');
    const question = this.#open.get(key);
    if (question === undefined) return { message: answer, session: undefined };
    this.#open.delete(key);
    const message = question.as === question.id ? answer : withId(answer, question.id);
    return { message, session: question.session };
  }

  /** The server takes a question back: the notification as the client understands it. */
  #cancelled(notification: Message, session: Session): Message {
    const ref = refOf(notification);
    if (ref === undefined) return notification;
    for (const [key, question] of this.#open) {
      if (question.session !== session || keyOf(question.id) !== keyOf(ref)) continue;
      this.#open.delete(key);
      return question.as === question.id ? notification : withRef(notification, question.as);
    }
    return notification;
  }

  /** What tells the client that the questions of a lost session need no answer. */
  lost(session: Session): Message[] {
    const reason = 'the session in which the server asked has ended';
    return [...this.#open.values()]
      .filter((question) => question.session === session)
      .map(({ as }) => makeCancelled(as, reason));
  }
}
