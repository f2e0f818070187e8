import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from '../servers/server.js';
import { refuseUnlessRead } from './reply.js';

export interface HealthSource {
  /** One for each definition. */
  readonly servers: readonly Server[];
  /** Whether the proxy ends, and begins nothing new. */
  readonly stopping: boolean;
  /** Whether nobody is asked who they are, so that everybody may know the names of the servers. */
  readonly isOpen: boolean;
}

/**
 * Answers whoever runs the proxy, who can't show who they are: `/healthz` as long as it lives, `/readyz` with 200 where
 * each server can be sent clients, else with 503. It says no more than that to who might be a stranger.
 */
export function answerHealth(
  question: 'healthz' | 'readyz',
  source: HealthSource,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (refuseUnlessRead(request, response, `/${question}`)) return;
  const trouble = question === 'healthz' ? undefined : troubleOf(source);
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(trouble === undefined ? 200 : 503, headers).end(`${trouble ?? 'ok'}\n`);
}

function troubleOf({ servers, stopping, isOpen }: HealthSource): string | undefined {
  if (stopping) return 'stopping';
  const waiting = servers.filter((server) => !server.ready);
  if (waiting.length === 0) return undefined;
  if (!isOpen) return 'not ready';
  return `not ready: ${waiting.map(({ definition, pool }) => `${definition.name} (${pool.state})`).join(', ')}`;
}
