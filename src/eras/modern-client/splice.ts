import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import { type Message, withId, withInserted } from '../../jsonrpc/message.js';
import { messageOf } from '../../jsonrpc/rewrite.js';
import type { Wire } from '../../jsonrpc/wire.js';

/** One stretch of a message's text, and what stands there instead. */
export interface Change {
  readonly at: number;
  readonly end: number;
  readonly value: Wire;
}

/** The message with stretches of its text replaced, found anew; undefined where it is none any more. */
export function replaced(message: Message, ...changes: readonly Change[]): Message | undefined {
  return messageOf(changed(message.text, changes));
}

/**
 * The message with another id, and with something put in between which leaves it the message that it is.
 * All at once: a text that was just put together is copied whole when it is cut again, and it may be large.
 */
export function withIdAndInserted(
  message: Message,
  id: Wire,
  inserted: readonly Pick<Change, 'at' | 'value'>[],
): Message {
  const ofId = { at: message.idAt, end: message.idEnd, value: id };
  const changes = [ofId, ...inserted.map(({ at, value }) => ({ at, end: at, value }))];
  // From behind, so that what stands before has not moved; the text would be copied for nothing.
  let moved: Message = { ...message, text: '' };
  for (const change of changes.toSorted((a, b) => b.at - a.at)) {
    moved = change === ofId ? withId(moved, id) : withInserted(moved, change.at, change.value);
  }
  return { ...moved, text: changed(message.text, changes) };
}

function changed(text: Wire, changes: readonly Change[]): Wire {
  let whole = '';
  let from = 0;
  for (const { at, end, value } of changes.toSorted((a, b) => a.at - b.at)) {
    whole += text.slice(from, at) + value;
    from = end;
  }
  return whole + text.slice(from);
}

/**
 * A response around a result whose parts come from the other side. Such a part may stand deeper now than
 * where it came from, too deep for a message; then it is an error that says so.
 *
 * @param id raw JSON
 * @param result raw JSON
 */
export function responseAround(id: Wire, result: Wire): Message {
  return (
    messageOf(`{"jsonrpc":"2.0","id":${id},"result":${result}}`) ??
    makeError(id, ErrorCode.InternalError, 'what the server sent is nested too deeply to be passed on')
  );
}
