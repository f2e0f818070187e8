/**
 * How JSON text is held inside the proxy: one character per octet.
 *
 * A message is read from a socket or a pipe as octets (UTF-8) and written to another as octets. Holding
 * it as a string in which every character stands for one octet (what Node calls `latin1`) makes reading
 * and writing a plain copy, lets JavaScript's own string functions search and cut it, keeps every octet
 * as it was, and keeps platform types out of the core. Everything JSON gives a meaning to is ASCII.
 */
export type Wire = string;

/** The same text, held apart from the message it was cut from: engines keep the whole for a part's sake. */
export function copyWire(part: Wire): Wire {
  return ` ${part}`.slice(1);
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** The value that JSON text stands for. Throws `SyntaxError` where it is no JSON. */
export function parseWire(text: Wire): unknown {
  return JSON.parse(decodeWire(text));
}

/** A value as JSON text: pure ASCII, everything beyond it escaped, so that no encoding is needed. */
export function toWire(value: unknown): Wire {
  return asciiJson(JSON.stringify(value));
}

/** Octets to characters. Octets that are no UTF-8 come back as they are. */
export function decodeWire(text: Wire): string {
  if (!BEYOND_ASCII.test(text)) return text;
  try {
    return decodeURIComponent(
      text.replace(/[%\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    );
  } catch {
    // Not UTF-8. Showing the octets is better than losing the message over its encoding.
    return text;
  }
}

function asciiJson(json: string): Wire {
  if (!BEYOND_ASCII.test(json)) return json;
  return json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
