import type { Emit } from '../observability/events.js';
import type { Secrets } from '../observability/secrets.js';
import type { Challenge } from './challenge.js';
import type { OAuthFetch } from './fetch.js';
import type { ClientIdentity, Grant } from './grant.js';
import type { CredentialStore } from './store.js';

export interface SignInOptions {
  readonly server: URL;
  /** The server, for texts. */
  readonly where: string;
  readonly client: ClientIdentity;
  /** How a browser is opened; undefined: there is none, or it is not to be. */
  readonly browser: readonly [string, ...string[]] | undefined;
  /** Whether the person signs in on another device, where the authorization server has that. */
  readonly device: boolean;
  /** The port of the redirect URI, where that is registered with one; undefined: any. */
  readonly redirectPort?: number | undefined;
  /** Nobody is there to be asked: what is kept is used and renewed, and that is all. */
  readonly isUnattended?: boolean;
  readonly store: CredentialStore;
  readonly fetch: OAuthFetch;
  readonly secrets: Secrets;
  readonly emit: Emit;
}

export interface Wanted {
  readonly challenge: Challenge;
  /** What the server does not take, or not for this. */
  readonly refused: Grant | undefined;
  /** Whether another token of the same scopes may help, so that nobody has to be asked. */
  readonly mayRenew: boolean;
  /** Told where the person signs in. */
  readonly asked: (url: string) => void;
  readonly signal: AbortSignal;
}
