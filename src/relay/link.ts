import type { Key, Message } from '../jsonrpc/message.js';

/**
 * A two-way pipe of messages to one peer. Every transport half is a link, or makes links.
 *
 * `about` is the key of a request that came from the peer and is still open, to which a message belongs
 * (an answer names its request by its own id). A transport that has one channel ignores it; Streamable
 * HTTP puts the message on that request's own stream.
 */
export interface Link {
  /** Hands one message to the peer. Never throws, never blocks; on a closed link the message is dropped. */
  send(message: Message, about?: Key): void;
  /** Says who takes what comes from the peer. Called once, before anything is delivered. */
  listen(receiver: Receiver): void;
  /**
   * Whoever takes what comes from the peer has enough for now, or wants more again. A link that can't hold its peer
   * back has no such thing; what comes then goes on as before.
   */
  hold?(isHeld: boolean): void;
  /** Ends the link. Happens once; later calls do nothing. The receiver is not called for its own close. */
  close(reason: CloseReason): void;
}

export interface Receiver {
  message(message: Message, about?: Key): void;
  /** Much waits for the peer, which reads more slowly than it is sent to; or no longer. */
  slow?(isSlow: boolean): void;
  /** The peer is gone. Called at most once, and not after `close`. */
  closed(reason: CloseReason): void;
}

/** Why a link ended. `text` is for people: what happened, to whom, and what can be done. */
export interface CloseReason {
  readonly kind: 'ended' | 'failed' | 'stopping' | 'idle';
  readonly text: string;
  /** For the `data` of the JSON-RPC errors that the loss of the link leads to. Holds no secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
}
