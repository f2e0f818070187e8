/** One `subscriptions/listen`: what it asks for, and what of it the server honours. */
import { asRecord, type Key, type Message, paramsOf } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { List } from './initialize.js';

/** Hears what became of a wish: undefined where it is fulfilled, else why not. */
export type Reply = (refusal?: { readonly code: number; readonly text: string }) => void;

/** A client's `resources/subscribe` (`wanted`) or `resources/unsubscribe`. */
export interface Wish {
  readonly uri: string;
  readonly wanted: boolean;
  readonly reply: Reply;
}

export interface Stream {
  readonly id: Wire;
  readonly key: Key;
  /** What was asked for; once acknowledged, what of it the server honours. */
  lists: ReadonlySet<List>;
  uris: ReadonlySet<string>;
  /** What the client hears of when the stream is there. */
  readonly wishes: readonly Wish[];
  /** When it was acknowledged, in milliseconds of the clock. */
  since: number;
  /** Takes back the wait for the acknowledgement. */
  readonly disarm: () => void;
}

const FIELDS = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const;

/** The `notifications` of the request (2026-07-28, `basic/patterns/subscriptions`, "Notification Filter"). */
export function filterOf({ lists, uris }: Pick<Stream, 'lists' | 'uris'>): object {
  const fields = Object.fromEntries([...lists].map((list) => [FIELDS[list], true]));
  return uris.size === 0 ? fields : { ...fields, resourceSubscriptions: [...uris] };
}

/**
 * Leaves in the stream what the server honours of it.
 *
 * @param acknowledgement `notifications/subscriptions/acknowledged`
 * @returns the resources that it does not honour
 */
export function honour(stream: Stream, acknowledgement: Message): string[] {
  const honoured = asRecord(paramsOf(acknowledgement).notifications);
  const named = honoured.resourceSubscriptions;
  const uris = new Set<unknown>(Array.isArray(named) ? named : []);
  const refused = [...stream.uris].filter((uri) => !uris.has(uri));
  stream.lists = new Set([...stream.lists].filter((list) => honoured[FIELDS[list]] === true));
  stream.uris = new Set([...stream.uris].filter((uri) => uris.has(uri)));
  return refused;
}
