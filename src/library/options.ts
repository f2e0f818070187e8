import type { AuthOptions } from '../auth/options.js';
import type { ProxyEvent } from '../observability/events.js';
import type { MessageHook } from '../observability/hooks.js';
import type { ProxyLimits, ProxyOptions } from '../proxy.js';
import { definitionsOf, type ServersOptions } from './definition.js';

/** What a proxy serves, and to whom. What is not set is as on the command line. */
export interface ServingOptions extends ServersOptions {
  /** Origins whose pages may use it; `*` is all. Default: none. */
  readonly allowOrigins?: readonly string[];
  /** Host names, beside this machine's own, under which it may be asked. */
  readonly allowHosts?: readonly string[];
  /** Headers that pages may see, beside `Mcp-Session-Id`. */
  readonly exposeHeaders?: readonly string[];
  /** Path prefix under which clients see it, for the URLs that it gives out. */
  readonly basePath?: string;
  /** No sessions on Streamable HTTP in the legacy era. Default: false. */
  readonly stateless?: boolean;
  /** By what clients show who they are. Default: nobody is asked. */
  readonly auth?: AuthOptions;
  /** Serves whoever comes from elsewhere, with nobody asked who they are. Default: false. */
  readonly allowUnauthenticated?: boolean;
  readonly limits?: ProxyLimits;
  /** Sees each message, and may answer, change or drop it. */
  readonly hook?: MessageHook;
  /** Told what happens; texts hold no secrets. Default: nobody. */
  readonly onEvent?: (event: ProxyEvent) => void;
}

/** Throws `ConfigError` for servers that cannot be served. */
export function proxyOptions(options: ServingOptions): Omit<ProxyOptions, 'host' | 'port'> {
  const { allowOrigins = [], allowHosts = [], exposeHeaders = [], basePath = '' } = options;
  const { stateless = false, auth, allowUnauthenticated = false, limits, hook } = options;
  return {
    ...definitionsOf(options),
    allowOrigins,
    allowHosts,
    exposeHeaders,
    basePath,
    stateless,
    pollAfter: 0,
    allowUnauthenticated,
    hook,
    ...(auth === undefined ? {} : { auth }),
    ...(limits === undefined ? {} : { limits }),
  };
}

export function emitOf({ onEvent }: Pick<ServingOptions, 'onEvent'>): (event: ProxyEvent) => void {
  return (event) => {
    try {
      onEvent?.(event);
    } catch {
      // Whoever listens must not end what is told of.
    }
  };
}
