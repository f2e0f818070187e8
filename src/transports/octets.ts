import type { ServerResponse } from 'node:http';
import { LARGE, type Message, piecesOf } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';

/** The octets of texts, one after the other: each is copied once. */
export function octetsOf(pieces: readonly Wire[]): Buffer {
  const octets = Buffer.allocUnsafe(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) at += octets.write(piece, at, 'latin1');
  return octets;
}

/** A message as the body of a request. */
export function bodyOf(message: Message): Buffer {
  return octetsOf(piecesOf(message));
}

/** A message as the rest of an answer: Node joins a short text with the head, which is cheap for short ones only. */
export function endWith(response: ServerResponse, message: Message): void {
  if (message.text.length < LARGE) response.end(message.text, 'latin1');
  else response.end(bodyOf(message));
}
