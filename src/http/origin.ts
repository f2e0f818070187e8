import type { IncomingMessage, ServerResponse } from 'node:http';

export interface OriginOptions {
  /** Origins whose pages may use the proxy; `*` is all. */
  readonly allowOrigins: readonly string[];
  /** Response headers that those pages may read, beside `Mcp-Session-Id`. */
  readonly exposeHeaders: readonly string[];
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const METHODS = 'GET, POST, DELETE, OPTIONS';
/** How long a browser may remember the answer to a preflight, in seconds. */
const PREFLIGHT_MAX_AGE = '600';
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;

/**
 * Says which web pages may use the proxy, and sets the CORS headers of those that may (Fetch standard;
 * 2025-11-25 `basic/transports`, "Security Warning": an Origin that is not valid gets 403).
 */
export class OriginGuard {
  readonly #options: OriginOptions;
  readonly #expose: string;
  #own: ReadonlySet<string> = new Set();

  constructor(options: OriginOptions) {
    this.#options = options;
    this.#expose = ['Mcp-Session-Id', ...options.exposeHeaders].join(', ');
  }

  /** Tells the guard where the proxy listens: pages from there are its own. */
  listening(host: string, port: number): void {
    const hosts = [...LOOPBACK, host.includes(':') ? `[${host}]` : host];
    this.#own = new Set(hosts.map((name) => `http://${name}:${port}`.toLowerCase()));
  }

  /** Returns false where the request has been refused. Answers preflights itself. */
  admit(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return true;
    if (this.#options.allowOrigins.includes('*')) {
      response.setHeader('Access-Control-Allow-Origin', '*');
    } else if (this.#options.allowOrigins.includes(origin)) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Vary', 'Origin');
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
      if (asked !== undefined && HEADER_NAMES.test(asked)) headers['access-control-allow-headers'] = asked;
    }
    response.writeHead(204, headers).end();
    return true;
  }
}
