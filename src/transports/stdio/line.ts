import { LARGE, type Message, piecesOf } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';

/** U+2028, U+2029 and U+0085 in UTF-8. */
const LINE_ENDS = /\xe2\x80[\xa8\xa9]|\xc2\x85/g;
const ESCAPES: Readonly<Record<Wire, Wire>> = {
  '\xe2\x80\xa8': '\\u2028',
  '\xe2\x80\xa9': '\\u2029',
  '\xc2\x85': '\\u0085',
};

/**
 * A message as one line, with its end, for every reader: Node's `readline` ends lines at U+2028 and U+2029 too, and
 * others at U+0085, so that what somebody wrote into a text would come as a message of its own. In valid JSON these
 * stand in texts only, where they can be escaped.
 *
 * @returns the line; in pieces, one after the other, where it is large
 */
export function lineOf(message: Message): Wire | readonly Wire[] {
  if (message.text.length < LARGE) return `${onOneLine(message.text)}\n`;
  return [...piecesOf(message).map(onOneLine), '\n'];
}

function onOneLine(text: Wire): Wire {
  const isOne = !text.includes('\xe2\x80') && !text.includes('\xc2\x85');
  return isOne ? text : text.replace(LINE_ENDS, (end) => ESCAPES[end] ?? end);
}
