/** Tokens for whom a JWT speaks that somebody else has signed (RFC 7523, section 2.1). */
import { asRecord } from '../jsonrpc/message.js';
import { type Authority, grantOf, tokensBy } from './authorization-server.js';
import type { DpopKey, Grant, IdentityProvider, Registration } from './grant.js';
import { identityAssertion } from './id-jag.js';
import { keepSecret } from './secrets.js';
import { SignInError } from './sign-in-error.js';
import type { SignInOptions } from './sign-in-options.js';
import { tokenIn } from './token-file.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/**
 * Redeems the JWT, which is got anew each time. One that is refused is not tried again, nor is another way in its place
 * (the extension "Workload Identity Federation").
 *
 * @param source the file that the platform keeps it in, or the provider that gives it out for an identity token
 */
export async function jwtBearerGrant(
  options: SignInOptions,
  source: string | IdentityProvider,
  registration: Registration,
  authority: Authority,
  scope: string | undefined,
  key: DpopKey | undefined,
): Promise<Grant> {
  const { fetch, secrets } = options;
  keepSecret(secrets, registration);
  const assertion =
    typeof source === 'string'
      ? await workloadAssertion(source, authority)
      : await identityAssertion(options, source, authority, scope);
  secrets.addPassing(assertion);
  const params = { grant_type: GRANT, assertion, ...(scope === undefined ? {} : { scope }) };
  const tokens = await tokensBy(authority, registration, params, key, fetch);
  return grantOf(authority, registration, tokens, scope, key);
}

/**
 * The MCP server names its authorization server, and may name its own: what is in the file goes only to whom it was
 * made out for, since others could use it there.
 */
async function workloadAssertion(file: string, { issuer, metadata }: Authority): Promise<string> {
  const assertion = await tokenIn(file, '--assertion-file');
  const audiences = [audiencesOf(assertion)].flat();
  const own = [issuer, `${issuer.replace(/\/$/, '')}/`, issuer.replace(/\/$/, ''), metadata?.token_endpoint];
  if (audiences.some((one) => typeof one === 'string' && own.includes(one))) return assertion;
  throw new SignInError(
    `the token in ${file} (--assertion-file) is not for its authorization server, ${new URL(issuer).origin}, so that it was not sent there.`,
  );
}

/** `aud`, unchecked: who takes the token checks it. */
function audiencesOf(jwt: string): unknown {
  try {
    return asRecord(JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())).aud;
  } catch {
    return undefined; // no JSON: it is for nobody
  }
}
