import { mayUse } from '../auth/access.js';
import type { Principal } from '../auth/principal.js';
import type { Emit } from '../observability/events.js';
import type { Tally } from '../observability/tally.js';
import type { Server } from '../servers/server.js';
import type { Servers } from '../servers/servers.js';
import type { SessionRegistry } from '../sessions/registry.js';
import { clientEndpoint } from './client-endpoint.js';
import type { Endpoint } from './endpoint.js';
import type { Enter } from './entrance.js';
import { answerMetrics } from './metrics.js';
import type { Pages } from './pages.js';
import { refuse } from './reply.js';
import type { Route } from './router.js';
import { handleMessages, handleSse } from './sse.js';
import { answerStatus } from './status.js';
import { handleStreamableHttp } from './streamable-http.js';

export interface DispatchParts {
  readonly servers: Servers;
  /** Of each server that is configured. */
  readonly endpointOf: (name: string | undefined, server: Server) => Endpoint;
  readonly sessions: SessionRegistry;
  readonly pages: Pages;
  readonly tally: Tally;
  readonly emit: Emit;
  /** Whether the proxy ends. */
  readonly stopping: () => boolean;
}

/** Hands a request of somebody who was let in to what is at its path. */
export function dispatch(parts: DispatchParts): Enter {
  const { servers, endpointOf, sessions, pages, tally, emit, stopping } = parts;
  const startedAt = Date.now();
  let lastActivity = startedAt;
  const defaultEndpoint = servers.default && endpointOf(undefined, servers.default);
  const endpoints = new Map([...servers.named].map(([name, of]) => [name, endpointOf(name, of)]));

  const endpointAt = (target: Route, principal: Principal | undefined): Endpoint | undefined => {
    if (!('server' in target)) return undefined;
    const found = target.server === undefined ? defaultEndpoint : endpoints.get(target.server);
    return found && mayUse(principal, found.server.definition.access) ? found : undefined;
  };

  return (request, response, target, visitor) => {
    const { principal } = visitor;
    const own = (): Server[] => servers.all.filter(({ definition }) => mayUse(principal, definition.access));
    const source = () => ({
      servers: own(),
      sessions,
      lastActivity: () => lastActivity,
      startedAt,
      stopping: stopping(),
    });
    switch (target.kind) {
      case 'metrics':
        answerMetrics({ servers: own(), sessions, tally }, request, response, emit);
        return;
      case 'status':
        answerStatus(source(), request, response, principal?.id);
        return;
      case 'live':
      case 'traffic':
        pages.answer(target.kind, { ...source(), default: servers.default }, request, response, principal);
        return;
    }
    const found = endpointAt(target, principal);
    if (found === undefined) {
      // Who may not use a server learns as little of it as of one that is not there.
      refuse(response, 404, 'there is nothing at this path; /status names the servers');
      return;
    }
    lastActivity = Date.now();
    const endpoint = clientEndpoint(found, servers.ofClients(found.server), request, response, visitor);
    if (endpoint === undefined) return;
    if (target.kind === 'mcp') handleStreamableHttp(endpoint, request, response);
    else if (target.kind === 'sse') handleSse(endpoint, request, response);
    else handleMessages(endpoint, request, response);
  };
}
