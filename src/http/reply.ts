import type { IncomingMessage, ServerResponse } from 'node:http';
import { isModernVersion } from '../eras/versions.js';
import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import type { Wire } from '../jsonrpc/wire.js';

export interface RefusalDetails {
  readonly code?: number;
  /** Raw JSON of the id of the request that is refused. */
  readonly id?: Wire;
  /**
   * Where there is no id to give, the error has no `id` at all instead of `null`, which the modern era does
   * not know (2026-07-28, schema). By default so under a header that names a modern version.
   */
  readonly anonymous?: boolean;
  /** What the error says for programs. */
  readonly data?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * How long a client that is refused may go on writing its request, in milliseconds; then its connection ends. One
 * that is closed while the client still writes is reset, and the client might never read why.
 */
const LINGER_MS = 10_000;

/** Refuses a request with an HTTP status and a JSON-RPC error that says why. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  details: RefusalDetails = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const { code = ErrorCode.InvalidRequest, data, headers = {} } = details;
  const { id, anonymous = isModernVersion(response.req.headers['mcp-protocol-version']) } = details;
  const body = makeError(id ?? (anonymous ? undefined : 'null'), code, message, data).text;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  });
  response.write(body, 'latin1');
  endAfterRequest(response);
}

/** Refuses what would do more than look at something. Returns whether it did. */
export function refuseUnlessRead(request: IncomingMessage, response: ServerResponse, what: string): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  refuse(response, 405, `${what} is for GET`, { headers: { allow: 'GET, HEAD' } });
  return true;
}

/** The whole answer is on its way already; its end is what may close the connection. */
function endAfterRequest(response: ServerResponse): void {
  const request = response.req;
  if (request.complete) {
    response.end();
    return;
  }
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(() => {
    // Else what still comes would keep the connection for as long as any request may take. `finish` is when the answer
    // is on its way, and all those in front of it are.
    response.once('finish', () => request.socket.destroySoon());
    end();
  }, LINGER_MS).unref();
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
