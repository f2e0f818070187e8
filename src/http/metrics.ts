import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Emit } from '../observability/events.js';
import type { MetricsSource } from './exposition.js';
import { answerFaults } from './fault.js';
import { refuseUnlessRead } from './reply.js';

/** The format of OpenMetrics, for who asks for it; for all others that of Prometheus. */
const OPEN_METRICS = /\bapplication\/openmetrics-text\b/i;

/** Answers `/metrics`. What writes it is loaded with the first such request: most runs have none. */
export function answerMetrics(
  source: MetricsSource,
  request: IncomingMessage,
  response: ServerResponse,
  emit: Emit,
): void {
  if (refuseUnlessRead(request, response, '/metrics')) return;
  const isOpen = OPEN_METRICS.test(request.headers.accept ?? '');
  import('./exposition.js')
    .then(({ exposition }) => exposition(source, isOpen))
    .then(
      ({ contentType, text }) => {
        if (response.destroyed) return;
        response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text);
      },
      (error: unknown) =>
        answerFaults(response, emit, () => {
          throw error;
        }),
    );
}
