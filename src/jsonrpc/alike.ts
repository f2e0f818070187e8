/** Keys that some parser takes for a member that the proxy acts on. */
import { decodeWire, type Wire } from './wire.js';

/** Keys of the message, of `params` and of `_meta`, and whatever some parser takes for one. */
export const HEAD = /^(?:jsonrpc|id|method|params|result|error)(?:\0|$)/iu;
export const PARAMS_HEAD = /^(?:_meta|progressToken|requestId)(?:\0|$)/iu;
export const META_HEAD =
  /^(?:progressToken|io\.modelcontextprotocol\/(?:protocolVersion|subscriptionId))(?:\0|$)/iu;
/** What a call is about, in these methods; others may have members of any spelling. */
export const TARGET = /^(?:name|uri)(?:\0|$)/iu;
export const TARGETED: ReadonlySet<Wire> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** Whether a key is like one of those, in any case of its letters: Go's parser folds those of all of Unicode. */
export function isLike(keys: RegExp, key: Wire): boolean {
  return keys.test(key) || (/[\x80-\xff]/.test(key) && keys.test(decodeWire(key)));
}
