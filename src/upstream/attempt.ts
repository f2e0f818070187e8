/** One search for the server, and what its outcome says of what to do next. */

import type { Message } from '../jsonrpc/message.js';
import type { Failure } from '../remote/failure.js';

/** One way of reaching the server that is being tried for the client's first request. */
export interface Attempt {
  readonly opening: Message;
  readonly begunAt: number;
  tries: number;
  /** How the server refused the POST, while an HTTP+SSE stream is being asked for. */
  refusal: Failure | undefined;
}

/**
 * Statuses of a POST that say nothing of the transport: credentials, a proxy, and what passes with time.
 */
const PROVES_NOTHING = new Set([401, 403, 407, 408, 429]);

/**
 * Whether an HTTP+SSE server may show itself in this answer to a POST: any 4xx (2025-06-18, transports,
 * "Backwards Compatibility"; 2025-11-25 names 400, 404 and 405), and "Not Implemented".
 */
export function mayBeSse(status: number): boolean {
  return (status >= 400 && status < 500 && !PROVES_NOTHING.has(status)) || status === 501;
}

/** A first try, from now on. */
export function begin(opening: Message): Attempt {
  return { opening, begunAt: performance.now(), tries: 0, refusal: undefined };
}

/** Whether a message that waited for `opening`, which failed, is worth a try of its own. */
export function mayFollow(message: Message, opening: Message, failure: Failure): boolean {
  if (message.kind !== 'request' || failure.kind === 'unreachable') return false;
  // Without its `initialize`, what a client says means nothing.
  return opening.method !== 'initialize' || message.method === 'initialize';
}
