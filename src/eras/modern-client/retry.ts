import { membersOf } from '../../jsonrpc/members.js';
import type { Message } from '../../jsonrpc/message.js';
import { parseWire, type Wire } from '../../jsonrpc/wire.js';

/** What a request brings that goes on with an earlier one (2026-07-28, `basic/patterns/mrtr`). */
export interface Retry {
  readonly state: string;
  /** Raw JSON of each response, an object, by the key of what was asked. */
  readonly responses: ReadonlyMap<string, Wire>;
}

/**
 * Reads it. Undefined: the request is a fresh one; without a state there is nothing that answers could belong
 * to, and what a server does not recognize it should ignore ("Error Handling"). A text: why it can be neither.
 */
export function retryOf(request: Message): Retry | string | undefined {
  if (request.paramsAt < 0) return undefined;
  let state: Wire | undefined;
  let responses: Wire | undefined;
  for (const { key, value } of membersOf(request.text.slice(request.paramsAt, request.paramsEnd))) {
    if (key === 'requestState') state = value;
    else if (key === 'inputResponses') responses = value;
  }
  if (state === undefined) return undefined;
  const text = parseWire(state);
  if (typeof text !== 'string') return 'params.requestState must be a text';
  if (responses !== undefined && !responses.startsWith('{')) return 'params.inputResponses must be an object';
  const byKey = new Map<string, Wire>();
  for (const { key, value } of membersOf(responses ?? '{}')) {
    if (!value.startsWith('{')) return `params.inputResponses[${JSON.stringify(key)}] must be an object`;
    byKey.set(key, value);
  }
  return { state: text, responses: byKey };
}
