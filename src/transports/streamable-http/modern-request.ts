import { NEWEST_MODERN_VERSION } from '../../eras/versions.js';
import { ErrorCode } from '../../jsonrpc/errors.js';
import { memberOf } from '../../jsonrpc/members.js';
import { type Message, nameOf, versionOf } from '../../jsonrpc/message.js';
import { parseWire, type Wire } from '../../jsonrpc/wire.js';
import type { HttpRequest } from '../../remote/http.js';
import { bodyOf } from '../octets.js';
import { traceHeaders } from '../trace-headers.js';
import { encodeHeaderValue, nameHeader, PLAIN_VALUE, paramHeaders } from './param-headers.js';
import type { ToolHeaders } from './tool-headers.js';

/** Why a message cannot be sent over HTTP, as the JSON-RPC error that its sender gets. */
interface Unsendable {
  readonly code: number;
  readonly text: string;
}

/** Longest version that is sent; longer ones are no versions. */
const MAX_VERSION = 64;

interface RequestContext {
  readonly url: URL;
  /** For a message that names no version: the last one that was named. */
  readonly version?: string;
  /** What is known of the server's tools. */
  readonly tools?: ToolHeaders;
}

/**
 * One message to a modern server as a POST (2026-07-28, `transports/streamable-http`, "Sending Messages" and
 * "Request Metadata"): its metadata stand in headers too.
 *
 * Method and version have no encoding for what cannot stand in a header: such a message is refused here,
 * because any other header would say something else than the body. A request that names no version has the
 * header all the same, so that a server of both eras does not take it for a legacy one, and tells what is
 * missing.
 */
export function modernRequest(message: Message, context: RequestContext): HttpRequest | Unsendable {
  const method = message.method ?? '';
  if (!PLAIN_VALUE.test(method)) {
    return {
      code: ErrorCode.MethodNotFound,
      text: 'The name of the method has characters that cannot be sent over HTTP.',
    };
  }
  const version = versionIn(message, context.version ?? NEWEST_MODERN_VERSION);
  if (version === undefined) {
    return {
      code: ErrorCode.InvalidParams,
      text: 'The protocol version in params._meta is no text that can be sent over HTTP.',
    };
  }
  const name = nameHeader(message);
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': encodeHeaderValue(name) }),
    ...traceHeaders(message),
    ...(method === 'tools/call' ? ofArguments(message, context.tools) : {}),
  };
  return { method: 'POST', url: context.url, headers, body: bodyOf(message) };
}

function versionIn(message: Message, otherwise: string): string | undefined {
  const raw = versionOf(message);
  if (raw === undefined) return otherwise;
  const version = parseWire(raw);
  const isUsable = typeof version === 'string' && version.length <= MAX_VERSION && PLAIN_VALUE.test(version);
  return isUsable ? version : undefined;
}

function ofArguments(call: Message, tools: ToolHeaders | undefined): Record<string, string> {
  const declared = tools?.of(nameOf(call) ?? '') ?? [];
  if (declared.length === 0) return {};
  const args = memberOf(paramsText(call), 'arguments');
  return args === undefined ? {} : paramHeaders(declared, parseWire(args));
}

function paramsText(message: Message): Wire {
  return message.paramsAt < 0 ? '' : message.text.slice(message.paramsAt, message.paramsEnd);
}
