/** Errors of a modern server whose codes a legacy client does not know, said in words. */
import { ErrorCode, McpErrorCode } from '../../jsonrpc/errors.js';
import { makeError, makeResponse } from '../../jsonrpc/make.js';
import { answerOf, asRecord, type Message, textOf } from '../../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { LISTEN } from '../../relay/calls.js';

/** What an error says, read for people. */
interface ReadError {
  readonly code: unknown;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function readError(error: Message): ReadError {
  const { code, message, data } = asRecord(parseWire(answerOf(error)));
  return { code, message: textOf(message, 'it gave no reason'), data: asRecord(data) };
}

/** Codes that only the modern era has all hold this (2026-07-28, `basic/index`, "Error Codes"). */
const MODERN_CODE = '-3202';

/**
 * An error as a legacy client may see it: those that speak of the envelope, which is the proxy's matter, become
 * -32603 in words; all others are the server's own, octet for octet.
 */
export function legacyError(error: Message, server: string): Message {
  if (!answerOf(error).includes(MODERN_CODE)) return error;
  const words = wordsFor(readError(error), server);
  return words === undefined ? error : makeError(error.id ?? 'null', ErrorCode.InternalError, words);
}

function wordsFor({ code, message, data }: ReadError, server: string): string | undefined {
  switch (code) {
    case McpErrorCode.MissingClientCapability: {
      const names = capabilityNames(data.requiredCapabilities).join(', ') || 'one that it does not name';
      return `server "${server}" needs a capability that the client did not declare: ${names}`;
    }
    case McpErrorCode.UnsupportedVersion:
      return `server "${server}" does not support the protocol version ${textOf(data.requested, 'asked for')}; it supports ${versionList(data.supported)}`;
    case McpErrorCode.HeaderMismatch:
      return `server "${server}" refused the HTTP headers of the request: ${message}`;
    default:
      return undefined;
  }
}

/** Versions as a server lists them, for people. */
export function versionList(versions: unknown): string {
  const texts = Array.isArray(versions) ? versions.filter((one) => typeof one === 'string') : [];
  return texts.length === 0 ? 'none that it names' : texts.join(', ');
}

/** `{"elicitation":{"url":{}},"roots":{}}` → `elicitation.url`, `roots`. */
function capabilityNames(capabilities: unknown): string[] {
  return Object.entries(asRecord(capabilities)).flatMap(([name, value]) => {
    const parts = Object.keys(asRecord(value));
    return parts.length === 0 ? [name] : parts.map((part) => `${name}.${part}`);
  });
}

/**
 * The answer to a call that the proxy could not bring to its end: for a tool an error that the model reads
 * (2025-11-25, `server/tools`, "Error Handling"), for all else a JSON-RPC error.
 *
 * @param id raw JSON of the call's id
 */
export function failureOf(id: Wire, method: Wire, text: string): Message {
  if (method !== 'tools/call') return makeError(id, ErrorCode.InternalError, text);
  return makeResponse(id, toWire({ content: [{ type: 'text', text }], isError: true }));
}

/** Methods of the modern era, which a server of the legacy era does not have. */
const MODERN_METHODS: ReadonlySet<string> = new Set(['server/discover', LISTEN]);

/** Why a legacy client cannot use a method, in words; undefined: nothing speaks against it. */
export function foreignMethod(method: string, server: string): string | undefined {
  if (MODERN_METHODS.has(method)) return `${method} belongs to another protocol version than this session`;
  // The tasks of 2025-11-25 and the extension of 2026-07-28 are different protocols.
  if (!method.startsWith('tasks/')) return undefined;
  return `${method} cannot be used: server "${server}" speaks a protocol version whose tasks are others`;
}
