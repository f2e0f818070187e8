import { ConfigError } from '../config/config-error.js';
import type { ServerDefinition } from '../config/definition.js';
import { namesIn, PRINCIPAL } from '../config/template.js';
import { isLoopback } from './host.js';
import type { InspectOptions } from './traffic.js';

interface Exposed {
  readonly host: string;
  readonly allowUnauthenticated?: boolean;
  readonly namedServers: readonly ServerDefinition[];
  readonly inspect?: InspectOptions | undefined;
}

/**
 * Whoever reaches the port of a local server has what that server has: its files, its shell. Throws `ConfigError`
 * where nobody is asked who they are, and others could come, or a server is for some only.
 */
export function refuseExposed({ host, allowUnauthenticated, namedServers, inspect }: Exposed): void {
  const closed = namedServers.find(({ access }) => access !== undefined);
  if (closed !== undefined) {
    throw new ConfigError(
      `server "${closed.name}": its access can't be kept, because nobody is asked who they are; give out keys with ` +
        '--api-key-file FILE or MCP_PROXY_API_KEYS, or take access tokens with --auth-issuer URL, or client certificates ' +
        'with --tls-client-ca FILE',
    );
  }
  const asking = namedServers.find(
    ({ templates }) => templates !== undefined && namesIn(templates).has(PRINCIPAL),
  );
  if (asking !== undefined) {
    throw new ConfigError(
      `server "${asking.name}": it takes \${principal}, but nobody is asked who they are`,
    );
  }
  if (inspect !== undefined && inspect.access.length > 0) {
    throw new ConfigError('--inspect-access names somebody, but nobody is asked who they are');
  }
  if (isLoopback(host.toLowerCase())) return;
  if (inspect !== undefined && allowUnauthenticated) {
    throw new ConfigError(
      `--inspect on ${host} would show everybody what all clients say, because nobody is asked who they are; listen on ` +
        '127.0.0.1, or give out keys with --api-key-file FILE',
    );
  }
  if (allowUnauthenticated) return;
  throw new ConfigError(
    `--host ${host} would let everybody who reaches this machine use its servers, because nobody is asked who they are. ` +
      'Give out keys with --api-key-file FILE or MCP_PROXY_API_KEYS; or take access tokens with --auth-issuer URL, or client certificates with --tls-client-ca FILE; or ' +
      'listen on 127.0.0.1 only; or, where something in front of it lets in only those who may, or nobody else reaches ' +
      'that address, say --allow-unauthenticated',
  );
}
