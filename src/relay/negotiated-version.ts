import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';

/**
 * The version that the server chose in its answer to `initialize`, for the `MCP-Protocol-Version` header
 * (2025-11-25, transports, "Protocol Version Header"); undefined in an error, or where it is no version.
 */
export function negotiatedVersion(answer: Message): string | undefined {
  if (answer.kind !== 'response') return undefined;
  const version = asRecord(parseWire(answerOf(answer))).protocolVersion;
  return typeof version === 'string' && /^[\x21-\x7e]{1,64}$/.test(version) ? version : undefined;
}
