import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import type { Message } from '../../jsonrpc/message.js';
import { scan } from '../../jsonrpc/scan.js';
import type { Wire } from '../../jsonrpc/wire.js';

/** Text that was put together out of parts of messages, as a message; undefined where it is none any more. */
export function messageOf(text: Wire): Message | undefined {
  const scanned = scan(text);
  return scanned.kind === 'batch' || scanned.kind === 'malformed' ? undefined : scanned;
}

/** The message with one stretch of its text replaced, found anew; undefined where it is none any more. */
export function replaced(message: Message, at: number, end: number, value: Wire): Message | undefined {
  return messageOf(message.text.slice(0, at) + value + message.text.slice(end));
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
