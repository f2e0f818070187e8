import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { cancellationOf } from './cancellation.js';

/** Lets go of whatever was done for a request, whose client has gone before it was answered. */
export type LetGo = (reason: CloseReason) => void;

/**
 * The link on which one request comes and is answered: the client's end of it. What answers it begins when
 * the request is sent.
 */
export class RequestLink implements Link {
  /** Until it was sent, as it came: on its way something may have been put into it. */
  request: Message;
  /** Raw JSON of the request's id. */
  readonly id: Wire;
  readonly #key: Key;
  readonly #begin: (client: RequestLink) => LetGo;
  /** The client has enough for now, or wants more again. */
  onHold: ((isHeld: boolean) => void) | undefined;
  #receiver: Receiver | undefined;
  #letGo: LetGo | undefined;
  #begun = false;
  #open = true;
  /** Why the client went, where it did so before it was answered. */
  #gone: CloseReason | undefined;

  constructor(request: Message, begin: (client: RequestLink) => LetGo) {
    this.request = request;
    this.id = request.id ?? 'null';
    this.#key = keyOf(this.id);
    this.#begin = begin;
  }

  // ── from the client ──

  send(message: Message): void {
    if (!this.#open) return;
    if (message.kind === 'notification') {
      if (message.method === 'notifications/cancelled' && keyOf(refOf(message) ?? 'null') === this.#key) {
        this.close(cancellationOf(message));
      }
    } else if (message.kind === 'request') {
      if (this.#begun) {
        const text =
          'one request has a link of its own; this one came on that of another and was not sent on';
        const id = message.id ?? 'null';
        this.#receiver?.message(makeError(id, ErrorCode.InvalidRequest, text), keyOf(id));
        return;
      }
      this.#begun = true;
      this.request = message;
      this.#letGo = this.#begin(this);
      if (this.#gone !== undefined) this.#letGo(this.#gone);
    }
  }

  hold(isHeld: boolean): void {
    this.onHold?.(isHeld);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#gone = reason;
    this.#letGo?.(reason);
  }

  // ── to the client ──

  /** A notification that comes before the answer. */
  pass(notification: Message): void {
    if (this.#open) this.#receiver?.message(notification, this.#key);
  }

  /** The answer, which ends it. */
  answer(answer: Message): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receiver?.message(answer, this.#key);
  }

  fail(code: number, text: string, data?: unknown): void {
    this.answer(makeError(this.id, code, text, data));
  }

  /** Ends it without an answer. */
  lose(reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receiver?.closed(reason);
  }
}
