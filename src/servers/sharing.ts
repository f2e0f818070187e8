import type { Sharing } from '../config/definition.js';
import type { Envelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import { asRecord } from '../jsonrpc/message.js';
import { NEWEST_LEGACY_VERSION } from '../relay/handshake.js';
import { OWN_INFO } from '../version.js';

/** Which process a client gets: one of its own, the one of its profile, or one of its profile that is free. */
export type Placement = SessionPlacement | TurnsPlacement;

/** By id; undefined: it is everybody's, or nobody is asked. */
interface Owned {
  readonly principal?: string | undefined;
}

export type SessionPlacement = (Owned & { readonly kind: 'own' }) | SharedPlacement;

export interface SharedPlacement extends Owned {
  readonly kind: 'shared';
  readonly profile: string;
}

/** One call at a time: its clients can be asked, and nothing tells one from another. */
export interface TurnsPlacement extends Owned {
  readonly kind: 'turns';
  readonly profile: string;
}

/** The profile of the one process that serves everybody. */
export const EVERYBODY: SharedPlacement = { kind: 'shared', profile: 'everybody' };

/** The profile of requests that come with no handshake of their own. */
export function proxyItself(principal?: string): SharedPlacement {
  return { kind: 'shared', profile: of(principal, 'proxy'), principal };
}

const ASKABLE = ['sampling', 'elicitation', 'roots'];

/**
 * The sharing rule for a client of the legacy era on a server of that era (docs/architecture.md, "Sharing").
 *
 * @param initialize the params of the client's `initialize`: all that a server sees of its client
 * @param principal who the client is; undefined where nobody is asked. Two never share a process, but with `shared`
 */
export function place(
  sharing: Sharing,
  initialize: Readonly<Record<string, unknown>>,
  principal?: string,
): SessionPlacement {
  if (sharing === 'session') return { kind: 'own', principal };
  if (sharing === 'shared') return EVERYBODY;
  if (isAskable(asRecord(initialize.capabilities))) return { kind: 'own', principal };
  return { kind: 'shared', profile: profileOf(initialize, principal), principal };
}

/** The same for a client of the modern era on a server of the legacy era. */
export function placeModern(
  sharing: Sharing,
  envelope: Envelope,
  principal?: string,
): SharedPlacement | TurnsPlacement {
  if (sharing === 'shared') return EVERYBODY;
  const profile = profileOf(initializeOf(envelope, OWN_INFO), principal);
  return { kind: isAskable(envelope.capabilities) ? 'turns' : 'shared', profile, principal };
}

/**
 * The same on a server of the modern era, which hears of its client with every request and asks nothing.
 *
 * @param client who it is, as far as anybody can tell; undefined: a session of the legacy era
 */
export function placeOnModern(
  sharing: Sharing,
  client: Envelope | undefined,
  principal?: string,
): SessionPlacement {
  if (sharing === 'shared') return EVERYBODY;
  if (sharing === 'auto') {
    if (principal === undefined) return EVERYBODY;
    return { kind: 'shared', profile: of(principal, 'everything'), principal };
  }
  if (client === undefined) return { kind: 'own', principal };
  return { kind: 'shared', profile: profileOf(initializeOf(client, OWN_INFO), principal), principal };
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

function profileOf(initialize: Readonly<Record<string, unknown>>, principal: string | undefined): string {
  // What is said about this one request is not said about the client.
  const { _meta, ...client } = initialize;
  return of(principal, `client ${JSON.stringify(client)}`);
}

/** The profile of one principal: in a form that no two of them share. */
function of(principal: string | undefined, profile: string): string {
  return principal === undefined ? profile : `principal ${JSON.stringify(principal)} ${profile}`;
}
