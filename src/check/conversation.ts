import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError, makeNotification, makeRequest, makeResponse } from '../jsonrpc/make.js';
import { answerOf, asRecord, type Message, textOf } from '../jsonrpc/message.js';
import { parseWire, toWire } from '../jsonrpc/wire.js';
import type { CloseReason, Link } from '../relay/link.js';

/** What became of one request. Texts are as they came. */
export type Outcome =
  | { readonly kind: 'answered'; readonly result: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'refused';
      readonly code: unknown;
      readonly text: string;
    }
  /** The server is gone, or nobody waits any more. */
  | { readonly kind: 'ended'; readonly text: string }
  | { readonly kind: 'late' };

/** One client's talk with a server: one that can be asked nothing. */
export class Conversation {
  readonly #link: Link;
  readonly #open = new Map<string, (outcome: Outcome) => void>();
  #count = 0;
  #ended: CloseReason | undefined;

  constructor(link: Link) {
    this.#link = link;
    link.listen({
      message: (message) => this.#heard(message),
      closed: (reason) => this.#closed(reason),
    });
  }

  /** @param ms how long the answer may take */
  ask(method: string, params: object, ms: number): Promise<Outcome> {
    if (this.#ended !== undefined) return Promise.resolve({ kind: 'ended', text: this.#ended.text });
    return new Promise((resolve) => {
      this.#count++;
      const id = toWire(this.#count);
      const timer = setTimeout(() => settle({ kind: 'late' }), ms);
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve(outcome);
      };
      this.#open.set(id, settle);
      this.#link.send(makeRequest(id, method, params));
    });
  }

  tell(method: string): void {
    this.#link.send(makeNotification(method));
  }

  /** Whoever waits for an answer waits no longer. */
  end(text: string): void {
    const reason: CloseReason = { kind: 'ended', text };
    this.#closed(reason);
    this.#link.close(reason);
  }

  #heard(message: Message): void {
    const { id = 'null' } = message;
    if (message.kind === 'request') {
      const refusal = 'this client can be asked nothing';
      const isPing = message.method === 'ping';
      this.#link.send(isPing ? makeResponse(id, '{}') : makeError(id, ErrorCode.MethodNotFound, refusal));
    } else if (message.kind !== 'notification') this.#open.get(id)?.(outcomeOf(message));
  }

  #closed(reason: CloseReason): void {
    this.#ended ??= reason;
    for (const settle of [...this.#open.values()]) settle({ kind: 'ended', text: reason.text });
  }
}

function outcomeOf(answer: Message): Outcome {
  const value = asRecord(parseWire(answerOf(answer)));
  if (answer.kind === 'response') return { kind: 'answered', result: value };
  return { kind: 'refused', code: value.code, text: textOf(value.message, 'it gave no reason') };
}
