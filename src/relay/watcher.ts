import type { Message } from '../jsonrpc/message.js';
import type { CloseReason } from './link.js';

/**
 * Sees what passes between one client and its server, as the client has it: its own ids, its own era. It never throws
 * and never blocks, and changes nothing but the trace that a request is part of.
 */
export interface Watcher {
  /** The client has sent a message. Returns it as it goes on to its server. */
  fromClient(message: Message): Message;
  /** A message goes to the client. */
  toClient(message: Message): void;
  /** Nothing will pass any more. Called once. */
  closed(reason: CloseReason): void;
}
