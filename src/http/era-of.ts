import type { IncomingHttpHeaders } from 'node:http';
import { claimsModern, type Envelope, isHalfModern, readEnvelope } from '../eras/envelope.js';
import { ALL_VERSIONS, isModernVersion, MODERN_VERSIONS } from '../eras/versions.js';
import { ErrorCode, McpErrorCode } from '../jsonrpc/errors.js';
import { type Message, versionOf } from '../jsonrpc/message.js';
import { parseWire, type Wire } from '../jsonrpc/wire.js';
import { isLegacyVersion } from '../relay/handshake.js';
import type { Posted } from './post.js';
import { headerOf, standardHeaderFault, versionHeaderFault } from './standard-headers.js';

/** What a POST is, by the era it belongs to. */
export type Verdict =
  | { readonly kind: 'legacy' }
  | { readonly kind: 'modern-request'; readonly message: Message; readonly envelope: Envelope }
  | { readonly kind: 'modern-notification'; readonly message: Message }
  | { readonly kind: 'refused'; readonly refusal: EraRefusal };

/** Why a POST is refused, with 400. */
export interface EraRefusal {
  readonly code: number;
  readonly text: string;
  readonly data?: unknown;
  /** Raw JSON of the id of the request that is refused; undefined where it is no request. */
  readonly id: Wire | undefined;
}

const LEGACY: Verdict = { kind: 'legacy' };

/**
 * Looks at one POST by itself and says which era it belongs to (2026-07-28, `basic/versioning`, "Backward
 * Compatibility with Initialization-Based Versions"). The body decides; what the headers say has to agree
 * with it (`basic/transports/streamable-http`, "Server Validation").
 *
 * @param headers of the request, their names in lower case
 */
export function eraOf({ messages, batch }: Posted, headers: IncomingHttpHeaders): Verdict {
  const named = headerOf(headers, 'mcp-protocol-version');
  const namesModern = isModernVersion(named);
  const [message] = messages;
  const claim = messages.find((one) => isCall(one) && claimsModern(one));
  const isSettled = named !== undefined || headers['mcp-session-id'] !== undefined;
  const half = isSettled ? undefined : messages.find(isHalfModern);
  if (batch && (claim || namesModern || half)) {
    return refused(undefined, ErrorCode.InvalidRequest, 'the modern protocol takes one message in a POST');
  }
  if (claim) return claimed(claim, headers);
  // Which version a session has, its handshake says.
  if (message?.method === 'initialize') return LEGACY;
  if (message && (namesModern || half)) return withoutClaim(message);
  const isLegacy = named === undefined || isLegacyVersion(named) || headers['mcp-session-id'] !== undefined;
  return isLegacy ? LEGACY : unsupported(message, named, ALL_VERSIONS);
}

/** What is said where a version is not served. `supported` is what can be asked for in the same way. */
export function unsupportedVersion(
  requested: unknown,
  supported: readonly string[],
): Pick<EraRefusal, 'code' | 'text' | 'data'> {
  return {
    code: McpErrorCode.UnsupportedVersion,
    text: `the protocol version ${JSON.stringify(requested)} is not supported; supported: ${supported.join(', ')}`,
    data: { supported, requested },
  };
}

/** A call that names a version in its `_meta`. */
function claimed(message: Message, headers: IncomingHttpHeaders): Verdict {
  const version = claimedVersion(message);
  if (typeof version === 'string') {
    // Of notifications no header is asked ("Sending Messages", note); but none may contradict the body.
    const fault = versionHeaderFault(headers, version, message.kind === 'request');
    if (fault !== undefined) return refused(message, McpErrorCode.HeaderMismatch, fault);
    // A version that begins with `initialize` can't be had by saying another version in `_meta`.
    if (!isModernVersion(version)) return unsupported(message, version, MODERN_VERSIONS);
  }
  if (message.kind !== 'request') return { kind: 'modern-notification', message };
  const envelope = readEnvelope(message);
  if (typeof envelope === 'string') return refused(message, ErrorCode.InvalidParams, envelope);
  const fault = standardHeaderFault(message, headers);
  if (fault !== undefined) return refused(message, McpErrorCode.HeaderMismatch, fault);
  return { kind: 'modern-request', message, envelope };
}

/** A message that names no version, under a header that names a modern one, or with the rest of what one says. */
function withoutClaim(message: Message): Verdict {
  if (message.kind === 'notification') return { kind: 'modern-notification', message };
  if (message.kind === 'request') {
    const envelope = readEnvelope(message);
    const fault = typeof envelope === 'string' ? envelope : 'params._meta names no protocol version';
    return refused(message, ErrorCode.InvalidParams, fault);
  }
  const text = 'a modern client answers no requests: answers go into the inputResponses of a retry';
  return refused(undefined, ErrorCode.InvalidRequest, text);
}

function isCall({ kind }: Message): boolean {
  return kind === 'request' || kind === 'notification';
}

function claimedVersion(message: Message): unknown {
  return parseWire(versionOf(message) ?? 'null');
}

function unsupported(
  message: Message | undefined,
  requested: unknown,
  supported: readonly string[],
): Verdict {
  const { code, text, data } = unsupportedVersion(requested, supported);
  return refused(message, code, text, data);
}

function refused(message: Message | undefined, code: number, text: string, data?: unknown): Verdict {
  const id = message?.kind === 'request' ? message.id : undefined;
  return { kind: 'refused', refusal: { code, text, data, id } };
}
