import type { TlsOptions } from '../http/tls.js';
import { type ListeningServer, type StartOutcome, startProxy } from '../proxy.js';
import { emitOf, proxyOptions, type ServingOptions } from './options.js';

export interface CreateProxyOptions extends ServingOptions {
  /** What it listens on. Default: 127.0.0.1. Elsewhere it has to be said who may use it. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** It speaks HTTPS with these. */
  readonly tls?: TlsOptions;
}

/** A proxy that listens. */
export interface Proxy {
  /** `http://host:port`, or with `https`. */
  readonly url: string;
  /** Where each server is, over both transports. */
  readonly servers: readonly ListeningServer[];
  /** Settles once it is known of every server how its start went. Never rejects. */
  readonly started: Promise<readonly StartOutcome[]>;
  /** Ends in order: what is under way may finish (5 s, `limits.stopMs`), sessions end, then processes. */
  close(): Promise<void>;
}

/**
 * Serves local servers over Streamable HTTP and HTTP+SSE. Rejects, and has started nothing, with an `Error` in words
 * where it cannot listen; with `ConfigError` where the options must not be used as they are.
 */
export async function createProxy(options: CreateProxyOptions): Promise<Proxy> {
  const { host = '127.0.0.1', port = 0, tls } = options;
  const { url, servers, started, close } = await startProxy(
    { ...proxyOptions(options), host, port, tls },
    emitOf(options),
  );
  return { url, servers, started, close };
}
