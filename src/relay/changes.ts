import { makeNotification } from '../jsonrpc/make.js';
import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';

/** Kinds of lists that a server can change (2025-11-25, `ServerCapabilities`). */
const LISTS = ['tools', 'prompts', 'resources'];

/**
 * What tells a client, whose session was begun again, of all that may have changed meanwhile: a server that forgot
 * it has often restarted.
 *
 * @param answer the server's answer to `initialize`
 * @param subscribed URIs of the resources that the client has subscribed to
 */
export function changesSince(answer: Message, subscribed: Iterable<string>): Message[] {
  const { capabilities } = asRecord(parseWire(answerOf(answer)));
  const lists = LISTS.filter((list) => asRecord(asRecord(capabilities)[list]).listChanged === true);
  return [
    ...lists.map((list) => makeNotification(`notifications/${list}/list_changed`)),
    ...[...subscribed].map((uri) => makeNotification('notifications/resources/updated', { uri })),
  ];
}
