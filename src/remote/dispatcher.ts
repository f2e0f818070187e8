import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Agent, Dispatcher, EnvHttpProxyAgent } from 'undici';

/** TLS verification: on, off, or the path of a PEM file with the certificate authorities to trust. */
export type Verify = boolean | string;

/**
 * Connections to one remote at a time. Each open request has its own; more would use up the files a
 * process may have open (1024 on many systems).
 */
const MAX_CONNECTIONS = 512;

const require = createRequire(import.meta.url);

/**
 * A pool of kept-alive connections. No time limit on an answer or its body: a tool may take as long as it
 * takes, and an event stream is silent for hours. A peer that has vanished is found by TCP keep-alive.
 *
 * Only undici's pool is loaded, unless there is a proxy on the way, and only here: the whole of undici (fetch, WebSocket, caches) takes three
 * times as long to load, and a desktop client waits for the start.
 *
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold, except for this machine itself, which no proxy can reach for us.
 *
 * @param origin whom the connections are for
 * @param connectTimeout milliseconds
 * Throws an `Error` in words where the CA bundle cannot be read.
 */
export function openDispatcher(origin: string, verify: Verify, connectTimeout: number): Dispatcher {
  const tls = typeof verify === 'string' ? { ca: readBundle(verify) } : { rejectUnauthorized: verify };
  const connect = { timeout: connectTimeout, ...tls };
  const options = { connect, connections: MAX_CONNECTIONS, headersTimeout: 0, bodyTimeout: 0 };
  if (hasProxy(process.env) && !isLoopback(new URL(origin).hostname)) {
    // Its tunnels need methods that only the whole of undici puts in place.
    const undici: { EnvHttpProxyAgent: typeof EnvHttpProxyAgent } = require('undici');
    return new undici.EnvHttpProxyAgent({ ...options, requestTls: connect, proxyTls: connect });
  }
  const Plain: typeof Agent = require('undici/lib/dispatcher/agent.js');
  return new Plain(options);
}

function hasProxy(env: Readonly<Record<string, string | undefined>>): boolean {
  return ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].some((name) => Boolean(env[name]));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || host.startsWith('127.');
}

function readBundle(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
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
