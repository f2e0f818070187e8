import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import type { Message } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';

/**
 * Refuses a request whose id another one has that is still open. The error has no id of its own: with that id
 * it would be taken for the answer to the other one, which goes on.
 */
export function idInUse(id: Wire): Message {
  const text = `the id ${id} is in use by a request that is still open; this one was not sent on`;
  return makeError('null', ErrorCode.InvalidRequest, text);
}
