/** What was given out for a server is taken back by who gave it out (RFC 7009). */
import {
  type ClientAuthMethod,
  discoverAuthorizationServerMetadata,
  selectClientAuthMethod,
} from '@modelcontextprotocol/client';
import { asRecord } from '../jsonrpc/message.js';
import { clientOf, isSafe } from './authorization-server.js';
import { type OAuthFetch, Unreachable } from './fetch.js';
import type { Grant, Registration } from './grant.js';
import { isName, reasonOf } from './reason.js';

/**
 * The refresh token first: most authorization servers take back with it all that came of it. Then the access token.
 *
 * @returns undefined where both are worth nothing any more, else why not, in words that hold no secrets. Never rejects.
 */
export async function revoke(
  { issuer, refreshToken, accessToken }: Grant,
  registration: Registration,
  { fetch }: OAuthFetch,
): Promise<string | undefined> {
  try {
    const metadata = asRecord(await discoverAuthorizationServerMetadata(issuer, { fetchFn: fetch }));
    const { revocation_endpoint: endpoint, revocation_endpoint_auth_methods_supported: methods } = metadata;
    if (typeof endpoint !== 'string') return 'its authorization server has no place for that.';
    if (!isSafe(endpoint)) return 'its authorization server has an endpoint that is not https.';
    const taken = Array.isArray(methods) ? methods.filter((one) => typeof one === 'string') : [];
    const client = clientOf(registration);
    const how = authentication(client, selectClientAuthMethod(client, taken));
    let refusal: string | undefined;
    for (const [hint, token] of [
      ['refresh_token', refreshToken],
      ['access_token', accessToken],
    ] as const) {
      if (token === undefined) continue;
      const body = new URLSearchParams({ token, token_type_hint: hint, ...how.params }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...how.headers };
      const answer = await fetch(endpoint, { method: 'POST', headers, body });
      if (!answer.ok) refusal ??= await refusalOf(answer);
    }
    return refusal;
  } catch (error) {
    return error instanceof Unreachable ? error.message : reasonOf(error);
  }
}

interface Shown {
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** RFC 6749, section 2.3.1. */
function authentication(client: ReturnType<typeof clientOf>, method: ClientAuthMethod): Shown {
  const { client_id, client_secret } = client;
  if (client_secret === undefined || method === 'none') return { params: { client_id }, headers: {} };
  if (method === 'client_secret_post') return { params: { client_id, client_secret }, headers: {} };
  const pair = [client_id, client_secret].map((part) =>
    new URLSearchParams([['', part]]).toString().slice(1),
  );
  const authorization = `Basic ${Buffer.from(pair.join(':')).toString('base64')}`;
  return { params: {}, headers: { authorization } };
}

async function refusalOf(answer: Response): Promise<string> {
  const { error } = asRecord(await answer.json().catch(() => undefined));
  const name = typeof error === 'string' && isName(error) ? `, ${error}` : '';
  return `its authorization server has refused it (${answer.status}${name}).`;
}
