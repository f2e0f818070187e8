import type { Era } from '../eras/versions.js';
import { type Key, keyOf, type Message, refOf } from '../jsonrpc/message.js';
import type { Link } from '../relay/link.js';
import { PassingMap } from '../relay/passing.js';
import type { Failure } from '../remote/failure.js';

/** A request of the client that is not answered. */
export interface Asked {
  readonly era: Era;
  readonly request: Message;
  /** The way to the server that it went. */
  readonly on: Link;
}

interface Open extends Asked {
  /** The server has said something about it: then it has been at work on it. */
  isBegun: boolean;
}

export interface TurningHost {
  /** Whether a server that gave this answer is to be asked again what it speaks, though it did not refuse by status. */
  isDoubtful(asked: Asked, answer: Message): boolean;
  /** Asks it. Returns whether such a request goes another way by now. Never rejects. */
  hasTurned(asked: Asked, answer: Message): Promise<boolean>;
  /** Sends a request by the way that it goes now. */
  again(asked: Asked): void;
  deliver(message: Message, about: Key | undefined): void;
}

/**
 * Statuses with which a server refuses what is of another era: headers or a session that it misses, a path or a method
 * that it does not have.
 */
const OF_ANOTHER_ERA: ReadonlySet<number | undefined> = new Set([400, 404, 405]);

/**
 * The requests of a client whose remote server may be replaced by one of the other era at any time. An answer that
 * may come of that has the server asked again, and what it has refused by its HTTP status, so that it was not
 * processed, is sent again where it turns out so: once, unless its client has cancelled it meanwhile.
 */
export class Turning {
  readonly #host: TurningHost;
  readonly #open = new PassingMap<Key, Open>();
  readonly #sentAgain = new WeakSet<Message>();
  /** What is told to the client at this moment is that its request was refused so. */
  #isRefusal = false;

  constructor(host: TurningHost) {
    this.#host = host;
  }

  /** The client's request goes out. */
  sent(asked: Asked): void {
    this.#open.set(keyOf(asked.request.id ?? 'null'), { ...asked, isBegun: false });
  }

  /** The client gives a request up. Returns the way that it went; undefined: nothing is known of it. */
  cancelled(notification: Message): Link | undefined {
    const ref = refOf(notification);
    const key = ref === undefined ? '' : keyOf(ref);
    const on = this.#open.get(key)?.on;
    this.#open.delete(key);
    return on;
  }

  /** Whether a message is about a request that the client waits for. */
  concerns(message: Message, about: Key | undefined): boolean {
    const key = isAnswer(message) ? keyOf(message.id ?? 'null') : about;
    return key !== undefined && this.#open.has(key);
  }

  /**
   * A request of a link's was refused. What that link says next, before it returns, is what has become of it in the
   * words of the client's era.
   */
  refused({ status }: Failure): void {
    this.#isRefusal = OF_ANOTHER_ERA.has(status);
    queueMicrotask(() => {
      this.#isRefusal = false;
    });
  }

  /** A message for the client. */
  heard(message: Message, about: Key | undefined): void {
    if (!isAnswer(message)) {
      const open = about === undefined ? undefined : this.#open.get(about);
      if (open !== undefined) open.isBegun = true;
      this.#host.deliver(message, about);
      return;
    }
    const key = keyOf(message.id ?? 'null');
    const open = this.#open.get(key);
    const isRefusal = this.#isRefusal && message.kind === 'error';
    this.#isRefusal = false;
    const isNew = open !== undefined && !this.#sentAgain.has(open.request);
    if (isNew && (isRefusal || this.#host.isDoubtful(open, message))) {
      void this.#doubt(open, message, about);
      return;
    }
    this.#open.delete(key);
    this.#host.deliver(message, about);
  }

  /** Nothing more is told to the client. */
  close(): void {
    this.#open.clear();
  }

  async #doubt(open: Open, answer: Message, about: Key | undefined): Promise<void> {
    const key = keyOf(open.request.id ?? 'null');
    const hasTurned = await this.#host.hasTurned(open, answer);
    // It was cancelled, or all of this is over.
    if (this.#open.get(key) !== open) return;
    this.#open.delete(key);
    // What has a result was processed.
    if (!hasTurned || open.isBegun || answer.kind !== 'error') {
      this.#host.deliver(answer, about);
      return;
    }
    this.#sentAgain.add(open.request);
    this.#host.again(open);
  }
}

function isAnswer({ kind }: Message): boolean {
  return kind === 'response' || kind === 'error';
}
