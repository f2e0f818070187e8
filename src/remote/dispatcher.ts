import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Agent, Dispatcher, ProxyAgent } from 'undici';
import { asRecord } from '../jsonrpc/message.js';
import { wordsOf } from '../observability/events.js';
import { type OutboundProxy, proxyAuthorization } from './proxy.js';

/** TLS verification: on, off, or the path of a PEM file with the certificate authorities to trust. */
export type Verify = boolean | string;

/** Connections to one remote at a time, where nothing else is said. */
const MAX_CONNECTIONS = 512;

/**
 * So many connections are enough for `requests` that are open at once, so that none of them, and nothing that is said
 * beside them, waits for one: each request has its own, keeps it for some seconds after it was answered or cancelled,
 * and a few are for notifications, answers and streams.
 */
export function connectionsFor(requests: number): number {
  return 2 * requests + 16;
}

/**
 * A connection on which nothing came for this long, in ms, is asked by the system whether its peer is still
 * there. Ten questions without an answer, 1 s apart (Node's own numbers), end it: so a peer that has vanished, or
 * a network that has changed, costs 40 s. Well below the minute or more after which routers and firewalls forget
 * a silent connection.
 */
const KEEP_ALIVE = 30_000;

/**
 * Longest time, in ms, that a connection waits for the next request, whatever its server offers: what is written
 * on one that is dead meanwhile is repeated by the system for a quarter of an hour before that is told.
 */
const MAX_IDLE = 30_000;

const require = createRequire(import.meta.url);

/** What requests are sent by: one undici dispatcher, or something that goes through it. */
export type Sender = Pick<Dispatcher, 'dispatch' | 'destroy'>;

/**
 * A pool of kept-alive connections. No time limit on an answer or its body: a tool may take as long as it
 * takes, and an event stream is silent for hours. A peer that has vanished is found by TCP keep-alive.
 *
 * Only undici's pool is loaded, unless there must be a tunnel, and only here: the whole of undici (fetch,
 * WebSocket, caches) takes three times as long to load, and a desktop client waits for the start.
 *
 * @param origin whom the connections are for
 * @param connectTimeout milliseconds
 * @param connections how many there may be at once; what is sent beyond that waits
 * Throws an `Error` in words where the CA bundle cannot be read.
 */
export function openDispatcher(
  origin: string,
  verify: Verify,
  connectTimeout: number,
  proxy: OutboundProxy | undefined,
  connections: number = MAX_CONNECTIONS,
): Sender {
  const tls = typeof verify === 'string' ? { ca: readBundle(verify) } : { rejectUnauthorized: verify };
  const connect = {
    timeout: connectTimeout,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
    ...tls,
  };
  const options = {
    connect,
    connections,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveMaxTimeout: MAX_IDLE,
  };
  const Plain: typeof Agent = require('undici/lib/dispatcher/agent.js');
  if (proxy === undefined) return new Plain(options);
  const authorization = proxyAuthorization(proxy);
  if (origin.startsWith('http:')) return forwarding(new Plain(options), proxy.url, authorization);
  // Its tunnels need methods that only the whole of undici puts in place.
  const undici: { ProxyAgent: typeof ProxyAgent } = require('undici');
  const token = authorization === undefined ? {} : { token: authorization };
  return new undici.ProxyAgent({
    ...options,
    ...token,
    uri: proxy.url.href,
    requestTls: connect,
    proxyTls: connect,
  });
}

/**
 * Requests in absolute form, for the proxy to send on (RFC 9112, section 3.2.2). Ordinary proxies allow a
 * tunnel (CONNECT) to port 443 only.
 */
function forwarding(pool: Dispatcher, proxy: URL, authorization: string | undefined): Sender {
  const own = authorization === undefined ? {} : { 'proxy-authorization': authorization };
  return {
    dispatch: ({ origin, path, headers, ...rest }, handler) => {
      const far = new URL(String(origin));
      const all = { ...asRecord(headers), host: far.host, ...own };
      return pool.dispatch(
        { ...rest, origin: proxy.origin, path: `${far.origin}${path}`, headers: all },
        handler,
      );
    },
    destroy: () => pool.destroy(),
  };
}

function readBundle(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = wordsOf(error);
    throw new Error(`The CA bundle ${path} (--verify-ssl) cannot be read: ${reason}`);
  }
  if (!holdsCertificate(text)) {
    throw new Error(`The CA bundle ${path} (--verify-ssl) holds no certificate in PEM form.`);
  }
  return text;
}

/** Node takes any text for a bundle, and would then trust nobody without a word. */
function holdsCertificate(text: string): boolean {
  const blocks = text.match(/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END \1?CERTIFICATE-----/g);
  return blocks?.some(isCertificate) ?? false;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // the parser's only way to say so
  }
}
