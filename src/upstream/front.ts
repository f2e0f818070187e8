import type { UpstreamEra } from '../config/definition.js';
import { claimsModern } from '../eras/envelope.js';
import { type Key, keyOf, type Message, refOf } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import { Cancellations } from '../relay/cancellations.js';
import type { CloseReason, Receiver } from '../relay/link.js';
import type { RemoteLink } from '../remote/remote-link.js';
import { DiscoverAtOnce } from './discover-at-once.js';
import type { LegacyRemoteOptions } from './legacy-remote.js';
import { RemoteServer } from './remote-server.js';

export interface FrontOptions extends LegacyRemoteOptions {
  readonly era: UpstreamEra;
}

/**
 * A remote server as the client at our stdin meets it, in whichever era it speaks: `initialize` and what comes
 * without a version of its own is of the legacy era, a request that names its version in `_meta` is of the
 * modern one (2026-07-28, `basic/versioning`, "Backward Compatibility"). A client may use both, one after the
 * other or side by side, since some ask with the one whether they need the other.
 */
export class Front implements RemoteLink {
  readonly done: Promise<void>;
  readonly #server: RemoteServer;
  readonly #discover: DiscoverAtOnce;
  /** Requests of the modern era that are open: a cancellation does not say of which era it is. */
  readonly #modernIds = new Set<Key>();
  readonly #cancellations = new Cancellations();
  readonly #emit: Emit;
  #receiver: Receiver | undefined;
  #finish: (closed: Promise<void>) => void = () => undefined;
  #closed = false;

  constructor(options: FrontOptions) {
    this.#emit = options.emit;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#discover = new DiscoverAtOnce((message) => this.#toClient(message));
    const receiver: Receiver = {
      message: (message, about) => {
        if (!this.#discover.answered(message)) this.#toClient(message, about);
      },
      // Every request was answered with the reason; the next one begins anew.
      closed: () => undefined,
    };
    this.#server = new RemoteServer(options, receiver);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (this.#closed) return;
    this.#cancellations.sent(message);
    if (!this.#isModern(message)) {
      this.#server.legacy(message);
      return;
    }
    if (message.kind === 'request') this.#modernIds.add(keyOf(message.id ?? 'null'));
    if (message.method === 'server/discover') this.#discover.asked(message);
    this.#server.modern(message);
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#discover.close();
    this.#finish(this.#server.close(reason));
  }

  settled(): Promise<void> {
    return this.#server.settled();
  }

  #isModern(message: Message): boolean {
    if (claimsModern(message)) return true;
    const ref = message.method === 'notifications/cancelled' ? refOf(message) : undefined;
    return ref !== undefined && this.#modernIds.delete(keyOf(ref));
  }

  #toClient(message: Message, about?: Key): void {
    if (message.kind === 'response' || message.kind === 'error') {
      this.#modernIds.delete(keyOf(message.id ?? 'null'));
    }
    if (this.#cancellations.concerns(message)) {
      const what = message.method ?? (message.kind === 'error' ? 'an error' : 'a response');
      this.#emit({ level: 'debug', text: `Dropped ${what}: its request was cancelled by the client.` });
      return;
    }
    this.#receiver?.message(message, about);
  }
}
