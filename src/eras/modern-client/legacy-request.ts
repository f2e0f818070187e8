import { type Member, membersOf, objectOf } from '../../jsonrpc/members.js';
import { type Message, withId } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { ENVELOPE_KEYS } from '../meta-keys.js';
import { type Change, replaced } from './splice.js';

/** What only the modern era has in params: the answers to `input_required` and its state. */
const RETRY_KEYS: ReadonlySet<string> = new Set(['inputResponses', 'requestState']);

/**
 * A modern request as a legacy server understands it: without what the legacy era says once and for all in
 * its handshake (2026-07-28, `basic/index`, "`_meta`"), and without what was between client and proxy.
 * All else keeps its octets.
 *
 * @param id raw JSON of the id that it gets
 */
export function legacyRequest(request: Message, id: Wire): Message {
  const ofId = { at: request.idAt, end: request.idEnd, value: id };
  return stripped(request, [ofId]) ?? withId(request, id);
}

/** The same for a message that keeps its id, or has none. */
export function withoutEnvelope(message: Message): Message {
  return stripped(message, []) ?? message;
}

/** With other changes at the same time. Undefined where the message has no params. */
function stripped(message: Message, others: readonly Change[]): Message | undefined {
  const { text, paramsAt, paramsEnd } = message;
  if (paramsAt < 0) return undefined;
  const members: Pick<Member, 'rawKey' | 'value'>[] = [];
  for (const member of membersOf(text.slice(paramsAt, paramsEnd))) {
    if (RETRY_KEYS.has(member.key)) continue;
    // Not modern, but a legacy server would begin a task that a modern client cannot follow.
    if (member.key === 'task' && message.method === 'tools/call') continue;
    if (member.key !== '_meta') members.push(member);
    else {
      const rest = membersOf(member.value).filter(({ key }) => !ENVELOPE_KEYS.has(key));
      if (rest.length > 0) members.push({ rawKey: member.rawKey, value: objectOf(rest) });
    }
  }
  // What is left of a message by leaving members out is a message still.
  return replaced(message, ...others, { at: paramsAt, end: paramsEnd, value: objectOf(members) });
}
