import { type Message, paramsOf, textOf } from '../../jsonrpc/message.js';
import type { CloseReason } from '../../relay/link.js';

/** Why a request ends that its client cancels: in the client's own words, which the server may log. */
export function cancellationOf(notification: Message): CloseReason {
  return { kind: 'ended', text: textOf(paramsOf(notification).reason, 'the client cancelled the request') };
}
