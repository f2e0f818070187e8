/** An identity token of a person's organisation becomes a grant for one MCP server (Identity Assertion JWT, ID-JAG). */
import { requestJwtAuthorizationGrant } from '@modelcontextprotocol/client';
import type { Authority } from './authorization-server.js';
import { Unreachable } from './fetch.js';
import type { IdentityProvider } from './grant.js';
import { isName } from './reason.js';
import { SignInError } from './sign-in-error.js';
import type { SignInOptions } from './sign-in-options.js';
import { secretIn, tokenIn } from './token-file.js';

/**
 * Exchanges the identity token at the provider that has given it out (RFC 8693; the extension "Enterprise-Managed
 * Authorization", "Token Exchange"). The provider decides whether this person may use that server by this client.
 *
 * @returns a JWT for the authorization server, and good for nobody else
 */
export async function identityAssertion(
  { server, fetch: { fetch }, secrets }: SignInOptions,
  { tokenUrl, clientId, secretFile, idTokenFile }: IdentityProvider,
  { issuer, resource }: Authority,
  scope: string | undefined,
): Promise<string> {
  const idToken = await tokenIn(idTokenFile, '--id-token-file');
  secrets.addPassing(idToken);
  const clientSecret =
    secretFile === undefined ? undefined : await secretIn(secretFile, '--idp-client-secret-file');
  if (clientSecret !== undefined) secrets.add(clientSecret);
  try {
    const { jwtAuthGrant } = await requestJwtAuthorizationGrant({
      tokenEndpoint: tokenUrl,
      audience: issuer,
      resource: resource ?? server.href,
      idToken,
      clientId,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(scope === undefined ? {} : { scope }),
      fetchFn: fetch,
    });
    return jwtAuthGrant;
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    throw new SignInError(`the identity provider gave out nothing for it${named(error)}.`);
  }
}

/** The name of the error that the provider has answered with; the SDK puts that before the provider's own words. */
function named(error: unknown): string {
  const [, name = ''] =
    /^Token exchange failed: (\S+)/.exec(error instanceof Error ? error.message : '') ?? [];
  return isName(name) && name !== 'with' ? ` (${name})` : '';
}
