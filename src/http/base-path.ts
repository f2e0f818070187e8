import type { IncomingMessage } from 'node:http';

/** A path prefix as it may stand in a URL: nothing that could begin a host, a header or an event. */
const PREFIX = /^(?:\/[\w.~!$&'()*+,;=:@%-]+)+$/;

/** A segment that a client would resolve away, also percent-encoded (WHATWG URL, "dot segments"). */
const DOTS = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * The prefix under which the client sees the proxy: the configured one, else the one that a reverse proxy
 * names in `X-Forwarded-Prefix`. Empty where there is none, or none that is safe to repeat.
 */
export function basePathOf(configured: string, request: IncomingMessage): string {
  if (configured !== '') return normalized(configured);
  const forwarded = request.headers['x-forwarded-prefix'];
  return typeof forwarded === 'string' ? normalized(forwarded) : '';
}

function normalized(prefix: string): string {
  return parseBasePath(prefix) ?? '';
}

/** A prefix without a slash at its end; undefined where it is none that is safe to repeat. */
export function parseBasePath(prefix: string): string | undefined {
  const path = prefix.trim().replace(/\/+$/, '');
  return path === '' || (PREFIX.test(path) && !DOTS.test(path)) ? path : undefined;
}
