import type { IncomingMessage, ServerResponse } from 'node:http';
import { ErrorCode } from '../jsonrpc/errors.js';
import type { Message } from '../jsonrpc/message.js';
import { scan } from '../jsonrpc/scan.js';
import { traceContext, traceOf, withTrace } from '../jsonrpc/trace-context.js';
import type { Emit } from '../observability/events.js';
import type { Bodies, Body } from './body.js';
import { answerFaults } from './fault.js';
import { refuse } from './reply.js';

/** How long a client should wait whose body finds no room, in seconds: others are received meanwhile. */
const RETRY_AFTER = '5';

/** The messages of one POST. */
export interface Posted {
  readonly messages: readonly Message[];
  readonly batch: boolean;
}

/** Reads the JSON-RPC messages of a POST; refuses what is none with the status and error that says so. */
export function readPost(
  request: IncomingMessage,
  response: ServerResponse,
  { bodies, emit }: { readonly bodies: Bodies; readonly emit: Emit },
  done: (posted: Posted) => void,
): void {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const encoding = request.headers['content-encoding'];
  if (type !== 'application/json') {
    refuse(response, 415, `the Content-Type must be application/json, not ${JSON.stringify(type || 'none')}`);
    return;
  }
  if (encoding !== undefined && encoding !== 'identity') {
    refuse(response, 415, `the body must not be compressed (Content-Encoding ${JSON.stringify(encoding)})`);
    return;
  }
  const take = (body: Body): void => {
    switch (body.kind) {
      case 'aborted':
        return;
      case 'too-large':
        refuse(response, 413, `the body is larger than the limit of ${bodies.max} octets`);
        return;
      case 'no-room':
        refuse(response, 503, 'too many requests are being received; try again', {
          code: ErrorCode.InternalError,
          headers: { 'retry-after': RETRY_AFTER },
        });
        return;
      case 'not-utf8':
        refuse(response, 400, 'the body is not UTF-8', { code: ErrorCode.ParseError });
        return;
      case 'text': {
        const scanned = scan(body.text);
        if (scanned.kind === 'malformed') {
          refuse(response, 400, scanned.reason, { code: scanned.code });
          return;
        }
        if (scanned.kind !== 'batch') {
          done({ messages: [asTraced(scanned, request)], batch: false });
          return;
        }
        const messages: Message[] = [];
        for (const item of scanned.items) {
          if (item.kind === 'malformed') {
            refuse(response, 400, `a message of the batch is refused: ${item.reason}`, { code: item.code });
            return;
          }
          messages.push(asTraced(item, request));
        }
        done({ messages, batch: true });
      }
    }
  };
  bodies.read(request, (body) => answerFaults(response, emit, () => take(body)));
}

/**
 * A request that says nothing of a trace is part of that of its HTTP request: to a server on stdio nothing else says it
 * (OpenTelemetry conventions for MCP, "Context propagation").
 */
function asTraced(message: Message, { headers }: IncomingMessage): Message {
  if (headers.traceparent === undefined || message.kind !== 'request') return message;
  const trace = traceContext(headers.traceparent, headers.tracestate);
  return trace === undefined || traceOf(message) !== undefined ? message : withTrace(message, trace);
}
