import { ConfigError } from '../config/config-error.js';
import {
  type Access,
  DEFAULT_SERVER,
  type ServerDefinition,
  type Sharing,
  type UpstreamEra,
} from '../config/definition.js';
import type { ServerLimits } from '../config/limits.js';
import { refuseName } from '../config/server-name.js';

/** A local server: a command that speaks MCP on stdin and stdout. */
export interface ServerOptions extends ServerLimits {
  /** A program and its arguments; no shell is between. */
  readonly command: string;
  readonly args?: readonly string[];
  /** What is added to the little that the process gets of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; default: that of this process. */
  readonly cwd?: string;
  /** Whether the process gets all of the environment. Default: false. */
  readonly passEnvironment?: boolean;
  /** Which clients share a process. Default: `auto`. */
  readonly sharing?: Sharing;
  /** Default: `auto`: the server is asked. */
  readonly era?: UpstreamEra;
  /** Who may use it. Default: whoever is let in. */
  readonly access?: Partial<Access>;
}

/** Throws `ConfigError` for what is no name of a server. */
function definitionOf(name: string, options: ServerOptions): ServerDefinition {
  const refusal = refuseName(name);
  if (refusal !== undefined) throw new ConfigError(refusal);
  const { command, args = [], env = {}, cwd, passEnvironment = false, sharing = 'auto' } = options;
  const { era = 'auto', access, ...limits } = options;
  return {
    ...limits,
    name,
    command,
    args,
    env,
    cwd,
    passEnvironment,
    sharing,
    era,
    access: access && { keys: [], subjects: [], scopes: [], ...access },
  };
}

export interface ServersOptions {
  /** The one at `/mcp` and `/sse`. */
  readonly server?: ServerOptions;
  /** Those at `/servers/NAME/mcp` and `/servers/NAME/sse`. */
  readonly servers?: Readonly<Record<string, ServerOptions>>;
}

/** Throws `ConfigError` where there is none. */
export function definitionsOf({ server, servers = {} }: ServersOptions): {
  readonly defaultServer: ServerDefinition | undefined;
  readonly namedServers: readonly ServerDefinition[];
} {
  const named = Object.entries(servers).map(([name, options]) => definitionOf(name, options));
  if (server === undefined && named.length === 0) throw new ConfigError('there is no server to serve');
  if (server !== undefined && named.some(({ name }) => name === DEFAULT_SERVER)) {
    throw new ConfigError(
      `no other server can be called "${DEFAULT_SERVER}" where there is a default server`,
    );
  }
  return { defaultServer: server && definitionOf(DEFAULT_SERVER, server), namedServers: named };
}
