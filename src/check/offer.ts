import { ErrorCode } from '../jsonrpc/errors.js';
import { asRecord, textOf } from '../jsonrpc/message.js';
import type { Conversation, Outcome } from './conversation.js';
import { shown, shownName } from './shown.js';

/** How long one list may take, with all its pages, in milliseconds. */
const LIST_MS = 10_000;
/** Pages of one list: a server whose cursors never end is no reason to wait for ever. */
const MAX_PAGES = 100;
/** Names of one list that are kept; all are counted. */
const MAX_NAMES = 1000;

/** One list of what a server offers. */
export interface Listed {
  readonly count: number;
  /** Their names, those of resources their URIs; the first `MAX_NAMES`. */
  readonly names: readonly string[];
  /** Whether that is all; false where it has more pages than are asked for. */
  readonly complete: boolean;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** What a server offers; undefined: nothing of the kind, as it says itself. */
export interface Offer {
  readonly tools: Listed | undefined;
  readonly prompts: Listed | undefined;
  readonly resources: Listed | undefined;
  readonly resourceTemplates: Listed | undefined;
  /** What is wrong with a list that it should have; in words that follow the server's name. */
  readonly faults: readonly string[];
}

interface Kind {
  readonly member: 'tools' | 'prompts' | 'resources' | 'resourceTemplates';
  readonly capability: string;
  readonly method: string;
  readonly name: string;
  /** Many servers that have resources know no templates. */
  readonly mayBeUnknown: boolean;
}

const KINDS: readonly Kind[] = [
  { member: 'tools', capability: 'tools', method: 'tools/list', name: 'name', mayBeUnknown: false },
  { member: 'prompts', capability: 'prompts', method: 'prompts/list', name: 'name', mayBeUnknown: false },
  {
    member: 'resources',
    capability: 'resources',
    method: 'resources/list',
    name: 'uri',
    mayBeUnknown: false,
  },
  {
    member: 'resourceTemplates',
    capability: 'resources',
    method: 'resources/templates/list',
    name: 'uriTemplate',
    mayBeUnknown: true,
  },
];

/**
 * Asks for all lists that the server says it has.
 *
 * @param capabilities of the server, from its handshake
 */
export async function offerOf(
  conversation: Conversation,
  capabilities: Readonly<Record<string, unknown>>,
  mask: (text: string) => string,
): Promise<Offer> {
  const lists: { -readonly [Member in Kind['member']]?: Listed } = {};
  const faults: string[] = [];
  for (const kind of KINDS) {
    if (capabilities[kind.capability] === undefined) continue;
    const listed = await list(conversation, kind, mask);
    if (typeof listed === 'string') faults.push(listed);
    else if (listed !== undefined) lists[kind.member] = listed;
  }
  const { tools, prompts, resources, resourceTemplates } = lists;
  return { tools, prompts, resources, resourceTemplates, faults };
}

/** Undefined: it has none, as it says; a text: what is wrong. */
async function list(
  conversation: Conversation,
  { member, method, name, mayBeUnknown }: Kind,
  mask: (text: string) => string,
): Promise<Listed | string | undefined> {
  const begunAt = performance.now();
  const names: string[] = [];
  const cursors = new Set<string>();
  let count = 0;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const left = LIST_MS - (performance.now() - begunAt);
    const params = cursor === undefined ? {} : { cursor };
    const outcome: Outcome = await conversation.ask(method, params, Math.max(0, left));
    if (outcome.kind !== 'answered') {
      if (mayBeUnknown && outcome.kind === 'refused' && outcome.code === ErrorCode.MethodNotFound)
        return undefined;
      return fault(method, outcome, mask);
    }
    const items = outcome.result[member];
    if (!Array.isArray(items)) return `answered "${method}" without a list of ${member}`;
    count += items.length;
    for (const item of items) {
      const shownOne = shownName(asRecord(item)[name], mask);
      if (shownOne !== undefined && names.length < MAX_NAMES) names.push(shownOne);
    }
    cursor = textOf(outcome.result.nextCursor, '');
    const ms = Math.round(performance.now() - begunAt);
    if (cursor === '') return { count, names, complete: true, ms };
    if (cursors.has(cursor)) return `gives the same cursor again and again in its answers to "${method}"`;
    cursors.add(cursor);
  }
  return { count, names, complete: false, ms: Math.round(performance.now() - begunAt) };
}

function fault(
  method: string,
  outcome: Exclude<Outcome, { kind: 'answered' }>,
  mask: (text: string) => string,
): string {
  switch (outcome.kind) {
    case 'refused':
      return `says that it has this, and refuses "${method}": ${shown(outcome.text, mask)}`;
    case 'ended':
      return `ended when it was asked for "${method}": ${shown(outcome.text, mask)}`;
    case 'late':
      return `did not answer "${method}" within ${LIST_MS / 1000} s`;
  }
}
