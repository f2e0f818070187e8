import type { ServerLimits } from './limits.js';
import type { Templates } from './template.js';

/** Which sessions use which process (docs/architecture.md, "Sharing"). */
export type Sharing = 'auto' | 'shared' | 'session';

/** What a server speaks: `auto`: it is asked. */
export type UpstreamEra = 'auto' | 'legacy' | 'modern';

/** Who may use a server: whoever is named here in any way. */
export interface Access {
  /** Names of keys. */
  readonly keys: readonly string[];
  /** Subjects of access tokens, as `sub`, and of client certificates; callers, where the proxy is a part of another server. */
  readonly subjects: readonly string[];
  /** Scopes of access tokens. */
  readonly scopes: readonly string[];
}

/** A local server as the user configured it: a command that speaks MCP on stdin and stdout. */
export interface ServerDefinition extends ServerLimits {
  /** The name in the URL; `default` for the one of the command line. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What the user adds to the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory; the proxy's own where it is undefined. */
  readonly cwd: string | undefined;
  /** Whether the process gets the proxy's whole environment, or only what it needs to start. */
  readonly passEnvironment: boolean;
  readonly sharing: Sharing;
  readonly era: UpstreamEra;
  /** Undefined: everybody who is let in. */
  readonly access?: Access | undefined;
  /** What a client's request completes; then each has processes of its own. `args` and `env` show it as it is written. */
  readonly templates?: Templates | undefined;
  /** What `command`, `args` and `cwd` have of the proxy's environment: secrets, perhaps. */
  readonly secrets?: readonly string[] | undefined;
  /** What a request has put into `args` and `env`: secrets, perhaps. */
  readonly filled?: readonly string[] | undefined;
}

/** The name of the server that the command line itself describes. */
export const DEFAULT_SERVER = 'default';
