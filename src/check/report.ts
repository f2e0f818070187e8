import type { Listed } from './offer.js';

/** What a check comes to, in one word. `ok` and `skipped` are well, all others are not. */
type Verdict =
  | 'ok'
  /** It is started for each client's own request, and cannot be checked without one. */
  | 'skipped'
  | 'not-found'
  | 'not-startable'
  | 'wrong-runtime'
  | 'package-not-found'
  | 'variable-missing'
  | 'stdout-noise'
  | 'wrong-transport'
  | 'no-answer'
  | 'ended'
  | 'refused'
  | 'list-failed'
  | 'unreachable'
  | 'untrusted'
  | 'no-mcp'
  | 'needs-sign-in';

/** Why, and what the person can do. Texts for people, on one line each, without secrets. */
export interface Finding {
  readonly verdict: Verdict;
  /** Empty where all is well. */
  readonly reason: string;
  readonly remedy: string;
  /** What is odd and does no harm here. */
  readonly notes: readonly string[];
}

/**
 * What a check says of one server, as `--json` shows it: members that are not known are not there. Times are in
 * milliseconds. All that comes from the server is escaped, cut and without secrets.
 */
export interface ServerReport extends Finding {
  /** `default`, the name of a named server, or the host of a remote one. */
  readonly name: string;
  /** The command as it was found, or the URL. */
  readonly target: string;
  readonly transport?: 'stdio' | 'streamablehttp' | 'sse' | undefined;
  readonly era?: 'legacy' | 'modern' | undefined;
  /** As it was agreed on; of a modern server, the one it supports. */
  readonly protocolVersion?: string | undefined;
  /** Who it says that it is. */
  readonly serverInfo?:
    | { readonly name?: string | undefined; readonly version?: string | undefined }
    | undefined;
  /** From its start, or the first connection, to the answer of the handshake. */
  readonly startMs?: number | undefined;
  readonly tools?: Listed | undefined;
  readonly prompts?: Listed | undefined;
  readonly resources?: Listed | undefined;
  readonly resourceTemplates?: Listed | undefined;
  /** How its process ended by itself. */
  readonly exit?: { readonly code: number } | { readonly signal: string } | undefined;
  /** The last lines of its stderr, where something is wrong. */
  readonly stderr?: readonly string[] | undefined;
}

/** The document of `--json`. */
export interface Report {
  /** Whether all are well. */
  readonly ok: boolean;
  readonly servers: readonly ServerReport[];
}

export function isWell({ verdict }: Finding): boolean {
  return verdict === 'ok' || verdict === 'skipped';
}

export function reportOf(servers: readonly ServerReport[]): Report {
  return { ok: servers.every(isWell), servers };
}
