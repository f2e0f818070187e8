import type { IncomingMessage, ServerResponse } from 'node:http';
import { isModernVersion } from '../eras/versions.js';
import { accepted } from './accept.js';
import type { Endpoint } from './endpoint.js';
import { eraOf } from './era-of.js';
import { handleLegacyDelete, handleLegacyGet, handleLegacyPost } from './legacy-streamable-http.js';
import { handleModern, takeNotification } from './modern.js';
import { readPost } from './post.js';
import { refuse } from './reply.js';

const METHODS = { allow: 'GET, POST, DELETE' };

/**
 * Answers one HTTP request on a server's Streamable HTTP endpoint, which serves both eras: each request is
 * looked at by itself (2026-07-28 `basic/versioning`: a dual-era server may serve both on one endpoint).
 */
export function handleStreamableHttp(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  switch (request.method) {
    case 'POST':
      handlePost(endpoint, request, response);
      return;
    case 'GET':
      if (!refuseModern(request, response)) handleLegacyGet(endpoint, request, response);
      return;
    case 'DELETE':
      if (!refuseModern(request, response)) handleLegacyDelete(endpoint, request, response);
      return;
    default:
      refuse(response, 405, `${request.method} is not for this endpoint`, { headers: METHODS });
  }
}

function handlePost(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): void {
  const accepts = accepted(request.headers.accept);
  if (!accepts.json && !accepts.stream) {
    refuse(response, 406, 'Accept must admit application/json and text/event-stream');
    return;
  }
  readPost(request, response, endpoint, (posted) => {
    const verdict = eraOf(posted, request.headers);
    if (verdict.kind === 'refused') {
      const { id, code, text, data } = verdict.refusal;
      refuse(response, 400, text, { code, data, ...(id === undefined ? { anonymous: true } : { id }) });
    } else if (verdict.kind === 'legacy') {
      handleLegacyPost(endpoint, request, response, posted, accepts);
    } else if (verdict.kind === 'modern-notification') {
      takeNotification(endpoint, verdict.message, response);
    } else handleModern(endpoint, { request, response, accepts, ...verdict });
  });
}

/**
 * GET and DELETE belong to sessions, which the modern era has none of (2026-07-28,
 * `basic/transports/streamable-http`, "Earlier Streamable HTTP Revisions"). Returns whether it refused.
 */
function refuseModern(request: IncomingMessage, response: ServerResponse): boolean {
  const version = request.headers['mcp-protocol-version'];
  if (!isModernVersion(version)) return false;
  refuse(response, 405, `${request.method} has no meaning in the protocol version ${version}`, {
    headers: { allow: 'POST' },
    anonymous: true,
  });
  return true;
}
