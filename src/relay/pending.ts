import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import { type Emit, wordsOf } from '../observability/events.js';
import { guarded } from './guarded.js';
import type { CloseReason, Link, Receiver } from './link.js';

/** Messages that wait for a link that is still being made, and their octets: more than any client sends before an answer. */
const MAX_WAITING = 256;
const MAX_WAITING_OCTETS = 64 * 1024 * 1024;

/** Why there is no link. */
export class NoLink extends Error {
  /** For the `data` of the errors that it leads to. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(text: string, data?: Readonly<Record<string, unknown>>) {
    super(text);
    this.data = data;
  }
}

/**
 * A link that is still being made: what is sent on it waits for the real one. Where that comes to nothing,
 * the requests are answered with the reason, and the link has ended.
 *
 * @param emit told of what fails on a message that waited
 */
export function pendingLink(made: Promise<Link>, emit: Emit): Link {
  return new PendingLink(made, emit);
}

class PendingLink implements Link {
  #link: Link | undefined;
  #receiver: Receiver | undefined;
  #waiting: { readonly message: Message; readonly about: Key | undefined }[] = [];
  #octets = 0;
  /** Whether what waited has been sent, so that what comes goes the direct way. */
  #isThrough = false;
  /** Why it came to nothing, while that is told. */
  #failure: CloseReason | undefined;
  #isHeld = false;
  #closed: CloseReason | undefined;

  constructor(made: Promise<Link>, emit: Emit) {
    made.then(
      (link) => guarded(() => this.#made(link), emit),
      (error: unknown) => guarded(() => this.#failed(error), emit),
    );
  }

  send(message: Message, about?: Key): void {
    if (this.#closed) return;
    if (this.#failure !== undefined) this.#refuse(message, this.#failure);
    else if (this.#isThrough) this.#link?.send(message, about);
    else this.#wait(message, about);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#link?.hold?.(isHeld);
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#waiting = [];
    this.#link?.close(reason);
  }

  #wait(message: Message, about: Key | undefined): void {
    const octets = this.#octets + message.text.length;
    // One message may be as large as it likes: its transport has let it in.
    const fits = this.#waiting.length === 0 || octets <= MAX_WAITING_OCTETS;
    if (!fits || this.#waiting.length >= MAX_WAITING) {
      this.#refuse(message, { text: 'too many messages wait for the server to be found' });
      return;
    }
    this.#octets = octets;
    this.#waiting.push({ message, about });
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
        this.#waiting = [];
        this.#receiver?.closed(reason);
      },
    });
    if (this.#isHeld) link.hold?.(true);
    // What is said meanwhile, because an answer came at once, goes behind all that waited.
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      link.send(next.message, next.about);
    }
    this.#isThrough = true;
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    const data = error instanceof NoLink ? error.data : undefined;
    const reason: CloseReason = { kind: 'failed', text: wordsOf(error), ...(data && { data }) };
    this.#failure = reason;
    for (const { message } of this.#waiting.splice(0)) if (!this.#closed) this.#refuse(message, reason);
    if (this.#closed) return;
    this.#closed = reason;
    this.#receiver?.closed(reason);
  }

  #refuse({ kind, id = 'null' }: Message, { text, data }: Pick<CloseReason, 'text' | 'data'>): void {
    if (kind !== 'request') return;
    this.#receiver?.message(makeError(id, ErrorCode.InternalError, text, data), keyOf(id));
  }
}
