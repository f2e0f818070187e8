import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import type { CloseReason, Link, Receiver } from './link.js';

/** Messages that wait for a link that is still being made: more than any client sends before an answer. */
const MAX_WAITING = 256;

/**
 * A link that is still being made: what is sent on it waits for the real one. Where that comes to nothing,
 * the requests are answered with the reason, and the link has ended.
 */
export function pendingLink(made: Promise<Link>): Link {
  return new PendingLink(made);
}

class PendingLink implements Link {
  #link: Link | undefined;
  #receiver: Receiver | undefined;
  #waiting: [Message, Key | undefined][] = [];
  #closed: CloseReason | undefined;

  constructor(made: Promise<Link>) {
    made.then(
      (link) => this.#made(link),
      (error: unknown) => this.#failed(error instanceof Error ? error.message : String(error)),
    );
  }

  send(message: Message, about?: Key): void {
    if (this.#closed) return;
    if (this.#link) this.#link.send(message, about);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push([message, about]);
    else this.#refuse(message, 'too many messages wait for the server to be found');
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#waiting = [];
    this.#link?.close(reason);
  }

  #made(link: Link): void {
    if (this.#closed) {
      link.close(this.#closed);
      return;
    }
    this.#link = link;
    link.listen({
      message: (message, about) => this.#receiver?.message(message, about),
      closed: (reason) => {
        if (this.#closed) return;
        this.#closed = reason;
        this.#receiver?.closed(reason);
      },
    });
    for (const [message, about] of this.#waiting.splice(0)) this.send(message, about);
  }

  #failed(text: string): void {
    if (this.#closed) return;
    for (const [message] of this.#waiting.splice(0)) this.#refuse(message, text);
    const reason: CloseReason = { kind: 'failed', text };
    this.#closed = reason;
    this.#receiver?.closed(reason);
  }

  #refuse({ kind, id = 'null' }: Message, text: string): void {
    if (kind === 'request') this.#receiver?.message(makeError(id, ErrorCode.InternalError, text), keyOf(id));
  }
}
