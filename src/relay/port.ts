import type { Key, Message } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { CloseReason, Link, Receiver } from './link.js';
import { PassingMap } from './passing.js';
import type { TimeLimit } from './time-limit.js';

/** A request that is under way to the server. */
export interface Call {
  /** Whose it is; undefined: the proxy's own. */
  readonly port: Port | undefined;
  /** The id as its sender wrote it, and its key. */
  readonly id: Wire;
  readonly key: Key;
  /** The id under which the server knows it; undefined while it waits for somebody else's handshake. */
  readonly upstreamId: Wire | undefined;
  readonly method: Wire;
  /** The progress token as its sender wrote it. */
  readonly token: Wire | undefined;
  /** Whether the sender asked for a task: then its token outlives the answer. */
  readonly asTask: boolean;
  /** What the answer means to the proxy itself; runs before the sender gets it. */
  readonly onAnswer: ((answer: Message) => Message) | undefined;
  /** The time that it may take; undefined: as long as it likes. */
  limit?: TimeLimit;
}

/** What a port asks of the correlation it belongs to. */
export interface PortOwner {
  /** The session can be told something from now on. */
  listens(port: Port): void;
  fromPort(port: Port, message: Message): void;
  /** The session has enough for now, or wants more again. */
  hold(port: Port, isHeld: boolean): void;
  /** @param why in words; undefined: nobody says */
  detach(port: Port, why: string | undefined): void;
}

/** One session's own end of an upstream that several sessions may use: to the session it is its server. */
export class Port implements Link {
  /** Open requests of this session, by the key of the id that the session gave them. */
  readonly calls = new PassingMap<Key, Call>();
  /**
   * What this session's client said it can be asked: the `capabilities` of its `initialize`. Undefined: who
   * stands before it judges that.
   */
  capabilities: Readonly<Record<string, unknown>> | undefined = {};
  /** Its client can be asked something in it, where others are that it can't be asked in. */
  canBeAsked = false;
  /** It only hears what others cause. */
  isBystander = false;
  readonly #owner: PortOwner;
  #receiver: Receiver | undefined;
  #open = true;

  constructor(owner: PortOwner) {
    this.#owner = owner;
  }

  send(message: Message): void {
    if (this.#open) this.#owner.fromPort(this, message);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#open) this.#owner.listens(this);
  }

  hold(isHeld: boolean): void {
    if (this.#open) this.#owner.hold(this, isHeld);
  }

  close(reason?: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.detach(this, reason?.text);
  }

  /** Towards the session. */
  deliver(message: Message, about?: Key): void {
    if (this.#open) this.#receiver?.message(message, about);
  }

  /** Tells the session that its server is gone. */
  drop(reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receiver?.closed(reason);
  }

  /** The only request of this session that is open, where there is exactly one. */
  onlyCall(): Key | undefined {
    if (this.calls.size !== 1) return undefined;
    const [key] = this.calls.keys();
    return key;
  }
}
