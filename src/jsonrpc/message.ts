import { parseWire, toWire, type Wire } from './wire.js';

/**
 * One JSON-RPC message: its text on one line, and where in it the parts stand that a proxy has to see.
 *
 * The rest of the text is never built into objects. Offsets count characters of `text` (octets); a part
 * that is absent has -1. `id` is the raw JSON of the id (`7`, `"a"`), so that no digit of it is lost.
 */
export interface Message {
  readonly kind: MessageKind;
  readonly text: Wire;
  /**
   * The same text in pieces, where it is large and was put together: whoever writes it takes them one by one, so that
   * the engine need not join them first. Undefined: `text` is in one piece, or small.
   */
  readonly pieces: readonly Wire[] | undefined;
  /** Raw JSON of `id`; `null` in an error that answers nothing; absent in a notification. */
  readonly id: Wire | undefined;
  readonly idAt: number;
  readonly idEnd: number;
  /** Method name of a request or notification, without its quotes. */
  readonly method: Wire | undefined;
  readonly paramsAt: number;
  readonly paramsEnd: number;
  /** The value of `result` in a response, of `error` in an error. */
  readonly answerAt: number;
  readonly answerEnd: number;
  /** `params._meta.progressToken` of a request, `params.progressToken` of a progress notification. */
  readonly tokenAt: number;
  readonly tokenEnd: number;
  /** `params.requestId` of `notifications/cancelled`. */
  readonly refAt: number;
  readonly refEnd: number;
  /** `params.task` of a request that asks to be run as a task (2025-11-25, tasks). */
  readonly taskAt: number;
  /** `params._meta` of a request or notification, `result._meta` of a response. */
  readonly metaAt: number;
  readonly metaEnd: number;
  /** `params.name` and `params.uri` of a request: what a call is about (2026-07-28, `Mcp-Name`). */
  readonly nameAt: number;
  readonly nameEnd: number;
  readonly uriAt: number;
  readonly uriEnd: number;
  /** `io.modelcontextprotocol/protocolVersion` in `params._meta`: what makes a message a modern one. */
  readonly versionAt: number;
  readonly versionEnd: number;
  /** `io.modelcontextprotocol/subscriptionId` in `_meta` of params or result (2026-07-28). */
  readonly subscriptionAt: number;
  readonly subscriptionEnd: number;
  /** `result.resultType` of a response (2026-07-28). */
  readonly typeAt: number;
  readonly typeEnd: number;
  /** `result.ttlMs` and `result.cacheScope` of a response (2026-07-28, caching): whether they are there. */
  readonly ttlAt: number;
  readonly scopeAt: number;
  /** Whether `result.isError` is `true`: a tool has failed, and says so in its result. */
  readonly isToolError: boolean;
}

export type MessageKind = 'request' | 'notification' | 'response' | 'error';

/** An id or progress token in the one form that equal values share: usable as a map key. */
export type Key = string;

/** Raw JSON of an id or token → its key: `1` and `1.0` are one number, `"a"` and `"\u0061"` one string. */
export function keyOf(raw: Wire): Key {
  if (raw.charCodeAt(0) === 0x22) {
    // What is beyond ASCII may stand there as octets or escaped.
    return /[\\\x80-\xff]/.test(raw) ? toWire(parseWire(raw)) : raw;
  }
  if (/^(?:0|-?[1-9]\d{0,14})$/.test(raw)) return raw;
  const number = Number(raw);
  return Number.isSafeInteger(number) ? String(number) : raw;
}

/** Raw JSON of the progress token, or undefined. */
export function tokenOf(message: Message): Wire | undefined {
  return message.tokenAt < 0 ? undefined : message.text.slice(message.tokenAt, message.tokenEnd);
}

/** Raw JSON of `params.requestId`, or undefined. */
export function refOf(message: Message): Wire | undefined {
  return message.refAt < 0 ? undefined : message.text.slice(message.refAt, message.refEnd);
}

/** Raw JSON of a response's `result` or an error's `error`; empty for other kinds. */
export function answerOf(message: Message): Wire {
  return message.answerAt < 0 ? '' : message.text.slice(message.answerAt, message.answerEnd);
}

/** The params as an object, built on demand: for the few methods whose params the proxy must read. */
export function paramsOf(message: Message): Readonly<Record<string, unknown>> {
  if (message.paramsAt < 0) return {};
  return asRecord(parseWire(message.text.slice(message.paramsAt, message.paramsEnd)));
}

/** A value as a record of members; an empty one where it is no object. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** A value where it is a text, else `otherwise`. `String(value)` would throw for some values that JSON can hold. */
export function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** Raw JSON of one part of a message, given by its offsets; undefined where it is absent. */
function partOf(message: Message, at: number, end: number): Wire | undefined {
  return at < 0 ? undefined : message.text.slice(at, end);
}

/** Raw JSON of `_meta`, or undefined. */
export function metaOf(message: Message): Wire | undefined {
  return partOf(message, message.metaAt, message.metaEnd);
}

/** The text of `params.name`, or undefined where it is none. */
export function nameOf(message: Message): string | undefined {
  return textIn(partOf(message, message.nameAt, message.nameEnd));
}

/** The text of `params.uri`, or undefined where it is none. */
export function uriOf(message: Message): string | undefined {
  return textIn(partOf(message, message.uriAt, message.uriEnd));
}

/** Raw JSON of the protocol version that a modern message names, or undefined. */
export function versionOf(message: Message): Wire | undefined {
  return partOf(message, message.versionAt, message.versionEnd);
}

/** Raw JSON of the subscription that a message belongs to, or undefined. */
export function subscriptionOf(message: Message): Wire | undefined {
  return partOf(message, message.subscriptionAt, message.subscriptionEnd);
}

/** The text of `result.resultType`, or undefined where it is none. */
export function resultTypeOf(message: Message): string | undefined {
  return textIn(partOf(message, message.typeAt, message.typeEnd));
}

function textIn(raw: Wire | undefined): string | undefined {
  const value = raw === undefined ? undefined : parseWire(raw);
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function withId(message: Message, id: Wire): Message {
  return { ...splice(message, message.idAt, message.idEnd, id), id };
}

export function withToken(message: Message, token: Wire): Message {
  return splice(message, message.tokenAt, message.tokenEnd, token);
}

export function withRef(message: Message, id: Wire): Message {
  return splice(message, message.refAt, message.refEnd, id);
}

export function withSubscription(message: Message, id: Wire): Message {
  return splice(message, message.subscriptionAt, message.subscriptionEnd, id);
}

/**
 * The message with something put in between, which must leave it the message that it is: the rest moves along.
 * What is put in is not looked for: the offsets are those of what stood there before.
 *
 * @param at offset in the message's text
 */
export function withInserted(message: Message, at: number, text: Wire): Message {
  return splice(message, at, at, text);
}

/** Characters of a text from which it costs more to join its parts than to keep them. */
export const LARGE = 16 * 1024;

/** The message with one stretch of its text replaced; whatever stands behind it moves along. */
function splice(message: Message, at: number, end: number, value: Wire): Message {
  const moved = value.length - (end - at);
  const shift = (offset: number): number => (offset >= end ? offset + moved : offset);
  const pieces = message.text.length < LARGE ? undefined : replaced(piecesOf(message), at, end, value);
  return {
    kind: message.kind,
    text: pieces?.reduce(concat) ?? message.text.slice(0, at) + value + message.text.slice(end),
    pieces,
    id: message.id,
    idAt: shift(message.idAt),
    idEnd: shift(message.idEnd),
    method: message.method,
    paramsAt: shift(message.paramsAt),
    paramsEnd: shift(message.paramsEnd),
    answerAt: shift(message.answerAt),
    answerEnd: shift(message.answerEnd),
    tokenAt: shift(message.tokenAt),
    tokenEnd: shift(message.tokenEnd),
    refAt: shift(message.refAt),
    refEnd: shift(message.refEnd),
    taskAt: shift(message.taskAt),
    metaAt: shift(message.metaAt),
    metaEnd: shift(message.metaEnd),
    nameAt: shift(message.nameAt),
    nameEnd: shift(message.nameEnd),
    uriAt: shift(message.uriAt),
    uriEnd: shift(message.uriEnd),
    versionAt: shift(message.versionAt),
    versionEnd: shift(message.versionEnd),
    subscriptionAt: shift(message.subscriptionAt),
    subscriptionEnd: shift(message.subscriptionEnd),
    typeAt: shift(message.typeAt),
    typeEnd: shift(message.typeEnd),
    ttlAt: shift(message.ttlAt),
    scopeAt: shift(message.scopeAt),
    isToolError: message.isToolError,
  };
}

/** The text of a message as it is best written: in one piece, or in several where those would have to be joined. */
export function piecesOf(message: Message): readonly Wire[] {
  return message.pieces ?? [message.text];
}

/** Pieces of a text with one stretch of it replaced. None of them is looked into. */
function replaced(pieces: readonly Wire[], at: number, end: number, value: Wire): Wire[] {
  const before: Wire[] = [];
  const after: Wire[] = [];
  let start = 0;
  for (const piece of pieces) {
    const next = start + piece.length;
    if (start < at) before.push(next <= at ? piece : piece.slice(0, at - start));
    if (next > end) after.push(start >= end ? piece : piece.slice(end - start));
    start = next;
  }
  return [...before, value, ...after];
}

function concat(a: Wire, b: Wire): Wire {
  return a + b;
}
