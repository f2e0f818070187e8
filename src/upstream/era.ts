import type { Envelope } from '../eras/envelope.js';
import { META } from '../eras/meta-keys.js';
import {
  ALL_VERSIONS,
  isModernVersion,
  MODERN_VERSIONS,
  NEWEST_MODERN_VERSION,
  shownVersions,
} from '../eras/versions.js';
import { McpErrorCode } from '../jsonrpc/errors.js';
import { makeRequest } from '../jsonrpc/make.js';
import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire, toWire } from '../jsonrpc/wire.js';
import type { Failure } from '../remote/failure.js';
import { REMOTE_TIMINGS, type UpstreamOptions } from '../remote/remote-link.js';
import { askModern, type ModernReply } from '../transports/streamable-http/modern-ask.js';
import { modernRequest } from '../transports/streamable-http/modern-request.js';
import { mayBeSse } from './attempt.js';

/**
 * Which era a remote server is of, as far as its answer to `server/discover` shows it. `reason` is for
 * people and for the log.
 *
 * - `modern`: at `version`, undefined where it has not said which; `discovered` is its answer, where it was a result.
 * - `legacy`: `initialize` is worth a try, or an HTTP+SSE stream.
 * - `unknown`: it proves nothing; `failure` is what a client may be told. Asking again may help.
 */
export type EraVerdict =
  | {
      readonly era: 'modern';
      readonly version: string | undefined;
      readonly discovered: Message | undefined;
      readonly reason: string;
    }
  | { readonly era: 'legacy'; readonly reason: string }
  | { readonly era: 'unknown'; readonly failure: Failure; readonly reason: string };

/** What a client says of itself in every modern request. */
export type Client = Pick<Envelope, 'capabilities' | 'clientInfo'>;

export interface ProbeOptions extends Pick<UpstreamOptions, 'url' | 'http' | 'timings'> {
  /** Gives it up; the verdict is `unknown` then. */
  readonly signal?: AbortSignal;
}

/**
 * Asks a server at a URL with `server/discover` which era it is of (2026-07-28, `basic/transports/
 * streamable-http`, "Backward Compatibility"). Never rejects, and takes no longer than `timings.probe`.
 */
export async function probeRemote(options: ProbeOptions, client: Client): Promise<EraVerdict> {
  const { url, http, timings, signal } = options;
  const id = toWire('server/discover');
  const _meta = {
    [META.version]: NEWEST_MODERN_VERSION,
    [META.capabilities]: client.capabilities,
    ...(client.clientInfo === undefined ? {} : { [META.clientInfo]: client.clientInfo }),
  };
  const request = modernRequest(makeRequest(id, 'server/discover', { _meta }), { url });
  if ('code' in request) throw new TypeError(request.text);
  const limit = timings?.probe ?? REMOTE_TIMINGS.probe;
  const reply = await askModern(http, request, id, limit, signal ?? new AbortController().signal);
  return classifyProbe(reply, http.describe(url));
}

/**
 * What the answer to `server/discover` says of the era. Only what is positively a modern server's own answer
 * is taken for one; what never came from an MCP server proves nothing.
 *
 * @param where the server, for texts
 */
export function classifyProbe({ message, failure }: ModernReply, where: string): EraVerdict {
  if (failure !== undefined) return ofFailure(failure, where);
  if (message.kind === 'error') return ofError(message, undefined, where);
  const { supportedVersions } = asRecord(parseWire(answerOf(message)));
  if (!isList(supportedVersions)) return legacy(`${where} answered "server/discover" with something else.`);
  return ofVersions(supportedVersions, message, where);
}

function ofFailure(failure: Failure, where: string): EraVerdict {
  const { status, answer, kind } = failure;
  // 200 with no answer in it is what servers do with what they don't know.
  if (kind === 'foreign' && status === undefined) return legacy(failure.text);
  // Credentials, limits and servers in trouble answer for whoever stands behind them.
  if (status === undefined || !mayBeSse(status)) return unknown(failure);
  if (answer !== undefined) return ofError(answer, status, where);
  return legacy(`${where} refused "server/discover" with HTTP status ${status}.`);
}

/** @param status where it is not 2xx */
function ofError(error: Message, status: number | undefined, where: string): EraVerdict {
  const { code, data } = asRecord(parseWire(answerOf(error)));
  const { supported } = asRecord(data);
  if (code === McpErrorCode.UnsupportedVersion && isList(supported)) {
    return ofVersions(supported, undefined, where);
  }
  const isModern = code === McpErrorCode.HeaderMismatch || code === McpErrorCode.MissingClientCapability;
  if (isModern && status === 400) {
    const reason = `${where} refused "server/discover" with the error ${code}, which only a modern server has.`;
    return { era: 'modern', version: undefined, discovered: undefined, reason };
  }
  const said = typeof code === 'number' ? `the error ${code}` : 'an error';
  return legacy(`${where} refused "server/discover" with ${said}.`);
}

function ofVersions(
  supported: readonly string[],
  discovered: Message | undefined,
  where: string,
): EraVerdict {
  const version = MODERN_VERSIONS.find((known) => supported.includes(known));
  if (version !== undefined) {
    return {
      era: 'modern',
      version,
      discovered,
      reason: `${where} supports the protocol version ${version}.`,
    };
  }
  const older = ALL_VERSIONS.find((known) => !isModernVersion(known) && supported.includes(known));
  if (older !== undefined)
    return legacy(`${where} supports the protocol version ${older}, but no modern one.`);
  const text = `${where} supports only protocol versions that this proxy does not know: ${shownVersions(supported)}. A newer version of the proxy may know them.`;
  return unknown({ kind: 'foreign', text });
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

function legacy(reason: string): EraVerdict {
  return { era: 'legacy', reason };
}

function unknown(failure: Failure): EraVerdict {
  return { era: 'unknown', failure, reason: failure.text };
}
