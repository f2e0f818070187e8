import type { IncomingHttpHeaders } from 'node:http';
import type { Message } from '../jsonrpc/message.js';
import { decodeHeaderValue, nameHeader } from '../transports/streamable-http/param-headers.js';

/** What may stand in a field value (RFC 9110, section 5.5): visible ASCII, the space and the tab. */
const INVALID = /[^\t\x20-\x7e]/;

/** What `Mcp-Name` is required for ("Standard Request Headers"); the tasks extension asks it of clients only. */
const NAMED: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** The value of a header; undefined where it is absent. Node joins the values of one that comes twice. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

/**
 * Says how `MCP-Protocol-Version` differs from what the body claims; undefined where it does not
 * (2026-07-28, `basic/transports/streamable-http`, "Protocol Version Header").
 */
export function versionHeaderFault(
  headers: IncomingHttpHeaders,
  claimed: string,
  required: boolean,
): string | undefined {
  const named = headerOf(headers, 'mcp-protocol-version');
  if (named === undefined && !required) return undefined;
  return fault('MCP-Protocol-Version', named, named, claimed);
}

/**
 * Says how `Mcp-Method` and `Mcp-Name` differ from the body of a modern request; undefined where they do
 * not (same page, "Standard Request Headers" and "Server Validation").
 */
export function standardHeaderFault(request: Message, headers: IncomingHttpHeaders): string | undefined {
  const method = request.method ?? '';
  const named = headerOf(headers, 'mcp-method');
  return fault('Mcp-Method', named, named, method) ?? nameFault(request, headerOf(headers, 'mcp-name'));
}

function nameFault(request: Message, header: string | undefined): string | undefined {
  // A body without the name is the server's to refuse: there is nothing that a header could contradict.
  const name = nameHeader(request);
  if (name === undefined || (header === undefined && !NAMED.has(request.method ?? ''))) return undefined;
  const decoded = header === undefined ? undefined : decodeHeaderValue(header);
  if (header !== undefined && decoded === undefined && !INVALID.test(header)) {
    return `the header Mcp-Name, ${JSON.stringify(header)}, is no valid Base64 of UTF-8`;
  }
  return fault('Mcp-Name', header, decoded, name);
}

/**
 * @param header the field value as it came
 * @param value what it stands for
 */
function fault(
  field: string,
  header: string | undefined,
  value: string | undefined,
  body: string,
): string | undefined {
  if (header === undefined) return `the header ${field} is missing; the body says ${JSON.stringify(body)}`;
  if (INVALID.test(header)) return `the header ${field} has characters that no header may have`;
  if (value === body) return undefined;
  return `the header ${field} says ${JSON.stringify(value)}, but the body ${JSON.stringify(body)}`;
}
