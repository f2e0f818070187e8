import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { asRecord, type Message, nameOf, paramsOf, uriOf } from '../../jsonrpc/message.js';

/**
 * What a modern request says in its body and once more in HTTP headers (2026-07-28, `transports/
 * streamable-http`, "Request Metadata"): both sides of it, what a client sends and what a server checks.
 */

/** One `x-mcp-header` annotation of a tool's `inputSchema`. */
export interface DeclaredHeader {
  /** The whole name, spelled as the tool spells it: `Mcp-Param-Region`. */
  readonly header: string;
  /** Keys from the arguments of a call down to the value. */
  readonly path: readonly string[];
  readonly type: HeaderType;
}

type HeaderType = 'string' | 'integer' | 'boolean';

const ANNOTATION = 'x-mcp-header';
const TYPES: readonly HeaderType[] = ['string', 'integer', 'boolean'];
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Keywords whose value is data, in which a key means nothing. */
const DATA = new Set(['default', 'const', 'enum', 'examples']);
/** Keywords whose value has names for keys, and a schema for each. */
const MAPS = new Set(['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']);

/**
 * The headers that a tool wants of its calls ("Schema Extension" of that page), or a text that says why its
 * definition is invalid, for which a client has to leave the tool out.
 *
 * A type in which `null` stands beside one of the three is taken for that one: of a call whose value is null
 * the page says that the header is left out, so there must be parameters that can be null.
 */
export function declaredHeaders(inputSchema: unknown): readonly DeclaredHeader[] | string {
  const declared: DeclaredHeader[] = [];
  const taken = new Set<string>();
  try {
    visit(inputSchema, [], true);
  } catch (error) {
    if (error instanceof Invalid) return error.message;
    throw error;
  }
  return declared;

  /** @param path keys of `properties` down to here; `reachable`: there was nothing else on the way */
  function visit(schema: unknown, path: readonly string[], reachable: boolean): void {
    if (Array.isArray(schema)) {
      for (const item of schema) visit(item, path, false);
      return;
    }
    const keywords = asRecord(schema);
    if (Object.hasOwn(keywords, ANNOTATION)) declare(keywords, path, reachable);
    for (const [keyword, value] of Object.entries(keywords)) {
      if (keyword === ANNOTATION || DATA.has(keyword)) continue;
      if (keyword === 'properties') {
        for (const [key, property] of Object.entries(asRecord(value)))
          visit(property, [...path, key], reachable);
      } else if (MAPS.has(keyword)) {
        for (const item of Object.values(asRecord(value))) visit(item, path, false);
      } else if (typeof value === 'object') visit(value, path, false);
    }
  }

  function declare(
    keywords: Readonly<Record<string, unknown>>,
    path: readonly string[],
    reachable: boolean,
  ): void {
    const name = keywords[ANNOTATION];
    const where = path.length === 0 ? 'the schema itself' : `"${path.join('.')}"`;
    if (!reachable || path.length === 0) {
      throw new Invalid(
        `${ANNOTATION} of ${where} is not on a property that is reached through "properties" alone`,
      );
    }
    if (typeof name !== 'string' || name === '')
      throw new Invalid(`${ANNOTATION} of ${where} is no text, or empty`);
    if (!TOKEN.test(name)) {
      throw new Invalid(`${ANNOTATION} of ${where} has characters that cannot stand in the name of a header`);
    }
    const type = typeOf(keywords.type);
    if (type === undefined) {
      throw new Invalid(`${ANNOTATION} is on ${where}, whose type is none of ${TYPES.join(', ')}`);
    }
    const key = name.toLowerCase();
    if (taken.has(key)) throw new Invalid(`${ANNOTATION} "${name}" is there twice`);
    taken.add(key);
    declared.push({ header: `Mcp-Param-${name}`, path, type });
  }
}

class Invalid extends Error {}

function typeOf(type: unknown): HeaderType | undefined {
  const types: unknown[] = Array.isArray(type) ? type.filter((one) => one !== 'null') : [type];
  return types.length === 1 ? TYPES.find((known) => known === types[0]) : undefined;
}

/**
 * The headers of one call, by name in lower case, ready to be sent. A value that is null or not there has
 * none, nor has one that no header can carry: an object, an array, an integer beyond ±(2^53-1), whose digits
 * are lost. A value of another type than declared has its own form, so that the server itself says what is
 * wrong with it.
 */
export function paramHeaders(declared: readonly DeclaredHeader[], args: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of declared) {
    const text = formOf(valueAt(args, path));
    if (text !== undefined) headers[header.toLowerCase()] = encodeHeaderValue(text);
  }
  return headers;
}

/** The value at that path, by own members only: what every object inherits is nobody's argument. */
function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const key of path) {
    const members = asRecord(value);
    if (!Object.hasOwn(members, key)) return undefined;
    value = members[key];
  }
  return value;
}

function formOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return String(value);
    case 'number':
      return Number.isSafeInteger(value) || isFraction(value) ? String(value) : undefined;
    default:
      return undefined;
  }
}

function isFraction(value: number): boolean {
  return Number.isFinite(value) && !Number.isInteger(value);
}

/**
 * What is wrong with the `Mcp-Param-*` headers of a call, in words for the -32020 that it is refused with, or
 * undefined ("Server Behavior for Custom Headers"). Headers that the tool does not declare are nobody's.
 *
 * A header without a value in the body is a mismatch: the page only says that it must not be expected, but
 * whoever routes by it would act on something that the server does not see.
 */
export function paramMismatch(
  headers: IncomingHttpHeaders,
  declared: readonly DeclaredHeader[],
  args: unknown,
): string | undefined {
  for (const { header, path } of declared) {
    const given = headers[header.toLowerCase()];
    const value = valueAt(args, path);
    const form = formOf(value);
    const what = `"${path.join('.')}" in the arguments`;
    if (given === undefined) {
      if (form === undefined) continue;
      return `${header} is missing, and ${what} has a value`;
    }
    const text = decodeHeaderValue(Array.isArray(given) ? given.join(', ') : given);
    if (text === undefined) return `${header} is malformed`;
    if (value === undefined || value === null) return `${header} is there, and ${what} is not`;
    if (form === undefined) return `${header} is there, and ${what} is nothing that a header can carry`;
    if (!(typeof value === 'number' && sameNumber(text, value)) && !sameText(text, form)) {
      return `${header} is not what ${what} is`;
    }
  }
  return undefined;
}

/** `42` and `42.0` are one number; hexadecimal digits and exponents are not what a client sends. */
function sameNumber(text: string, value: number): boolean {
  return /^-?\d+(?:\.0+)?$/.test(text) && Number(text) === value;
}

/** As octets: half a surrogate pair has none of its own, and came through the header as a replacement. */
function sameText(a: string, b: string): boolean {
  return a === b || Buffer.from(a).equals(Buffer.from(b));
}

/**
 * What `Mcp-Name` has to say of a request ("Standard Request Headers"; for the tasks extension SEP-2663,
 * "Streamable HTTP: Routing Headers"), not encoded yet; undefined where it has no such header, and where the
 * member is not there or no text.
 */
export function nameHeader(request: Message): string | undefined {
  switch (request.method) {
    case 'tools/call':
    case 'prompts/get':
      return nameOf(request);
    case 'resources/read':
      return uriOf(request);
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel': {
      const { taskId } = paramsOf(request);
      return typeof taskId === 'string' ? taskId : undefined;
    }
    default:
      return undefined;
  }
}

const PREFIX = '=?base64?';
const SUFFIX = '?=';

/** Printable ASCII, with blanks and tabs inside only. */
export const PLAIN_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * A text as the value of `Mcp-Name` or `Mcp-Param-*` ("Value Encoding"): as it is, or else in Base64 of its
 * UTF-8. So is the empty text: many programs take an empty header for none.
 */
export function encodeHeaderValue(text: string): string {
  const isPlain = PLAIN_VALUE.test(text) && !isMarked(text);
  return isPlain ? text : `${PREFIX}${Buffer.from(text).toString('base64')}${SUFFIX}`;
}

/**
 * What the value of `Mcp-Name` or `Mcp-Param-*` stands for; undefined where it is malformed: characters that
 * cannot stand in a header, Base64 that is not strictly that, octets that are no UTF-8.
 */
export function decodeHeaderValue(value: string): string | undefined {
  const text = value.replace(/^[\t ]+|[\t ]+$/g, '');
  if (!/^[\t\x20-\x7e]*$/.test(text)) return undefined;
  if (!isMarked(text)) return text;
  if (text.length < PREFIX.length + SUFFIX.length) return undefined;
  const encoded = text.slice(PREFIX.length, -SUFFIX.length);
  const octets = Buffer.from(encoded, 'base64');
  // Node reads whatever comes near to Base64: only what it would write itself counts.
  if (octets.toString('base64') !== encoded || !isUtf8(octets)) return undefined;
  return octets.toString();
}

function isMarked(text: string): boolean {
  return text.startsWith(PREFIX) && text.endsWith(SUFFIX);
}
