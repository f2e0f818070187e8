import type { Sharing } from '../config/definition.js';
import { asRecord } from '../jsonrpc/message.js';
import { NEWEST_LEGACY_VERSION } from '../relay/handshake.js';
import { VERSION } from '../version.js';

/** Which process a session gets: one of its own, or the one of its profile. */
export type Placement = { readonly kind: 'own' } | SharedPlacement;

export interface SharedPlacement {
  readonly kind: 'shared';
  readonly profile: string;
}

/** The profile of the one process that serves everybody. */
export const EVERYBODY: SharedPlacement = { kind: 'shared', profile: 'everybody' };
/** The profile of requests that come with no handshake of their own. */
export const PROXY_ITSELF: SharedPlacement = { kind: 'shared', profile: 'proxy' };

const ASKABLE = ['sampling', 'elicitation', 'roots'];

/**
 * The sharing rule (docs/architecture.md, "Sharing").
 *
 * @param initialize the params of the client's `initialize`: all that a server sees of its client
 */
export function place(sharing: Sharing, initialize: Readonly<Record<string, unknown>>): Placement {
  if (sharing === 'session') return { kind: 'own' };
  if (sharing === 'shared') return EVERYBODY;
  const capabilities = asRecord(initialize.capabilities);
  if (ASKABLE.some((capability) => capabilities[capability] !== undefined)) return { kind: 'own' };
  // What is said about this one request is not said about the client.
  const { _meta, ...client } = initialize;
  return { kind: 'shared', profile: `client ${JSON.stringify(client)}` };
}

/** The params of the handshake that the proxy does in its own name. */
export function ownInitialize(placement: Placement): object {
  const askable = placement === EVERYBODY;
  return {
    protocolVersion: NEWEST_LEGACY_VERSION,
    capabilities: askable
      ? { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }
      : {},
    clientInfo: { name: 'mcp-proxy', version: VERSION },
  };
}
