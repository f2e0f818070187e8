import type { AuthOptions, TokenOptions } from '../auth/options.js';
import { isSecureUrl } from '../auth/secure-url.js';
import { lastValue } from './given.js';
import type { GivenOption } from './split.js';
import { UsageError } from './usage-error.js';

/** What only means something along with an issuer. */
const OF_ISSUER = [
  'auth-audience',
  'required-scope',
  'auth-introspection-url',
  'auth-client-id',
  'auth-client-secret-file',
];
/** RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * How clients show who they are. Throws `UsageError`.
 *
 * @param env for `MCP_PROXY_API_KEYS`
 */
export function authOptions(
  given: readonly GivenOption[],
  env: Readonly<Record<string, string | undefined>>,
): AuthOptions {
  const empty = given.find(
    ({ id, values: [value] }) =>
      (OF_ISSUER.includes(id) || id === 'auth-issuer' || id === 'api-key-file') && !value,
  );
  if (empty !== undefined) throw new UsageError(`${empty.name} is empty`);
  return {
    apiKeyFile: lastValue(given, 'api-key-file'),
    apiKeys: env.MCP_PROXY_API_KEYS,
    tokens: tokens(given),
  };
}

function tokens(given: readonly GivenOption[]): TokenOptions | undefined {
  const issuer = lastValue(given, 'auth-issuer');
  if (issuer === undefined) {
    const alone = given.find(({ id }) => OF_ISSUER.includes(id));
    if (alone !== undefined) throw new UsageError(`${alone.name} needs --auth-issuer`);
    return undefined;
  }
  if (!isSecureUrl(issuer) || new URL(issuer).search !== '') {
    throw new UsageError(
      '--auth-issuer is an https URL without user, query and fragment (http on this machine only)',
    );
  }
  const requiredScopes = valuesOf(given, 'required-scope');
  for (const scope of requiredScopes) {
    if (!SCOPE.test(scope))
      throw new UsageError(`--required-scope is one scope, without spaces; not "${scope}"`);
  }
  return {
    issuer,
    audiences: valuesOf(given, 'auth-audience'),
    requiredScopes,
    introspection: introspection(given),
  };
}

function introspection(given: readonly GivenOption[]): TokenOptions['introspection'] {
  const url = lastValue(given, 'auth-introspection-url');
  const id = lastValue(given, 'auth-client-id');
  const secretFile = lastValue(given, 'auth-client-secret-file');
  if ((id === undefined) !== (secretFile === undefined)) {
    throw new UsageError('--auth-client-id and --auth-client-secret-file are given both or not at all');
  }
  if (url === undefined) {
    if (id !== undefined) throw new UsageError('--auth-client-id needs --auth-introspection-url');
    return undefined;
  }
  if (!isSecureUrl(url)) {
    throw new UsageError('--auth-introspection-url is an https URL (http on this machine only)');
  }
  return { url, client: id === undefined || secretFile === undefined ? undefined : { id, secretFile } };
}

function valuesOf(given: readonly GivenOption[], id: string): string[] {
  return given.filter((one) => one.id === id).map(({ values: [value = ''] }) => value);
}
