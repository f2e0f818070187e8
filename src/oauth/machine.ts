/** Tokens for a client itself, which shows that it is the one with a key (RFC 7523, `private_key_jwt`). */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { createPrivateKeyJwtAuth } from '@modelcontextprotocol/client';
import { type Authority, grantOf, tokensBy } from './authorization-server.js';
import type { OAuthFetch } from './fetch.js';
import type { DpopKey, Grant } from './grant.js';

/** A client with a key of its own. */
interface Machine {
  readonly clientId: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
}

export async function machineGrant(
  authority: Authority,
  { clientId, privateKey }: Machine,
  scope: string | undefined,
  key: DpopKey | undefined,
  fetch: OAuthFetch,
): Promise<Grant> {
  const alg = algorithmOf(createPrivateKey(privateKey), authority);
  const audience = authority.issuer;
  const authenticate = createPrivateKeyJwtAuth({
    issuer: clientId,
    subject: clientId,
    privateKey,
    alg,
    audience,
  });
  const params = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) };
  const tokens = await tokensBy(authority, { clientId }, params, key, fetch, authenticate);
  return grantOf(authority, { clientId }, tokens, scope, key);
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** What is signed with this key, of what the authorization server takes. */
function algorithmOf(key: KeyObject, { metadata }: Authority): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ec') return CURVES[details?.namedCurve ?? ''] ?? 'ES256';
  if (type === 'ed25519') return 'EdDSA';
  const taken = metadata?.token_endpoint_auth_signing_alg_values_supported ?? [];
  return taken.find((name) => /^(RS|PS)(256|384|512)$/.test(name)) ?? 'RS256';
}
