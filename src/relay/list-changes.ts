import { makeNotification } from '../jsonrpc/make.js';
import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';

/** Kinds of lists that a server can change (2025-11-25, `ServerCapabilities`). */
const LISTS = ['tools', 'prompts', 'resources'];

/**
 * What tells a client that every list may be another, after its session was begun again: a server that forgot
 * it has often restarted.
 *
 * @param answer the server's answer to `initialize`
 */
export function listChanges(answer: Message): Message[] {
  const { capabilities } = asRecord(parseWire(answerOf(answer)));
  return LISTS.filter((list) => asRecord(asRecord(capabilities)[list]).listChanged === true).map((list) =>
    makeNotification(`notifications/${list}/list_changed`),
  );
}
