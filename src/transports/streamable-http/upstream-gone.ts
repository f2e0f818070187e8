import { answerOf, asRecord, keyOf, type Message } from '../../jsonrpc/message.js';
import { parseWire } from '../../jsonrpc/wire.js';
import type { Failure } from '../../remote/failure.js';

/** With this code the official SDKs' servers say that they do not know a session. */
const SESSION_NOT_FOUND = -32001;

/**
 * How servers word it that refuse an unknown session with 400, where the specification asks for 404: the
 * official example servers, and the official SDK's transport where one server has one session.
 */
const WORDS =
  /no valid session|(?:invalid|unknown|expired) session|session(?: id)?(?: is| was)? (?:not found|invalid|unknown|expired)|server not initialized/i;

/**
 * Whether a refusal of what named a session says that there is no such session (2025-11-25, transports,
 * "Session Management"). Nothing of it was processed then.
 *
 * @param refused what was posted; undefined for a GET
 */
export function saysSessionGone({ status, answer }: Failure, refused: Message | undefined): boolean {
  if (status !== 404 && status !== 400) return false;
  if (answer === undefined) return status === 404;
  const { code, message } = asRecord(parseWire(answerOf(answer)));
  const isItsAnswer =
    refused?.id !== undefined && answer.id !== undefined && keyOf(answer.id) === keyOf(refused.id);
  if (status === 404) return !isItsAnswer || code === SESSION_NOT_FOUND;
  return !isItsAnswer && typeof message === 'string' && WORDS.test(message);
}
