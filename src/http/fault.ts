import type { ServerResponse } from 'node:http';
import { ErrorCode } from '../jsonrpc/errors.js';
import type { Emit } from '../observability/events.js';
import { guarded } from '../relay/guarded.js';
import { refuse } from './reply.js';

/** Handles a request; one that the proxy fails on gets 500, and nothing else is disturbed. */
export function answerFaults(response: ServerResponse, emit: Emit, handle: () => void): void {
  if (guarded(handle, emit)) return;
  refuse(response, 500, 'the proxy failed on this request; its log says how', {
    code: ErrorCode.InternalError,
  });
  // A stream that had begun can't be told, but it can end.
  if (!response.writableEnded && response.getHeader('content-type') === 'text/event-stream') {
    response.destroy();
  }
}
