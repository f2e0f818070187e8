/** Puts what the modern era says with every request into the requests of a legacy client. */
import { membersOf, objectOf } from '../../jsonrpc/members.js';
import { type Message, metaOf, withInserted } from '../../jsonrpc/message.js';
import { messageOf, withParams } from '../../jsonrpc/rewrite.js';
import { toWire, type Wire } from '../../jsonrpc/wire.js';
import { ENVELOPE_KEYS, META } from '../meta-keys.js';

/** What is said of the client with every request. */
export interface Identity {
  /** The modern version that the server is spoken to in. */
  readonly version: string;
  /** Raw JSON of objects, in the form of the modern era. */
  readonly clientInfo: Wire;
  readonly capabilities: Wire;
  readonly logLevel: string | undefined;
}

/**
 * The members that a request's `_meta` gets (2026-07-28, `basic/index`, "Per-request protocol fields"), as raw
 * JSON without the braces around them.
 */
export function envelopeOf({ version, clientInfo, capabilities, logLevel }: Identity): Wire {
  const level = logLevel === undefined ? '' : `,"${META.logLevel}":${toWire(logLevel)}`;
  return (
    `"${META.version}":${toWire(version)},"${META.clientInfo}":${clientInfo},` +
    `"${META.capabilities}":${capabilities}${level}`
  );
}

/** Whether a request can carry this envelope: an identity that is nested too deep cannot be sent on. */
export function isCarriable(envelope: Wire): boolean {
  return messageOf(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{${envelope}}}}`) !== undefined;
}

/**
 * The request with the envelope in its `_meta`; all else keeps every octet. What the client itself wrote
 * under the envelope's keys goes, and so does `params.task` of a call: a task must not be started across eras,
 * and a legacy server without tasks treats it as an ordinary call (2025-11-25, `basic/utilities/tasks`).
 *
 * @returns undefined where it would be no valid message any more
 */
export function stamped(request: Message, envelope: Wire): Message | undefined {
  const { text, paramsAt } = request;
  if (paramsAt < 0) return withParams(request, `{"_meta":{${envelope}}}`);
  const meta = metaOf(request);
  const asksForTask = request.taskAt >= 0 && request.method === 'tools/call';
  if (asksForTask || (meta !== undefined && !isPlain(meta))) return restamped(request, envelope, asksForTask);
  if (meta === undefined) {
    const metaAt = paramsAt + '{"_meta":'.length;
    const added = `"_meta":{${envelope}}`;
    const comma = isEmpty(text, paramsAt) ? '' : ',';
    return claimed(
      {
        ...withInserted(request, paramsAt + 1, added + comma),
        metaAt,
        metaEnd: paramsAt + 1 + added.length,
      },
      metaAt,
    );
  }
  const comma = isEmpty(text, request.metaAt) ? '' : ',';
  return claimed(withInserted(request, request.metaAt + 1, envelope + comma), request.metaAt);
}

/** Whether a `_meta` is an object that says nothing in the names of the protocol, however spelled. */
function isPlain(meta: Wire): boolean {
  return meta.startsWith('{') && !meta.includes('modelcontextprotocol') && !meta.includes('\\');
}

const REST_OF_EMPTY = /\s*\}/y;

function isEmpty(text: Wire, open: number): boolean {
  REST_OF_EMPTY.lastIndex = open + 1;
  return REST_OF_EMPTY.test(text);
}

/** The version's offsets, which are known: the envelope begins with it, right behind the brace of `_meta`. */
function claimed(message: Message, metaAt: number): Message {
  const versionAt = metaAt + `{"${META.version}":`.length;
  return { ...message, versionAt, versionEnd: message.text.indexOf('"', versionAt + 1) + 1 };
}

function restamped(request: Message, envelope: Wire, asksForTask: boolean): Message | undefined {
  const rest = membersOf(metaOf(request) ?? '').filter(({ key }) => !ENVELOPE_KEYS.has(key));
  const meta = rest.length === 0 ? `{${envelope}}` : `{${envelope},${objectOf(rest).slice(1)}`;
  const params = membersOf(request.text.slice(request.paramsAt, request.paramsEnd));
  const others = params.filter(({ key }) => key !== '_meta' && !(asksForTask && key === 'task'));
  return withParams(request, objectOf([{ rawKey: '"_meta"', value: meta }, ...others]));
}
