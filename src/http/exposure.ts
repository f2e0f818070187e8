import { ConfigError } from '../config/config-error.js';
import type { ServerDefinition } from '../config/definition.js';
import { namesIn, PRINCIPAL } from '../config/template.js';
import { isLoopback } from './host.js';

interface Exposed {
  readonly host: string;
  readonly allowUnauthenticated?: boolean;
  readonly namedServers: readonly ServerDefinition[];
}

/**
 * Whoever reaches the port of a local server has what that server has: its files, its shell. Throws `ConfigError`
 * where nobody is asked who they are, and others could come, or a server is for some only.
 */
export function refuseExposed({ host, allowUnauthenticated, namedServers }: Exposed): void {
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
  if (allowUnauthenticated || isLoopback(host.toLowerCase())) return;
  throw new ConfigError(
    `--host ${host} would let everybody who reaches this machine use its servers, because nobody is asked who they are. ` +
      'Give out keys with --api-key-file FILE or MCP_PROXY_API_KEYS; or take access tokens with --auth-issuer URL, or client certificates with --tls-client-ca FILE; or ' +
      'listen on 127.0.0.1 only; or, where something in front of it lets in only those who may, or nobody else reaches ' +
      'that address, say --allow-unauthenticated',
  );
}
