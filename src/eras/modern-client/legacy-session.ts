import type { Wire } from '../../jsonrpc/wire.js';
import type { Link } from '../../relay/link.js';

/** A legacy session that is there for a modern client: its handshake is done with what the client declares. */
export interface LegacySession {
  /**
   * Speaks legacy; in every respect like a `Port` of src/relay/port.ts: request ids are the session's own;
   * closing it abandons open calls (the server hears `notifications/cancelled`) and answers open questions
   * with an error.
   */
  readonly link: Link;
  /** Raw result of `initialize`. */
  readonly initialized: Wire;
}

/** Gives a session for one modern request. What it throws or rejects with is told to the client in words. */
export type OpenSession = () => LegacySession | Promise<LegacySession>;
