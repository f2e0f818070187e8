import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { memo } from './memo.js';

/**
 * Says for which `Host` the proxy answers. A page whose own name is made to resolve to this machine
 * (DNS rebinding) is, to the browser, of the same origin as the proxy: what it only reads comes without
 * an `Origin`, and the name in `Host` is what gives it away (2025-11-25 `basic/transports`, "Security
 * Warning"). Only where the proxy listens on a loopback address: elsewhere it can't know its names.
 */
export class HostGuard {
  readonly #any: boolean;
  readonly #names: ReadonlySet<string>;
  readonly #admitsHost = memo((host) => this.#isAllowed(host));

  /**
   * @param host what the proxy listens on
   * @param allowed hosts that may be asked for, and origins whose pages may use the proxy: such a page may be served
   * under its own name together with the proxy, by a reverse proxy that keeps the `Host`. `*` among the origins names
   * nobody
   */
  constructor(
    host: string,
    allowed: { readonly allowHosts: readonly string[]; readonly allowOrigins: readonly string[] },
  ) {
    const { allowHosts, allowOrigins } = allowed;
    this.#any = !isLoopback(host.toLowerCase()) || allowHosts.includes('*');
    const pages = allowOrigins
      .filter((origin) => URL.canParse(origin))
      .map((origin) => new URL(origin).hostname);
    this.#names = new Set([...allowHosts, ...pages].map(withoutRoot));
  }

  admits(request: IncomingMessage): boolean {
    const { host } = request.headers;
    return this.#any || host === undefined || this.#admitsHost(host);
  }

  #isAllowed(host: string): boolean {
    // What a URL has beside host and port is no Host (RFC 9110, section 7.2): the next reader might see another name.
    if (/[@/?#\\]/.test(host)) return false;
    const url = `http://${host}`;
    if (!URL.canParse(url)) return false;
    const hostname = withoutRoot(new URL(url).hostname);
    return isLoopback(hostname) || this.#names.has(hostname);
  }
}

/** A name with a dot at its end is the same one, written from the root on (RFC 1034, section 3.1). */
function withoutRoot(name: string): string {
  return name.replace(/\.$/, '');
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Where the proxy listens. */
export interface Address {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

/** The URLs, in lower case, of the proxy at that address: first what it was told, then other names of the same. */
export function ownUrls({ scheme, host, port }: Address): string[] {
  const name = (host.includes(':') ? `[${host}]` : host).toLowerCase();
  const names = new Set([name, ...(isLoopback(name) ? LOOPBACK : [])]);
  return [...names].map((one) => `${scheme}://${one}:${port}`);
}

/** Whether a host name or an address, in lower case, is this machine's own and nobody else reaches it. */
export function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const address = name.replace(/^\[|\]$/g, '');
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
