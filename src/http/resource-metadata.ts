import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TokenSource } from '../auth/authenticator.js';
import { WHOLE } from '../auth/resources.js';
import { refuse, refuseUnlessRead } from './reply.js';
import { resourceOf, route } from './router.js';

/**
 * Tells whoever asks where access tokens for a resource are given out (RFC 9728, section 3; 2026-07-28
 * `basic/authorization/authorization-server-discovery`). It says the same of servers that are not there.
 *
 * @param path of the resource; empty: the proxy as a whole
 */
export function answerResourceMetadata(
  { issuer, scopes, resources }: TokenSource,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (refuseUnlessRead(request, response, 'metadata')) return;
  const known = resources.withoutPrefix(path);
  const target = route(known);
  const resource = known === '' ? WHOLE : resourceOf(target);
  if (known !== '' && target.kind !== 'mcp' && target.kind !== 'sse') {
    refuse(response, 404, 'there is no resource at this path');
    return;
  }
  const body = JSON.stringify({
    resource: resources.urlOf(resource, request.headers.host),
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
  });
  response
    .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${body}\n`);
}
