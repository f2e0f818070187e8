/** How this program becomes known to an authorization server that does not know it. */
import { RegistrationRejectedError, registerClient } from '@modelcontextprotocol/client';
import { asRecord } from '../jsonrpc/message.js';
import { type Authority, DEVICE_GRANT } from './authorization-server.js';
import type { OAuthFetch } from './fetch.js';
import type { Registration } from './grant.js';
import { isName } from './reason.js';
import { SignInError } from './sign-in-error.js';

/** Whether a URL may stand for a client there ("Client ID Metadata Documents"). */
export function takesMetadataUrl({ metadata }: Authority): boolean {
  return asRecord(metadata).client_id_metadata_document_supported === true;
}

/** Registers this program (RFC 7591). Rejects with `SignInError`. */
export async function register(
  authority: Authority,
  redirectUri: string,
  scope: string | undefined,
  { fetch }: OAuthFetch,
): Promise<Registration> {
  const { metadata, issuer } = authority;
  if (metadata !== undefined && metadata.registration_endpoint === undefined) {
    throw new SignInError(
      'its authorization server registers nobody by itself: register a client there and give it with --client-id.',
    );
  }
  const methods = metadata?.token_endpoint_auth_methods_supported;
  const isDevice = typeof asRecord(metadata).device_authorization_endpoint === 'string';
  const send = (wanted: string | undefined): ReturnType<typeof registerClient> =>
    registerClient(issuer, {
      ...(metadata === undefined ? {} : { metadata }),
      clientMetadata: {
        client_name: 'mcp-proxy',
        redirect_uris: [redirectUri],
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token', ...(isDevice ? [DEVICE_GRANT] : [])],
        response_types: ['code'],
        token_endpoint_auth_method:
          methods === undefined || methods.includes('none')
            ? 'none'
            : (methods.find((method) => /^client_secret_(basic|post)$/.test(method)) ?? 'none'),
      },
      ...(wanted === undefined ? {} : { scope: wanted }),
      fetchFn: fetch,
    });
  try {
    // Some let a client ask later only for what it has registered, others do not know the scopes of servers.
    const client = await send(scope).catch((error: unknown) => {
      const isRefused = error instanceof RegistrationRejectedError && error.status === 400;
      if (isRefused && scope !== undefined) return send(undefined);
      throw error;
    });
    const endsAt = client.client_secret_expires_at ?? 0;
    return {
      clientId: client.client_id,
      ...(client.client_secret === undefined ? {} : { clientSecret: client.client_secret }),
      ...(endsAt === 0 ? {} : { endsAt: endsAt * 1000 }),
    };
  } catch (error) {
    if (!(error instanceof RegistrationRejectedError)) throw error;
    throw new SignInError(
      `its authorization server refused to register this program (${refusal(error)}). Where it knows a client already, give that with --client-id.`,
      error.status,
    );
  }
}

function refusal({ status, body }: RegistrationRejectedError): string {
  const code = errorCode(body);
  return code === undefined ? `HTTP status ${status}` : `HTTP status ${status}, ${code}`;
}

/** The `error` of an OAuth error answer (RFC 6749, section 5.2), where it may be shown. */
function errorCode(body: string): string | undefined {
  try {
    const { error } = asRecord(JSON.parse(body));
    return typeof error === 'string' && isName(error) ? error : undefined;
  } catch {
    return undefined; // no JSON: there is no such name
  }
}
