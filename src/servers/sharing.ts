import type { Sharing } from '../config/definition.js';
import type { Envelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import { asRecord } from '../jsonrpc/message.js';
import { NEWEST_LEGACY_VERSION } from '../relay/handshake.js';
import { OWN_INFO } from '../version.js';

/** Which process a client gets: one of its own, the one of its profile, or one of its profile that is free. */
export type Placement = SessionPlacement | TurnsPlacement;

export type SessionPlacement = { readonly kind: 'own' } | SharedPlacement;

export interface SharedPlacement {
  readonly kind: 'shared';
  readonly profile: string;
}

/** One call at a time: its clients can be asked, and nothing tells one from another. */
export interface TurnsPlacement {
  readonly kind: 'turns';
  readonly profile: string;
}

/** The profile of the one process that serves everybody. */
export const EVERYBODY: SharedPlacement = { kind: 'shared', profile: 'everybody' };
/** The profile of requests that come with no handshake of their own. */
export const PROXY_ITSELF: SharedPlacement = { kind: 'shared', profile: 'proxy' };

const ASKABLE = ['sampling', 'elicitation', 'roots'];

/**
 * The sharing rule for a client of the legacy era on a server of that era (docs/architecture.md, "Sharing").
 *
 * @param initialize the params of the client's `initialize`: all that a server sees of its client
 */
export function place(sharing: Sharing, initialize: Readonly<Record<string, unknown>>): SessionPlacement {
  if (sharing === 'session') return { kind: 'own' };
  if (sharing === 'shared') return EVERYBODY;
  if (isAskable(asRecord(initialize.capabilities))) return { kind: 'own' };
  return { kind: 'shared', profile: profileOf(initialize) };
}

/** The same for a client of the modern era on a server of the legacy era. */
export function placeModern(sharing: Sharing, envelope: Envelope): SharedPlacement | TurnsPlacement {
  if (sharing === 'shared') return EVERYBODY;
  const profile = profileOf(initializeOf(envelope, OWN_INFO));
  return { kind: isAskable(envelope.capabilities) ? 'turns' : 'shared', profile };
}

/**
 * The same on a server of the modern era, which hears of its client with every request and asks nothing.
 *
 * @param client who it is, as far as anybody can tell; undefined: a session of the legacy era
 */
export function placeOnModern(sharing: Sharing, client: Envelope | undefined): SessionPlacement {
  if (sharing !== 'session') return EVERYBODY;
  return client === undefined
    ? { kind: 'own' }
    : { kind: 'shared', profile: profileOf(initializeOf(client, OWN_INFO)) };
}

/** The params of the handshake that the proxy does in its own name. */
export function ownInitialize(placement: Placement): object {
  const askable = placement === EVERYBODY;
  return {
    protocolVersion: NEWEST_LEGACY_VERSION,
    capabilities: askable
      ? { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }
      : {},
    clientInfo: OWN_INFO,
  };
}

function isAskable(capabilities: Readonly<Record<string, unknown>>): boolean {
  return ASKABLE.some((capability) => capabilities[capability] !== undefined);
}

function profileOf(initialize: Readonly<Record<string, unknown>>): string {
  // What is said about this one request is not said about the client.
  const { _meta, ...client } = initialize;
  return `client ${JSON.stringify(client)}`;
}
