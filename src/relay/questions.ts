import { McpErrorCode } from '../jsonrpc/errors.js';
import { answerOf, asRecord, type Key, keyOf, type Message, paramsOf, tokenOf } from '../jsonrpc/message.js';
import { copyWire, parseWire, type Wire } from '../jsonrpc/wire.js';
import type { Port } from './port.js';

/** Open questions per upstream; beyond it the oldest is forgotten, and its late answer dropped. */
export const MAX_QUESTIONS = 10_000;

interface Question {
  readonly port: Port;
  readonly message: Message;
  /** As the server wrote it. */
  readonly id: Wire;
  readonly token: Key | undefined;
  /** It is certain which call it belongs to. */
  readonly isOfCall: boolean;
}

/** What the server has asked its clients: who was asked, so that nobody else answers. */
export class Questions {
  readonly #open = new Map<Key, Question>();
  /** URL elicitations are followed by a notification that names only their id. */
  readonly #elicitations = new Map<string, Port>();

  open(port: Port, question: Message, isOfCall: boolean): void {
    const id = copyWire(question.id ?? 'null');
    const token = tokenOf(question);
    remember(this.#open, keyOf(id), {
      port,
      message: question,
      id,
      token: token === undefined ? undefined : keyOf(copyWire(token)),
      isOfCall,
    });
    if (question.method === 'elicitation/create') this.#noteElicitation(port, paramsOf(question));
  }

  /** Takes note of the elicitations that an error asks the client for. */
  noteElicitations(port: Port, answer: Message): void {
    if (answer.kind !== 'error' || !answerOf(answer).includes(String(McpErrorCode.UrlElicitationRequired)))
      return;
    const { elicitations } = asRecord(asRecord(parseWire(answerOf(answer))).data);
    if (Array.isArray(elicitations))
      for (const one of elicitations) this.#noteElicitation(port, asRecord(one));
  }

  /** Whether this answer is to something that this session was asked; it is closed then. */
  answered(port: Port, answer: Message): boolean {
    const key = keyOf(answer.id ?? 'null');
    if (this.#open.get(key)?.port !== port) return false;
    return this.#open.delete(key);
  }

  /** Whether this session has a question open. */
  isAsked(port: Port): boolean {
    for (const question of this.#open.values()) if (question.port === port) return true;
    return false;
  }

  /** Who was asked the question with this id (raw JSON). */
  asked(ref: Wire | undefined): Port | undefined {
    return ref === undefined ? undefined : this.#open.get(keyOf(ref))?.port;
  }

  /** The server has taken a question back: an answer that is under way already is not for it any more. */
  cancelled(ref: Wire | undefined): void {
    if (ref !== undefined) this.#open.delete(keyOf(ref));
  }

  /** Whether this session was asked something under this progress token (raw JSON). */
  givesProgress(port: Port, token: Wire | undefined): boolean {
    if (token === undefined) return false;
    const key = keyOf(token);
    for (const question of this.#open.values()) {
      if (question.port === port && question.token === key) return true;
    }
    return false;
  }

  elicited(elicitationId: unknown): Port | undefined {
    return typeof elicitationId === 'string' ? this.#elicitations.get(elicitationId) : undefined;
  }

  /** Forgets a session; returns what it has not answered, and whether that belongs to a call of it for certain. */
  forget(port: Port): Pick<Question, 'message' | 'isOfCall'>[] {
    const unanswered: Question[] = [];
    for (const [key, question] of this.#open) {
      if (question.port !== port) continue;
      unanswered.push(question);
      this.#open.delete(key);
    }
    for (const [id, owner] of this.#elicitations) if (owner === port) this.#elicitations.delete(id);
    return unanswered;
  }

  #noteElicitation(port: Port, params: Readonly<Record<string, unknown>>): void {
    if (typeof params.elicitationId === 'string') remember(this.#elicitations, params.elicitationId, port);
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  const [oldest] = map.keys();
  if (map.size >= MAX_QUESTIONS && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
