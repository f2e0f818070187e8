import type { IncomingMessage, ServerResponse } from 'node:http';
import { boundTo } from '../auth/bound.js';
import type { Principal } from '../auth/principal.js';
import { AtCapacity } from '../servers/at-capacity.js';
import type { ClientServers } from '../servers/client-servers.js';
import { clientValues } from './client-values.js';
import { type Endpoint, refuseBusy } from './endpoint.js';
import type { Stay } from './open-answers.js';
import { refuse } from './reply.js';

/**
 * An endpoint as whoever asks meets it: what is begun there belongs to them. Undefined, and refused, where their
 * request does not have what its server takes from it, or there is no place for one more.
 *
 * @param servers those of this endpoint, where each set of values has its own
 */
export function clientEndpoint(
  endpoint: Endpoint,
  servers: ClientServers | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  { principal, stay }: { readonly principal: Principal | undefined; readonly stay: Stay | undefined },
): Endpoint | undefined {
  if (servers === undefined) {
    return principal === undefined ? endpoint : { ...endpoint, principal: principal.id, stay };
  }
  const values = clientValues(servers.templates, request.headers, principal);
  if (typeof values === 'string') {
    refuse(response, 400, values);
    return undefined;
  }
  try {
    const { server, key } = servers.for(values);
    // Whoever comes with other values is somebody else, also where nobody is asked who they are.
    return { ...endpoint, server, modern: server, principal: boundTo(key, principal?.id), stay };
  } catch (error) {
    if (!(error instanceof AtCapacity)) throw error;
    refuseBusy(response, error.message, undefined);
    return undefined;
  }
}
