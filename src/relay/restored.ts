import { makeNotification } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import type { Clock } from './clock.js';
import type { CloseReason, Link, Receiver } from './link.js';
import { negotiatedVersion } from './negotiated-version.js';
import type { SessionMemory } from './session-memory.js';

/** How a session that was begun again came out. */
export type Restoration =
  | { readonly kind: 'done'; readonly answer: Message }
  /** The server is gone again. */
  | { readonly kind: 'lost'; readonly reason: CloseReason }
  /** The server did not answer in time. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'refused'; readonly answer: Message }
  /** The server does not speak any more what the client agreed to. */
  | { readonly kind: 'other-version'; readonly version: string | undefined };

/**
 * A link on which a session is made again what it was on another: `initialize` with the client's own params,
 * `notifications/initialized`, its log level, its subscriptions. The client sees nothing of it. After that it is
 * a link like any other.
 */
export class RestoredLink implements Link {
  readonly restoration: Promise<Restoration>;
  readonly #link: Link;
  readonly #memory: SessionMemory;
  /** Requests of the proxy's own that are not answered. */
  readonly #own = new Set<Key>();
  readonly #begunBy: Key;
  #receiver: Receiver | undefined;
  /** What came before anybody took it. */
  #early: [Message, Key | undefined][] = [];
  #isOpen = true;
  #settle: (outcome: Restoration) => void = () => undefined;

  /** @param limit milliseconds for the answer to `initialize` */
  constructor(link: Link, memory: SessionMemory, clock: Clock, limit: number) {
    this.#link = link;
    this.#memory = memory;
    const initialize = memory.initialize();
    this.#begunBy = keyOf(initialize.id ?? 'null');
    this.restoration = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const disarm = clock.after(limit, () => this.#fail({ kind: 'silent' }));
    void this.restoration.then(disarm);
    link.listen({
      message: (message, about) => this.#heard(message, about),
      closed: (reason) => {
        if (!this.#isOpen) return;
        this.#isOpen = false;
        this.#settle({ kind: 'lost', reason });
        this.#receiver?.closed(reason);
      },
    });
    this.#ask(initialize);
  }

  send(message: Message, about?: Key): void {
    this.#link.send(message, about);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    for (const [message, about] of this.#early.splice(0)) receiver.message(message, about);
  }

  hold(isHeld: boolean): void {
    this.#link.hold?.(isHeld);
  }

  close(reason: CloseReason): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#link.close(reason);
    this.#settle({ kind: 'lost', reason });
  }

  #ask(request: Message): void {
    this.#own.add(keyOf(request.id ?? 'null'));
    this.#link.send(request);
  }

  #heard(message: Message, about: Key | undefined): void {
    if (this.#own.size > 0 && (message.kind === 'response' || message.kind === 'error')) {
      const key = keyOf(message.id ?? 'null');
      if (this.#own.delete(key)) {
        if (key === this.#begunBy) this.#begun(message);
        return;
      }
    }
    if (this.#receiver === undefined) this.#early.push([message, about]);
    else this.#receiver.message(message, about);
  }

  #begun(answer: Message): void {
    if (answer.kind === 'error') {
      // Where the server is lost, that is an answer too, and the end of the link comes right behind it.
      void Promise.resolve().then(() => this.#fail({ kind: 'refused', answer }));
      return;
    }
    const version = negotiatedVersion(answer);
    if (version !== this.#memory.version) {
      this.#fail({ kind: 'other-version', version });
      return;
    }
    this.#link.send(makeNotification('notifications/initialized'));
    for (const request of this.#memory.restoring()) this.#ask(request);
    this.#settle({ kind: 'done', answer });
  }

  #fail(outcome: Restoration): void {
    if (!this.#isOpen) return;
    this.#settle(outcome);
    this.close({ kind: 'failed', text: 'the session could not be begun again' });
  }
}
