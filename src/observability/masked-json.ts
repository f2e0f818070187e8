import { MASK } from './secrets.js';

/**
 * Names whose values are secrets, wherever they stand, without what separates their words (`api_key`, `X-Api-Key`). Those
 * that only end like one name something of the protocol (`progressToken`) or a number (`maxTokens`).
 */
const SECRET =
  /^(?:(?:proxy)?authorization|cookie|setcookie|credentials?|(?:\w*(?:access|refresh|id|auth|api|bearer|session|user|bot|private|secret|csrf|xsrf))?token|\w*(?:password|passwd|passphrase|secret)|\w*(?:api|secret|private|access|encryption|signing)key)$/;
/** The same in the running text of a string, up to the end of the value. Each quantity is bounded: others write the text. */
const IN_TEXT =
  /((?:authorization|token|password|passwd|passphrase|secret|api[_-]?key|private[_-]?key|access[_-]?key)["']?\s{0,4}[=:]\s{0,4}["']?)(?!(?:Bearer|Basic)\b)[^\s"',;&}]{3,}/gi;
const SCHEME = /\b(Bearer|Basic)\s{1,4}[\w.~+/=-]{6,}/gi;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"?|[{}[\],:]|\s+|[^\s"{}[\],:]+/gy;
/** JSON as a text in JSON, and so on: how deep is looked. */
const MAX_DEPTH = 4;

/**
 * JSON text with a mask in place of secret values: of members whose names say so, and what looks like it in texts, also
 * where a text is JSON itself. Nothing else of it changes, no digit of a number either. The text may be cut off.
 */
export function maskJson(text: string, depth = 0): string {
  const tokens = text.match(TOKEN) ?? [];
  let masked = '';
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    const colon = token.startsWith('"') ? colonAfter(tokens, at) : undefined;
    if (colon === undefined) {
      masked += token.startsWith('"') ? maskString(token, depth) : token;
      continue;
    }
    masked += tokens.slice(at, colon + 1).join('');
    at = colon;
    if (!SECRET.test(plain(token))) continue;
    while (isSpace(tokens[at + 1])) masked += tokens[++at];
    const end = endOfValue(tokens, at + 1);
    if (end > at + 1 && tokens[at + 1] !== 'null') masked += `"${MASK}"`;
    else masked += tokens.slice(at + 1, end).join('');
    at = end - 1;
  }
  return masked;
}

/** Where the colon stands that makes a string the name of a member; undefined where it is a value. */
function colonAfter(tokens: readonly string[], at: number): number | undefined {
  const next = isSpace(tokens[at + 1]) ? at + 2 : at + 1;
  return tokens[next] === ':' ? next : undefined;
}

function isSpace(token: string | undefined): boolean {
  return token !== undefined && token.trim() === '';
}

/** The place behind the value that begins there. */
function endOfValue(tokens: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth < 0) return at;
    if (depth === 0) return at + 1;
  }
  return tokens.length;
}

/** A name as it is compared. */
function plain(token: string): string {
  return (decoded(token) ?? token).toLowerCase().replace(/[^a-z0-9]/g, '');
}

function maskString(token: string, depth: number): string {
  const isWhole = token.length > 1 && token.endsWith('"');
  const text = isWhole ? decoded(token) : undefined;
  if (text === undefined) return maskWords(token);
  const isJson = depth < MAX_DEPTH && /^\s*[{[]/.test(text);
  const masked = isJson ? maskJson(text, depth + 1) : maskWords(text);
  return masked === text ? token : JSON.stringify(masked);
}

function maskWords(text: string): string {
  return text.replace(SCHEME, `$1 ${MASK}`).replace(IN_TEXT, `$1${MASK}`);
}

/** What a string of JSON says; undefined where it is none. */
function decoded(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // cut off, or what only another parser takes for a string
  }
}
