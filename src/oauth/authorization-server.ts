/**
 * Who gives out tokens for a server, and what is asked of him, by the client SDK's functions. Its `auth()` is not
 * used: that writes what an authorization server says to the console, tokens it may repeat included.
 *
 * Loads the SDK, so it is imported when somebody has to sign in, and not before.
 */
import {
  type AddClientAuthentication,
  type AuthorizationServerMetadata,
  checkResourceAllowed,
  computeScopeUnion,
  type DpopSession,
  discoverOAuthServerInfo,
  exchangeAuthorization,
  fetchToken,
  type OAuthClientProvider,
  OAuthError,
  OAuthErrorCode,
  type OAuthTokens,
  refreshAuthorization,
  resourceUrlFromServerUrl,
  startAuthorization,
  validateAuthorizationResponseIssuer,
} from '@modelcontextprotocol/client';
import { asRecord } from '../jsonrpc/message.js';
import { dpopSession } from './dpop.js';
import type { OAuthFetch } from './fetch.js';
import type { DpopKey, Grant, Registration } from './grant.js';
import { isName } from './reason.js';
import { SignInError } from './sign-in-error.js';

/** An authorization server, and what the MCP server has said of itself. */
export interface Authority {
  readonly issuer: string;
  /** Undefined: it has no metadata, and its endpoints are those of 2025-03-26. */
  readonly metadata: AuthorizationServerMetadata | undefined;
  /** The `resource` that tokens are asked for, as the server writes it; undefined: it has no metadata. */
  readonly resource: string | undefined;
  /** Where the server says that, if it has named the place. */
  readonly metadataUrl: URL | undefined;
  /** Scopes that the server names as its own, separated by spaces. */
  readonly scope: string | undefined;
  /** Whether the server takes only tokens that are bound to a key, as far as it says so itself. */
  readonly wantsKey: boolean;
  /** Neither the server nor an authorization server has said anything: it may not be meant for signing in at all. */
  readonly isGuess: boolean;
}

/**
 * Finds the authorization server of an MCP server (2026-07-28, `basic/authorization/authorization-server-discovery`).
 * Rejects with `SignInError` where one of them is not who it should be.
 */
export async function findAuthority(
  server: URL,
  resourceMetadataUrl: URL | undefined,
  { fetch }: OAuthFetch,
): Promise<Authority> {
  const found = await discoverOAuthServerInfo(server, {
    fetchFn: fetch,
    ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
  });
  const { authorizationServerMetadata: metadata, resourceMetadata } = found;
  if (resourceMetadata !== undefined) {
    const requestedResource = resourceUrlFromServerUrl(server);
    const { resource } = resourceMetadata;
    // Else a token for another server would be got, and given to this one.
    if (!checkResourceAllowed({ requestedResource, configuredResource: resource })) {
      throw new SignInError('its metadata is that of another server (`resource`).');
    }
  }
  for (const endpoint of [
    metadata?.authorization_endpoint,
    metadata?.token_endpoint,
    asRecord(metadata).registration_endpoint,
    asRecord(metadata).device_authorization_endpoint,
  ]) {
    if (typeof endpoint === 'string' && !isSafe(endpoint)) {
      throw new SignInError('its authorization server has an endpoint that is not https.');
    }
  }
  return {
    issuer: metadata?.issuer ?? found.authorizationServerUrl,
    metadata,
    resource: resourceMetadata?.resource,
    metadataUrl: resourceMetadataUrl,
    scope: resourceMetadata?.scopes_supported?.join(' ') || undefined,
    wantsKey: asRecord(resourceMetadata).dpop_bound_access_tokens_required === true,
    isGuess: metadata === undefined && resourceMetadata?.authorization_servers === undefined,
  };
}

/** TLS, or this machine: what is sent there is secret, and what it names is opened in a browser. */
export function isSafe(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname } = new URL(endpoint);
  const isHere = /^(localhost|.*\.localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isHere);
}

/** With `offline_access` where it is offered: without it, many give no refresh token ("Refresh Tokens"). */
export function withOffline(scope: string | undefined, { metadata }: Authority): string | undefined {
  const offered = metadata?.scopes_supported?.includes('offline_access') === true;
  if (scope === undefined || !offered || scope.split(' ').includes('offline_access')) return scope;
  return `${scope} offline_access`;
}

/** RFC 8628, section 3.4. */
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Whether it protects codes (PKCE), as far as its metadata says. */
export function hasPkce({ metadata }: Authority): boolean {
  return metadata === undefined || metadata.code_challenge_methods_supported?.includes('S256') === true;
}

/** Where a person signs in, and what the code that comes of it is redeemed with. */
export async function authorizationUrl(
  authority: Authority,
  registration: Registration,
  request: { readonly redirectUri: string; readonly scope: string | undefined; readonly state: string },
): Promise<{ readonly url: URL; readonly verifier: string }> {
  const { metadata, resource } = authority;
  const { redirectUri, scope, state } = request;
  const { authorizationUrl: url, codeVerifier } = await startAuthorization(authority.issuer, {
    // Without PKCE in its metadata whoever calls has decided already.
    ...(metadata === undefined ? {} : { metadata: withPkce(metadata) }),
    clientInformation: clientOf(registration),
    redirectUrl: redirectUri,
    state,
    ...(scope === undefined ? {} : { scope }),
    ...(resource === undefined ? {} : { resource }),
  });
  return { url, verifier: codeVerifier };
}

function withPkce(metadata: AuthorizationServerMetadata): AuthorizationServerMetadata {
  return { ...metadata, code_challenge_methods_supported: ['S256'] };
}

/**
 * Redeems what the browser came back with. Rejects with `SignInError` for an answer of somebody else's (RFC 9207),
 * and where the sign-in was refused.
 */
export async function redeem(
  authority: Authority,
  registration: Registration,
  answer: {
    readonly params: URLSearchParams;
    readonly verifier: string;
    readonly redirectUri: string;
    readonly heard: (code: string) => void;
  },
  key: DpopKey | undefined,
  { fetch }: OAuthFetch,
): Promise<OAuthTokens> {
  const { metadata, resource } = authority;
  const iss = answer.params.get('iss') ?? undefined;
  const code = answer.params.get('code') ?? undefined;
  if (code !== undefined) answer.heard(code);
  try {
    validateAuthorizationResponseIssuer({
      iss,
      expectedIssuer: metadata?.issuer,
      issParameterSupported: asRecord(metadata).authorization_response_iss_parameter_supported === true,
    });
  } catch {
    // Nothing else in the answer may be shown.
    throw new SignInError('the answer came from another authorization server than the one that was asked.');
  }
  if (code === undefined) {
    const error = answer.params.get('error') ?? '';
    const name = isName(error) ? error : 'no code';
    throw new SignInError(`the sign-in was refused (${name}).`);
  }
  return exchangeAuthorization(authority.issuer, {
    ...(metadata === undefined ? {} : { metadata }),
    clientInformation: clientOf(registration),
    authorizationCode: code,
    ...(iss === undefined ? {} : { iss }),
    codeVerifier: answer.verifier,
    redirectUri: answer.redirectUri,
    ...(resource === undefined ? {} : { resource }),
    ...(await bound(key)),
    fetchFn: fetch,
  });
}

async function bound(key: DpopKey | undefined): Promise<{ dpop?: DpopSession }> {
  return key === undefined ? {} : { dpop: await dpopSession(key) };
}

/** Errors that say nothing of the token. */
const PASSING = new Set<string>([
  OAuthErrorCode.ServerError,
  OAuthErrorCode.TemporarilyUnavailable,
  OAuthErrorCode.TooManyRequests,
]);

/** Undefined: the refresh token is worth nothing any more, and a person has to sign in. */
export async function renew(
  authority: Authority,
  registration: Registration,
  refreshToken: string,
  key: DpopKey | undefined,
  { fetch }: OAuthFetch,
): Promise<OAuthTokens | undefined> {
  const { metadata, resource } = authority;
  try {
    return await refreshAuthorization(authority.issuer, {
      ...(metadata === undefined ? {} : { metadata }),
      clientInformation: clientOf(registration),
      refreshToken,
      ...(resource === undefined ? {} : { resource }),
      ...(await bound(key)),
      fetchFn: fetch,
    });
  } catch (error) {
    if (error instanceof OAuthError && !PASSING.has(error.code)) return undefined;
    throw error;
  }
}

/**
 * Tokens by any other grant.
 *
 * @param params of the request: the grant type and what belongs to it
 * @param authenticate how the client shows that it is the one, where not by its secret
 */
export function tokensBy(
  authority: Authority,
  registration: Registration,
  params: Readonly<Record<string, string>>,
  key: DpopKey | undefined,
  { fetch }: OAuthFetch,
  authenticate?: AddClientAuthentication,
): Promise<OAuthTokens> {
  const { metadata, resource } = authority;
  const provider: OAuthClientProvider = {
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [] },
    clientInformation: () => clientOf(registration),
    prepareTokenRequest: () => new URLSearchParams(params),
    dpop: async () => (await bound(key)).dpop,
    ...(authenticate === undefined ? {} : { addClientAuthentication: authenticate }),
    // The rest is for flows with a browser.
    tokens: () => undefined,
    saveTokens: () => undefined,
    redirectToAuthorization: () => undefined,
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
  };
  return fetchToken(provider, authority.issuer, {
    ...(metadata === undefined ? {} : { metadata }),
    ...(resource === undefined ? {} : { resource }),
    fetchFn: fetch,
  });
}

/** A token answer as it is kept. */
export function grantOf(
  authority: Authority,
  { clientId }: Registration,
  tokens: OAuthTokens,
  scope: string | undefined,
  key: DpopKey | undefined,
): Grant {
  const { resource, metadataUrl } = authority;
  const kept = computeScopeUnion(scope, tokens.scope);
  const now = Date.now();
  return {
    issuer: authority.issuer,
    clientId,
    accessToken: tokens.access_token,
    issuedAt: now,
    ...(resource === undefined ? {} : { resource }),
    ...(metadataUrl === undefined ? {} : { resourceMetadata: metadataUrl.href }),
    ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
    // A server that does not know of keys gives out tokens for whoever has them.
    ...(key === undefined || tokens.token_type.toLowerCase() !== 'dpop' ? {} : { key }),
    ...(kept === undefined ? {} : { scope: kept }),
    ...(tokens.expires_in === undefined ? {} : { expiresAt: now + tokens.expires_in * 1000 }),
  };
}

export function clientOf({ clientId, clientSecret }: Registration): {
  client_id: string;
  client_secret?: string;
} {
  return { client_id: clientId, ...(clientSecret === undefined ? {} : { client_secret: clientSecret }) };
}
