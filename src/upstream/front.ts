import type { UpstreamEra } from '../config/definition.js';
import { type ClientInfo, clientInfo, clientInfoOf } from '../eras/client-info.js';
import { claimsModern, isHalfModern, readEnvelope } from '../eras/envelope.js';
import type { Era } from '../eras/versions.js';
import { type Key, keyOf, type Message, refOf } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import { LISTEN } from '../relay/calls.js';
import { Cancellations } from '../relay/cancellations.js';
import type { CloseReason, Receiver } from '../relay/link.js';
import { negotiatedVersion } from '../relay/negotiated-version.js';
import { PassingMap } from '../relay/passing.js';
import type { RemoteLink } from '../remote/remote-link.js';
import { Waiters } from '../remote/waiters.js';
import { DiscoverAtOnce } from './discover-at-once.js';
import type { LegacyRemoteOptions } from './legacy-remote.js';
import { RemoteServer } from './remote-server.js';

export interface FrontOptions extends LegacyRemoteOptions {
  readonly era: UpstreamEra;
}

/** A request of the client that is not answered. */
interface Open {
  readonly era: Era;
  /** What the client says of itself, where this is its `initialize`. */
  readonly initialize: ClientInfo | undefined;
  /** Whether its answer is the end of a stream of notifications, which nobody waits for. */
  readonly listens: boolean;
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
  /** By the id: a cancellation does not say of which era it is. */
  readonly #open = new PassingMap<Key, Open>();
  readonly #answered = new Waiters();
  readonly #cancellations = new Cancellations();
  readonly #emit: Emit;
  #hasToldModern = false;
  /** Whether the client has said more than to ask what there is. */
  #inUse = false;
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
        const heard = this.#discover.heard(message);
        if (heard !== undefined) this.#toClient(heard, about);
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
    if (message.method === 'notifications/cancelled') {
      this.#cancel(message);
      return;
    }
    const era = claimsModern(message) || isHalfModern(message) ? 'modern' : 'legacy';
    if (message.kind === 'request') {
      const listens = message.method === LISTEN;
      const initialize = message.method === 'initialize' ? clientInfoOf(message) : undefined;
      this.#open.set(keyOf(message.id ?? 'null'), { era, listens, initialize });
      if (era === 'modern') this.#tellModern(message);
    }
    const asks = era === 'modern' && message.kind === 'request' && message.method === 'server/discover';
    if (asks) this.#server.modern(this.#discover.asked(message));
    else {
      this.#inUse = true;
      this.#server[era](message);
    }
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#discover.close();
    this.#open.clear();
    this.#answered.wake();
    this.#finish(this.#server.close(reason));
  }

  /** What the proxy asks the server for itself, or to answer better than it has answered, is not waited for. */
  async settled(): Promise<void> {
    for (;;) {
      while (this.#waits) await this.#answered.wait();
      if (this.#closed || !this.#inUse) return;
      await this.#server.settled();
      if (!this.#waits) return;
    }
  }

  get #waits(): boolean {
    for (const { listens } of this.#open.values()) if (!listens) return true;
    return false;
  }

  /** The client gives a request up: it waits for nothing more. */
  #cancel(notification: Message): void {
    const ref = refOf(notification);
    const key = ref === undefined ? '' : keyOf(ref);
    const era = this.#open.get(key)?.era ?? (claimsModern(notification) ? 'modern' : 'legacy');
    this.#answeredTo(key);
    this.#server[era](this.#discover.cancelled(notification));
  }

  #toClient(message: Message, about?: Key): void {
    if (message.kind === 'response' || message.kind === 'error') {
      const key = keyOf(message.id ?? 'null');
      const client = this.#open.get(key)?.initialize;
      if (client !== undefined && message.kind === 'response') {
        this.#tell(
          `The client, ${client.name} ${client.version}, has a session of MCP ${negotiatedVersion(message) ?? 'unknown'}.`,
        );
      }
      this.#answeredTo(key);
    } else if (message.method === 'notifications/cancelled') {
      // A server ends with it what is listened to; of the legacy era, it is about a question of its own.
      const ref = refOf(message);
      const key = ref === undefined ? '' : keyOf(ref);
      if (this.#open.get(key)?.listens === true) {
        this.#answeredTo(key);
        this.#cancellations.over(key);
      }
    }
    if (this.#cancellations.concerns(message)) {
      const what = message.method ?? (message.kind === 'error' ? 'an error' : 'a response');
      this.#emit({ level: 'debug', text: `Dropped ${what}: its request was cancelled by the client.` });
      return;
    }
    this.#receiver?.message(message, about);
  }

  /** Once: the client says the same of itself with every request. */
  #tellModern(request: Message): void {
    const envelope = this.#hasToldModern ? '' : readEnvelope(request);
    if (typeof envelope === 'string') return;
    this.#hasToldModern = true;
    const { name, version } = clientInfo(envelope.clientInfo);
    this.#tell(`The client, ${name} ${version}, speaks MCP ${envelope.version}.`);
  }

  #tell(text: string): void {
    this.#emit({ level: 'info', text });
  }

  #answeredTo(key: Key): void {
    if (this.#open.delete(key) && this.#answered.some && !this.#waits) this.#answered.wake();
  }
}
