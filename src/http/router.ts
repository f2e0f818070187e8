import { type Resource, WHOLE } from '../auth/resources.js';

/** What a request path stands for. `server` is undefined for the default server. */
export type Route =
  | { readonly kind: 'mcp' | 'sse' | 'messages'; readonly server: string | undefined }
  | { readonly kind: 'status' | 'metrics' }
  /** What whoever runs the proxy asks it: whether it lives, and whether it can be sent clients. */
  | { readonly kind: 'healthz' | 'readyz' }
  /** What the page asks for. */
  | { readonly kind: 'live' | 'traffic' }
  /** Where RFC 9728 has the metadata of the resource at `path`; empty: of the proxy as a whole. */
  | { readonly kind: 'resource-metadata'; readonly path: string }
  | { readonly kind: 'unknown' };

const ENDPOINTS = new Map<string, 'mcp' | 'sse' | 'messages'>([
  ['mcp', 'mcp'],
  ['sse', 'sse'],
  ['messages', 'messages'],
]);

const PAGES = ['status', 'metrics', 'healthz', 'readyz'] as const;

/**
 * Finds what a path stands for. Every path is taken with and without a slash at its end; a server's name
 * is percent-encoded in it.
 *
 * @param path the path of the request's target, without its query
 */
export function route(path: string): Route {
  const segments = path.split('/').slice(1);
  if (segments.length > 1 && segments.at(-1) === '') segments.pop();
  const [first = '', name, endpoint, ...rest] = segments;
  if (first === 'servers' && name !== undefined && endpoint !== undefined && rest.length === 0) {
    const kind = ENDPOINTS.get(endpoint);
    const server = decodeName(name);
    return kind && server !== undefined ? { kind, server } : { kind: 'unknown' };
  }
  if (first === '.well-known' && name === 'oauth-protected-resource') {
    return {
      kind: 'resource-metadata',
      path: segments
        .slice(2)
        .map((segment) => `/${segment}`)
        .join(''),
    };
  }
  if (first === 'status' && segments.length === 2 && (name === 'live' || name === 'traffic')) {
    return { kind: name };
  }
  if (segments.length !== 1) return { kind: 'unknown' };
  const page = PAGES.find((one) => one === first);
  if (page !== undefined) return { kind: page };
  const kind = ENDPOINTS.get(first);
  return kind ? { kind, server: undefined } : { kind: 'unknown' };
}

/** Whether there is a page at a path, for browsers. */
export function hasPage(path: string): boolean {
  return path === '/' || route(path).kind === 'status';
}

/** The path in a request's target, which may be a whole URL (RFC 9112, section 3.2.2), without its query. */
export function targetPath(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] ?? '';
}

/** The path of one of a server's endpoints. */
export function pathOf(kind: 'mcp' | 'sse' | 'messages', server: string | undefined): string {
  const end = kind === 'messages' ? 'messages/' : kind;
  return server === undefined ? `/${end}` : `/servers/${encodeURIComponent(server)}/${end}`;
}

/** What access tokens have to be for at a path. Whether there is such a server does not matter for it. */
export function resourceOf(target: Route): Resource {
  if (target.kind !== 'mcp' && target.kind !== 'sse' && target.kind !== 'messages') return WHOLE;
  const [mcp, sse] = [pathOf('mcp', target.server), pathOf('sse', target.server)];
  return { path: target.kind === 'mcp' ? mcp : sse, paths: [mcp, sse] };
}

function decodeName(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined; // not percent-encoded UTF-8: no server can have this name
  }
}
