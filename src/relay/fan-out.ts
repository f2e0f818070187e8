import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import { type Emit, wordsOf } from '../observability/events.js';
import { guarded } from './guarded.js';
import type { CloseReason, Link, Receiver } from './link.js';
import { PassingMap } from './passing.js';

/** A request that each link gets. */
interface Asked {
  readonly message: Message;
  /** Links that have not answered it. */
  waiting: number;
  isAccepted: boolean;
}

/**
 * Several links as one, for who only listens; others may join while it is open. What comes from any of them is
 * passed on. Requests, which can only be subscriptions, go to each, and are kept for those that join later; the
 * answer is the first that accepts, or else the last refusal. It ends with the last link.
 *
 * A link has to answer what was asked on it before it ends, as a `Port` does.
 */
export class FanOut implements Link {
  readonly #emit: Emit;
  readonly #links = new Set<Link>();
  readonly #asked = new PassingMap<Key, Asked>();
  /** Who put a question that is not answered, by its id. */
  readonly #askers = new PassingMap<Key, Link>();
  /** Links that are still being made. */
  #expected = 0;
  #receiver: Receiver | undefined;
  #closed: CloseReason | undefined;

  /** @param emit told of what fails when a link joins that had to be made */
  constructor(emit: Emit) {
    this.#emit = emit;
  }

  join(link: Link): void {
    if (this.#closed) {
      link.close(this.#closed);
      return;
    }
    this.#links.add(link);
    link.listen({
      message: (message) => this.#from(link, message),
      closed: (reason) => {
        this.#links.delete(link);
        this.#endWithLast(reason);
      },
    });
    for (const asked of [...this.#asked.values()]) {
      if (!this.#links.has(link)) break;
      asked.waiting += 1;
      link.send(asked.message);
    }
  }

  /** A link that is still being made joins once it is there; till then it counts as one that is. */
  expect(made: Promise<Link>): void {
    this.#expected += 1;
    const settled = (take: () => void): void => {
      this.#expected -= 1;
      guarded(take, this.#emit);
    };
    made.then(
      (link) => settled(() => this.join(link)),
      (error: unknown) => {
        settled(() => this.#endWithLast({ kind: 'failed', text: wordsOf(error) }));
      },
    );
  }

  send(message: Message): void {
    if (this.#closed) return;
    const key = keyOf(message.id ?? 'null');
    if (message.kind === 'request') {
      this.#asked.set(key, { message, waiting: this.#links.size, isAccepted: false });
    } else if (message.kind !== 'notification') {
      this.#askers.get(key)?.send(message);
      this.#askers.delete(key);
      return;
    }
    for (const link of [...this.#links]) link.send(message);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = reason;
    for (const link of [...this.#links]) link.close(reason);
    this.#forget();
  }

  #from(link: Link, message: Message): void {
    if (this.#closed) return;
    if (message.kind === 'response' || message.kind === 'error') {
      this.#answered(message);
      return;
    }
    // Two may use the same id, but who only listens answers at once.
    if (message.kind === 'request') this.#askers.set(keyOf(message.id ?? 'null'), link);
    this.#receiver?.message(message);
  }

  #answered(answer: Message): void {
    const key = keyOf(answer.id ?? 'null');
    const asked = this.#asked.get(key);
    if (asked === undefined) return;
    asked.waiting -= 1;
    if (asked.isAccepted) return;
    if (answer.kind === 'response') asked.isAccepted = true;
    else if (asked.waiting > 0) return;
    else this.#asked.delete(key);
    this.#receiver?.message(answer, key);
  }

  #endWithLast(reason: CloseReason): void {
    if (this.#closed || this.#links.size > 0 || this.#expected > 0) return;
    this.#closed = reason;
    this.#forget();
    this.#receiver?.closed(reason);
  }

  #forget(): void {
    this.#links.clear();
    this.#asked.clear();
    this.#askers.clear();
  }
}
