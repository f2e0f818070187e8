import { ErrorCode, isReserved } from '../jsonrpc/errors.js';
import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';

/** Octets of an error that are read for its code. */
const LARGEST_ERROR = 64 * 1024;
const CODES: ReadonlySet<unknown> = new Set(Object.values(ErrorCode));
const RESOURCE_NOT_FOUND = -32002;

/**
 * `error.type` of the OpenTelemetry conventions for MCP (`docs/gen-ai/mcp.md` there): the code of an error, `tool_error`
 * where a tool has failed, `cancelled` where nobody waited for the answer any more. Undefined: all is well. Codes that
 * neither JSON-RPC nor MCP has are the server's own, and go by one name.
 */
export function failureOf(answer: Message | undefined): string | undefined {
  if (answer === undefined) return 'cancelled';
  if (answer.kind !== 'error') return answer.isToolError ? 'tool_error' : undefined;
  const code = codeOf(answer);
  const isKnown = CODES.has(code) || code === RESOURCE_NOT_FOUND || (code !== undefined && isReserved(code));
  return isKnown ? String(code) : '_OTHER';
}

/** The code of an error, where it has one that is a whole number. */
function codeOf(error: Message): number | undefined {
  const raw = answerOf(error);
  if (raw.length > LARGEST_ERROR) return undefined;
  const { code } = asRecord(parseWire(raw));
  return typeof code === 'number' && Number.isSafeInteger(code) ? code : undefined;
}
