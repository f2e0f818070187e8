import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf } from '../jsonrpc/message.js';
import type { CloseReason, Link, Receiver } from '../relay/link.js';
import { PassingSet } from '../relay/passing.js';

/**
 * A link that can be left for another: to whom it belongs it has ended then, but what its peer is at work on is
 * still answered. With the last of these answers it really ends.
 */
export class LeavableLink implements Link {
  readonly #link: Link;
  /** Requests that were sent and are not answered. */
  readonly #open = new PassingSet<Key>();
  #receiver: Receiver | undefined;
  /** Takes what comes after it was left. */
  #late: Receiver['message'] | undefined;
  #isOpen = true;

  constructor(link: Link) {
    this.#link = link;
    link.listen({
      message: (message, about) => this.#heard(message, about),
      slow: (isSlow) => this.#receiver?.slow?.(isSlow),
      closed: (reason) => {
        this.#isOpen = false;
        if (this.#late === undefined) this.#receiver?.closed(reason);
      },
    });
  }

  /** Neither closed nor ended by itself. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message, about?: Key): void {
    if (message.kind === 'request') this.#open.add(keyOf(message.id ?? 'null'));
    this.#link.send(message, about);
    if (message.method === 'notifications/cancelled') this.#answered(keyOf(refOf(message) ?? 'null'));
  }

  hold(isHeld: boolean): void {
    this.#link.hold?.(isHeld);
  }

  /** Nothing is to be told of one that was left, so that what is open on it goes on. */
  close(reason: CloseReason): void {
    if (this.#late === undefined) this.#end(reason);
  }

  /** @param late takes answers that still come, and what is said about the requests that wait for them */
  leave(reason: CloseReason, late: Receiver['message']): void {
    if (!this.#isOpen || this.#late !== undefined) return;
    this.#late = late;
    this.#receiver?.closed(reason);
    this.#leaveAtLast();
  }

  #heard(message: Message, about: Key | undefined): void {
    const isAnswer = message.kind === 'response' || message.kind === 'error';
    if (this.#late === undefined) this.#receiver?.message(message, about);
    else if (message.kind === 'request') {
      const text = 'the client has left the session in which this was asked';
      this.#link.send(makeError(message.id, ErrorCode.InternalError, text));
    } else if (isAnswer || about !== undefined) this.#late(message, about);
    if (isAnswer) this.#answered(keyOf(message.id ?? 'null'));
  }

  #answered(key: Key): void {
    this.#open.delete(key);
    this.#leaveAtLast();
  }

  #leaveAtLast(): void {
    if (this.#late !== undefined && this.#open.size === 0) {
      this.#end({ kind: 'ended', text: 'another way to the server has taken its place' });
    }
  }

  #end(reason: CloseReason): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#link.close(reason);
  }
}
