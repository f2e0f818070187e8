import type { Message } from '../jsonrpc/message.js';
import { traceOf } from '../jsonrpc/trace-context.js';

/** What a request says of its trace in `_meta`, for the HTTP request that carries it (W3C Trace Context). */
export function traceHeaders(message: Message): Readonly<Record<string, string>> {
  const trace = traceOf(message);
  if (trace === undefined) return {};
  const { traceparent, tracestate } = trace;
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
}
