import type { Message } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import type { Link } from '../relay/link.js';
import type { Failure } from './failure.js';
import type { HttpClient } from './http.js';

/** A link to a server over HTTP: its end takes time, and can be waited for. */
export interface RemoteLink extends Link {
  /** Resolves after `close`, when the server has been told and nothing is open any more. Never rejects. */
  readonly done: Promise<void>;
  /** Resolves when nothing that was sent waits for its answer or its acceptance. Never rejects. */
  settled(): Promise<void>;
}

export interface UpstreamOptions {
  readonly url: URL;
  readonly http: HttpClient;
  readonly emit: Emit;
  readonly timings?: Partial<RemoteTimings>;
  /**
   * A request failed without an answer of the server's own. Whoever returns true takes it over, and the
   * client is told nothing.
   */
  readonly takeOver?: (request: Message, failure: Failure) => boolean;
}

/** Waits, in milliseconds. */
export interface RemoteTimings {
  /** For the answer to begin: to `initialize` or `server/discover`. Some servers are started by it. */
  readonly handshake: number;
  /** For a notification or an answer of the client's to be taken. */
  readonly acceptance: number;
  /** For the answer to a request that its client has cancelled, before its connection is closed. */
  readonly cancelled: number;
  /** Before a broken stream is asked for again, where the server names no time. Doubles with each failure. */
  readonly reconnect: number;
  /** The longest of those waits. */
  readonly reconnectMax: number;
  /** A stream that lasted this long was a good one, even if nothing came. */
  readonly lasting: number;
  /** Of silence on a stream of the server's, before it is asked with a ping whether it is there. */
  readonly silence: number;
  /** For the answer to that. */
  readonly pong: number;
  /** For what belongs to a lost session to be restored in the next; the client's messages wait meanwhile. */
  readonly restore: number;
  /** For the list of a server's tools to be had again; the call that was refused waits meanwhile. */
  readonly refresh: number;
  /**
   * For a server to answer the request that finds its era out, where its client can be served without: a server
   * of the legacy era may never answer it. Silence proves nothing.
   */
  readonly probe: number;
  /** For the server to take the end of its session. */
  readonly goodbye: number;
  /** For an old server's stream to begin, with the address to post to. */
  readonly endpoint: number;
  /** A remote that cannot be reached is tried again for this long. */
  readonly retryWindow: number;
  /** The wait before the second try. Doubles with each. */
  readonly retryFirst: number;
  /** The longest of those waits. */
  readonly retryMax: number;
}

export const REMOTE_TIMINGS: RemoteTimings = {
  handshake: 60_000,
  acceptance: 60_000,
  cancelled: 5_000,
  reconnect: 1_000,
  reconnectMax: 30_000,
  lasting: 5_000,
  silence: 300_000,
  pong: 30_000,
  restore: 10_000,
  refresh: 10_000,
  probe: 5_000,
  goodbye: 2_000,
  endpoint: 10_000,
  retryWindow: 10_000,
  retryFirst: 100,
  retryMax: 2_000,
};
