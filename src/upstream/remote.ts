import type { UpstreamEra } from '../config/definition.js';
import { DEFAULT_LIMITS } from '../config/limits.js';
import { OAuthFetch } from '../oauth/fetch.js';
import type { ClientIdentity } from '../oauth/grant.js';
import { OAuthCredentials } from '../oauth/oauth-credentials.js';
import type { CredentialStore } from '../oauth/store.js';
import type { Emit } from '../observability/events.js';
import { Secrets, SHORTEST_HEADER } from '../observability/secrets.js';
import { ClientCredentials, type Credentials } from '../remote/credentials.js';
import { describeUrl, querySecrets } from '../remote/describe-url.js';
import { checkHeaders, type Header } from '../remote/headers.js';
import { HttpClient } from '../remote/http.js';
import type { Verify } from '../remote/opening.js';
import { REMOTE_TIMINGS, type RemoteLink, type RemoteTimings } from '../remote/remote-link.js';
import { Front } from './front.js';
import type { Watch } from './watch.js';

/** A person who can sign in. */
export interface SignIn {
  readonly client: ClientIdentity;
  /** How a browser is opened: a program and its arguments before the URL; undefined: there is none. */
  readonly browser: readonly [string, ...string[]] | undefined;
  /** Whether it is done on another device, where the authorization server has that. */
  readonly device: boolean;
  /** The port of the redirect URI, where that is registered with one; undefined: any. */
  readonly redirectPort?: number | undefined;
  /** Nobody is there: what is kept is used and renewed, and that is all. */
  readonly isUnattended?: boolean;
  /** Told that somebody is asked, and when that is over. */
  readonly onAsked?: ((isAsked: boolean) => void) | undefined;
  /** Where credentials are kept. */
  readonly store: CredentialStore;
  /** How long, in ms, a request waits for it. */
  readonly timeout: number;
}

export interface RemoteOptions {
  readonly url: URL;
  /** `auto`: find out. */
  readonly transport: 'auto' | 'sse' | 'streamablehttp';
  /** What the server speaks; `auto`: it is asked. HTTP+SSE is of the legacy era. */
  readonly era: UpstreamEra;
  /** For every request. An `Authorization` among them holds, whatever the credentials are. */
  readonly headers: readonly Header[];
  readonly credentials?: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly tokenUrl: URL;
  };
  /** How a person signs in where the server asks for it; undefined: nobody does. Not where there are credentials. */
  readonly signIn?: SignIn;
  readonly verify: Verify;
  /** Requests that the client may have open at once, which whoever uses the link has to see to. */
  readonly maxInFlight?: number | undefined;
  readonly timings?: Partial<RemoteTimings>;
  /** Takes the secrets, for whoever shows what the server says. */
  readonly secrets?: Secrets;
  readonly watch?: Watch | undefined;
}

/**
 * A link to a remote server, for a client of either era. It connects when the client's first request comes.
 * Throws an `Error` in words for headers that cannot be sent and a CA bundle that cannot be read.
 */
export function connectRemote(options: RemoteOptions, emit: Emit): RemoteLink {
  const { url, verify, maxInFlight = DEFAULT_LIMITS.maxInFlight } = options;
  const { secrets = new Secrets() } = options;
  const { headers, dropped } = checkHeaders(options.headers, url);
  for (const value of Object.values(headers)) secrets.add(value, SHORTEST_HEADER);
  for (const value of [url.password || url.username, ...querySecrets(url)]) secrets.add(value);
  for (const name of dropped) {
    emit({ level: 'warning', text: `The header "${name}" is left out: the transport sets it itself.` });
  }
  const credentials = headers.authorization === undefined ? credentialsOf(options, secrets, emit) : undefined;
  const source = credentials === undefined ? {} : { credentials };
  const http = new HttpClient({ origin: url.origin, verify, headers, secrets, emit, maxInFlight, ...source });
  return new Front({ ...options, timings: timings(options), http, emit });
}

function credentialsOf(options: RemoteOptions, secrets: Secrets, emit: Emit): Credentials | undefined {
  const { url, verify, credentials, signIn } = options;
  if (credentials !== undefined) {
    const http = new HttpClient({ origin: credentials.tokenUrl.origin, verify, secrets, emit });
    return new ClientCredentials({ ...credentials, secrets, http });
  }
  if (signIn === undefined) return undefined;
  const fetch = new OAuthFetch({ verify, secrets, emit });
  const where = describeUrl(url, (text) => secrets.mask(text));
  return new OAuthCredentials({ ...signIn, server: url, where, fetch, secrets, emit });
}

/** Time, in ms, that is left for the handshake once a person has signed in. */
const AFTER_SIGN_IN = 10_000;

/** The handshake may take as long as somebody signs in. */
function timings({ timings = {}, signIn }: RemoteOptions): Partial<RemoteTimings> {
  if (signIn === undefined) return timings;
  const handshake = timings.handshake ?? REMOTE_TIMINGS.handshake;
  return { ...timings, handshake: Math.max(handshake, signIn.timeout + AFTER_SIGN_IN) };
}
