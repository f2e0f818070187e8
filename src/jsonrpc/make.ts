import type { Message } from './message.js';
import { messageOf } from './rewrite.js';
import { toWire, type Wire } from './wire.js';

/** Messages that the proxy itself writes. `id` is raw JSON, `params` and `data` are plain values. */

export function makeRequest(id: Wire, method: string, params?: object): Message {
  return made(`{"jsonrpc":"2.0","id":${id},"method":${toWire(method)}${paramsPart(params)}}`);
}

export function makeNotification(method: string, params?: object): Message {
  return made(`{"jsonrpc":"2.0","method":${toWire(method)}${paramsPart(params)}}`);
}

/** @param ref raw JSON of the id of the request that is given up */
export function makeCancelled(ref: Wire, reason: string): Message {
  return made(
    `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${ref},"reason":${toWire(reason)}}}`,
  );
}

/** @param params raw JSON of an object */
export function makeRawRequest(id: Wire, method: string, params: Wire): Message {
  return made(`{"jsonrpc":"2.0","id":${id},"method":${toWire(method)},"params":${params}}`);
}

/** @param params raw JSON of an object */
export function makeRawNotification(method: string, params: Wire): Message {
  return made(`{"jsonrpc":"2.0","method":${toWire(method)},"params":${params}}`);
}

/** @param result raw JSON of the result, passed on as it is */
export function makeResponse(id: Wire, result: Wire): Message {
  return made(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
}

/**
 * @param id raw JSON of the request's id, `null` where it is not known; undefined: the error has none, which
 * is how the modern era says that (2026-07-28, `basic/index`, "Error Responses")
 */
export function makeError(id: Wire | undefined, code: number, message: string, data?: unknown): Message {
  const about = id === undefined ? '' : `"id":${id},`;
  const extra = data === undefined ? '' : `,"data":${toWire(data)}`;
  return made(`{"jsonrpc":"2.0",${about}"error":{"code":${code},"message":${toWire(message)}${extra}}}`);
}

function paramsPart(params: object | undefined): Wire {
  return params === undefined ? '' : `,"params":${toWire(params)}`;
}

function made(text: Wire): Message {
  const message = messageOf(text);
  if (message === undefined) throw new TypeError(`not a JSON-RPC message: ${text}`);
  return message;
}
