import type { Wire } from './wire.js';

const ID = String.raw`"id"\s*:\s*("(?:[^"\\]|\\.){0,256}"|-?\d{1,20})`;
const AT_START = new RegExp(String.raw`^\W{0,16}\{\s*(?:"jsonrpc"\s*:\s*"[^"]{0,8}"\s*,\s*)?${ID}`);
const AT_END = new RegExp(String.raw`${ID}\s*(?:,\s*"jsonrpc"\s*:\s*"[^"]{0,8}"\s*)?\}\s*$`);
/** Both patterns look at the ends of a text only. */
const ENDS = 600;

/**
 * The raw id of an answer that is no valid message (no JSON, no JSON-RPC): so that whoever waits for it
 * is told, and does not wait for ever. Only where the id stands at the beginning or at the end of the
 * text, as all common libraries write it: elsewhere it could be anybody's. Undefined: there is none.
 */
export function idOfBrokenAnswer(text: Wire): Wire | undefined {
  if (!/^\W{0,16}\{/.test(text)) return undefined; // a byte order mark may stand before an answer, no words
  if (/"method"\s*:/.test(text.slice(0, ENDS)) || /"method"\s*:/.test(text.slice(-ENDS))) return undefined;
  return AT_START.exec(text.slice(0, ENDS))?.[1] ?? AT_END.exec(text.slice(-ENDS))?.[1];
}
