import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Address, ownUrls } from './host.js';

export interface OriginOptions {
  /** Origins whose pages may use the proxy; `*` is all. */
  readonly allowOrigins: readonly string[];
  /** Response headers that those pages may read, beside those that the proxy itself sends. */
  readonly exposeHeaders: readonly string[];
  /** Headers, in lower case, that those pages may send, beside those that are known everywhere. */
  readonly requestHeaders: readonly string[];
}

const METHODS = 'GET, POST, DELETE, OPTIONS';
/** How long a browser may remember the answer to a preflight, in seconds. */
const PREFLIGHT_MAX_AGE = '600';
/**
 * What pages may send: what the transports of all versions and authentication know, and what traces are made of
 * (2025-11-25 and 2026-07-28, `basic/transports`; W3C Trace Context). By lower case.
 */
const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'baggage',
  'cache-control',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'traceparent',
  'tracestate',
  'x-api-key',
]);
/** The headers that a tool declares for its arguments (2026-07-28, "Custom Headers from Tool Parameters"). */
const PARAM_HEADER = /^mcp-param-[\w!#$%&'*+.^`|~-]+$/;
/** Characters of a list of headers that is read. */
const MAX_ASKED = 4096;

/**
 * Says which web pages may use the proxy, and sets the CORS headers of those that may (Fetch standard;
 * 2025-11-25 `basic/transports`, "Security Warning": an Origin that is not valid gets 403). Nothing that a browser
 * would send by itself (cookies, certificates) is ever asked for: a page has to hold the key that it sends.
 */
export class OriginGuard {
  readonly #options: OriginOptions;
  readonly #expose: string;
  #own: ReadonlySet<string> = new Set();

  constructor(options: OriginOptions) {
    this.#options = options;
    this.#expose = ['Mcp-Session-Id', 'WWW-Authenticate', ...options.exposeHeaders].join(', ');
  }

  /** Tells the guard where the proxy listens: pages from there are its own. */
  listening(address: Address): void {
    const urls = ['localhost', address.host].flatMap((host) => ownUrls({ ...address, host }));
    // A browser leaves out the port that its scheme has anyway, as URL does.
    this.#own = new Set(urls.flatMap((url) => (URL.canParse(url) ? [url, new URL(url).origin] : [url])));
  }

  /**
   * What is answered depends on the Origin, also where it is a refusal, or there was none: a cache must not give it
   * to a page of another.
   */
  vary(response: ServerResponse): void {
    response.setHeader('Vary', 'Origin');
  }

  /** Returns false where the request has been refused. Answers preflights itself. */
  admit(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return true;
    if (this.#options.allowOrigins.includes('*')) {
      response.setHeader('Access-Control-Allow-Origin', '*');
    } else if (this.#options.allowOrigins.includes(origin)) {
      response.setHeader('Access-Control-Allow-Origin', origin);
    } else if (!this.#own.has(origin.toLowerCase())) {
      return false;
    }
    if (response.hasHeader('Access-Control-Allow-Origin')) {
      response.setHeader('Access-Control-Expose-Headers', this.#expose);
    }
    return true;
  }

  /** Whether this is a browser asking for leave; then it has been answered. */
  answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'OPTIONS') return false;
    const headers: Record<string, string> = { allow: METHODS, 'content-length': '0' };
    if (request.headers['access-control-request-method'] !== undefined) {
      headers['access-control-allow-methods'] = METHODS;
      headers['access-control-max-age'] = PREFLIGHT_MAX_AGE;
      const asked = request.headers['access-control-request-headers'];
      const allowed = knownAmong(asked ?? '', this.#options.requestHeaders);
      if (allowed !== '') headers['access-control-allow-headers'] = allowed;
      headers.vary = 'Origin, Access-Control-Request-Headers';
    }
    response.writeHead(204, headers).end();
    return true;
  }
}

/** Those of the headers that a page may send, as it wrote them. */
function knownAmong(asked: string, more: readonly string[]): string {
  if (asked.length > MAX_ASKED) return '';
  const names = asked.split(',').map((name) => name.trim());
  return names.filter((name) => isKnown(name.toLowerCase(), more)).join(', ');
}

function isKnown(name: string, more: readonly string[]): boolean {
  return REQUEST_HEADERS.has(name) || more.includes(name) || PARAM_HEADER.test(name);
}
