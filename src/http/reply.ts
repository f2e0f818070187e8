import type { ServerResponse } from 'node:http';
import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import type { Wire } from '../jsonrpc/wire.js';

export interface RefusalDetails {
  readonly code?: number;
  /** Raw JSON of the id of the request that is refused. */
  readonly id?: Wire;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Refuses a request with an HTTP status and a JSON-RPC error that says why. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  details: RefusalDetails = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const { code = ErrorCode.InvalidRequest, id = 'null', headers = {} } = details;
  const body = makeError(id, code, message).text;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  });
  response.end(body, 'latin1');
}
