import { membersOf } from '../jsonrpc/members.js';
import { asRecord, type Message, metaOf } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';
import { LOG_LEVELS } from '../relay/log-levels.js';
import { ENVELOPE_KEYS, META } from './meta-keys.js';

/** What a modern request says of its client. */
export interface Envelope {
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly clientInfo: Readonly<Record<string, unknown>> | undefined;
  readonly logLevel: string | undefined;
}

/** Whether a message is one of the modern era: it names its protocol version in `_meta`. */
export function claimsModern(message: Message): boolean {
  return message.versionAt >= 0;
}

/**
 * Whether a request says of its client what only modern ones do, but not its version: it is refused as a modern
 * one without what it must have (2026-07-28, `basic/index`, "Per-request protocol fields"), not taken for a
 * legacy one. `initialize` is of the legacy era, whatever else it says.
 */
export function isHalfModern(message: Message): boolean {
  if (message.kind !== 'request' || message.method === 'initialize' || claimsModern(message)) return false;
  return membersOf(metaOf(message) ?? '').some(({ key }) => ENVELOPE_KEYS.has(key));
}

/**
 * Reads what a modern request says of its client (2026-07-28, `basic/index`, "Per-request protocol fields").
 * Returns a text, for the -32602 that the request is to be refused with, where a required field is missing
 * or one is wrong.
 */
export function readEnvelope(request: Message): Envelope | string {
  const meta = asRecord(parseWire(metaOf(request) ?? '{}'));
  const version = meta[META.version];
  const capabilities = meta[META.capabilities];
  const clientInfo = meta[META.clientInfo];
  const logLevel = meta[META.logLevel];
  if (typeof version !== 'string') return `params._meta["${META.version}"] must be there and be a text`;
  if (!isObject(capabilities)) return `params._meta["${META.capabilities}"] must be there and be an object`;
  if (clientInfo !== undefined && !isObject(clientInfo))
    return `params._meta["${META.clientInfo}"] must be an object`;
  if (logLevel !== undefined && !(typeof logLevel === 'string' && LOG_LEVELS.includes(logLevel))) {
    return `params._meta["${META.logLevel}"] must be one of ${LOG_LEVELS.join(', ')}`;
  }
  return {
    version,
    capabilities: asRecord(capabilities),
    clientInfo: clientInfo === undefined ? undefined : asRecord(clientInfo),
    logLevel: typeof logLevel === 'string' ? logLevel : undefined,
  };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
