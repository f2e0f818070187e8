import type { Wire } from './wire.js';

/** What a text begins and ends with, 600 characters each: all that is looked at of it, however long it is. */
export interface Ends {
  readonly head: Wire;
  readonly tail: Wire;
}

/** Characters of each end: room for an envelope whose id is as long as any that is in use. */
export const END_LENGTH = 600;

export function endsOf(text: Wire): Ends {
  return { head: text.slice(0, END_LENGTH), tail: text.slice(-END_LENGTH) };
}

/** An answer that is no valid message, and the request that it was meant for. */
export interface BrokenAnswer {
  /** Raw JSON. */
  readonly id: Wire;
  /** Whether it says itself that it is JSON-RPC. */
  readonly versioned: boolean;
}

const KEY = String.raw`"id"\s*:\s*`;
const ID = String.raw`(?:"(?:[^"\\]|\\.){0,256}"|-?\d{1,20})`;
const VERSION = String.raw`"jsonrpc"\s*:\s*"2\.0"`;
/** JSON-RPC 1.0 has both members in every answer, one of them empty. */
const EMPTY = String.raw`"(?:result|error)"\s*:\s*null`;
/** What stands around a result: members that are short, in any order. */
const AROUND = `(?:${KEY}${ID}|${VERSION}|${EMPTY})`;
/** A byte order mark may stand before it, no words. Results and errors are objects. */
const FRONT = new RegExp(String.raw`^\W{0,16}\{\s*((?:${AROUND}\s*,\s*)*)("(?:result|error)"\s*:\s*\{)?`);
const BACK = new RegExp(String.raw`[,{]\s*(${AROUND}(?:\s*,\s*${AROUND})*)\s*\}\s*$`);
const BACK_OF_RESULT = /\}\s*\}\s*$/;
const IDS = new RegExp(`${KEY}(${ID})`, 'g');
const HAS_VERSION = new RegExp(VERSION);

/**
 * The request that an answer which is no valid message (no JSON, no JSON-RPC) was meant for: so that
 * whoever waits for it is told, and does not wait for ever. Only where the text is plainly an answer: many
 * servers log to their stdout, and lines of a log have ids too. The id stands at the beginning or at the end
 * of the text, as all common libraries write it, beside the version of JSON-RPC, or around a result or an
 * error that is an object, with nothing else beside it. Undefined: it is no answer, or not known whose.
 */
export function brokenAnswer({ head, tail }: Ends): BrokenAnswer | undefined {
  const front = FRONT.exec(head);
  if (front === null || /"method"\s*:/.test(head) || /"method"\s*:/.test(tail)) return undefined;
  const [, before = '', result] = front;
  const after = BACK.exec(tail)?.[1];
  const around = `${before} ${after ?? ''}`;
  const [id, ...others] = new Set([...around.matchAll(IDS)].map(([, value]) => value));
  if (id === undefined || others.length > 0) return undefined;
  if (HAS_VERSION.test(around)) return { id, versioned: true };
  const isWhole = result !== undefined && (after !== undefined || BACK_OF_RESULT.test(tail));
  return isWhole ? { id, versioned: false } : undefined;
}
