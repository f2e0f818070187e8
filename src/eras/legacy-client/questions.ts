/** Reads an `input_required` result, and makes the requests to a legacy client of it. */
import { memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import type { Message } from '../../jsonrpc/message.js';
import { messageOf } from '../../jsonrpc/rewrite.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { legacyOutput, legacyTool, withElements, withMember } from './loosened.js';

/** Questions in one result. A person answers a few; more is a server that has gone astray. */
export const MAX_QUESTIONS = 64;

/** What a server may ask (2026-07-28, `basic/patterns/mrtr`, "Server Requirements"). */
const ASKABLE: ReadonlySet<unknown> = new Set(['elicitation/create', 'sampling/createMessage', 'roots/list']);

/** One entry of `inputRequests`. */
export interface Entry {
  /** Raw JSON of the key under which the server wants the answer. */
  readonly rawKey: Wire;
  readonly method: string;
  /** Raw JSON of the question's params; undefined: it has none. */
  readonly params: Wire | undefined;
}

interface InputRequired {
  /** undefined: the result has no `inputRequests`. */
  readonly entries: readonly Entry[] | undefined;
  /** Raw JSON of `requestState`, to be given back octet for octet. */
  readonly state: Wire | undefined;
}

/**
 * Reads the raw JSON of an `InputRequiredResult` (2026-07-28, `basic/patterns/mrtr`).
 *
 * @returns a text that says what is wrong with it, beginning with a verb: the server is what did it
 */
export function readInputRequired(result: Wire): InputRequired | string {
  const state = memberOf(result, 'requestState');
  if (state !== undefined && !state.startsWith('"')) return 'sent a requestState that is no text';
  const requests = memberOf(result, 'inputRequests');
  if (requests === undefined) {
    return state === undefined ? 'needs input, but does not say which' : { entries: undefined, state };
  }
  if (!requests.startsWith('{')) return 'sent inputRequests that are no object';
  const members = new Map(membersOf(requests).map((member) => [member.key, member]));
  if (members.size > MAX_QUESTIONS) {
    return `asked ${members.size} questions at once, and at most ${MAX_QUESTIONS} are passed on`;
  }
  const entries: Entry[] = [];
  for (const { rawKey, value } of members.values()) {
    const method: unknown = parseWire(memberOf(value, 'method') ?? 'null');
    if (typeof method !== 'string' || !ASKABLE.has(method)) {
      return `asked the client for ${typeof method === 'string' ? method : 'something without a method'}, which no server may`;
    }
    entries.push({ rawKey, method, params: memberOf(value, 'params') });
  }
  return { entries, state };
}

/**
 * The request to the client; undefined where the entry makes no valid one.
 *
 * @param id raw JSON of the request's id
 * @param elicitationId for a question that sends the person to a URL: 2025-11-25 wants one
 *   (`client/elicitation`, "URL Mode Elicitation Requests"), 2026-07-28 has none
 */
export function questionOf(entry: Entry, id: Wire, elicitationId: () => string): Message | undefined {
  let { params } = entry;
  if (entry.method === 'elicitation/create' && params !== undefined) {
    const members = membersOf(params);
    const isUrl = memberOf(params, 'mode') === '"url"';
    if (isUrl && !members.some(({ key }) => key === 'elicitationId')) {
      params = objectOf([...members, { rawKey: '"elicitationId"', value: toWire(elicitationId()) }]);
    }
  }
  if (entry.method === 'sampling/createMessage' && params !== undefined) params = legacySampling(params);
  const rest = params === undefined ? '' : `,"params":${params}`;
  return messageOf(`{"jsonrpc":"2.0","id":${id},"method":"${entry.method}"${rest}}`);
}

/** The tools that the model may use, and the results of those it has used, as the legacy era knows them. */
function legacySampling(params: Wire): Wire {
  const withTools = withMember(params, 'tools', (tools) => withElements(tools, legacyTool));
  return withMember(withTools, 'messages', (messages) =>
    withElements(messages, (message) =>
      withMember(message, 'content', (content) =>
        content.startsWith('[') ? withElements(content, legacyBlock) : legacyBlock(content),
      ),
    ),
  );
}

function legacyBlock(block: Wire): Wire {
  return memberOf(block, 'type') === '"tool_result"' ? legacyOutput(block) : block;
}
