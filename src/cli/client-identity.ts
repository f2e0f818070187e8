import type { ClientIdentity, IdentityProvider } from '../oauth/grant.js';
import { lastValue } from './given.js';
import type { GivenOption } from './split.js';
import { UsageError } from './usage-error.js';
import { httpsUrl, secureUrl } from './values.js';

/** What only means something together with an identity token; all but the last have to be there then. */
const OF_IDENTITY_PROVIDER = ['idp-token-url', 'idp-client-id', 'idp-client-secret-file'] as const;

/** Each says in its own way who the client is, and needs its id. */
const WAYS = ['client-key-file', 'assertion-file', 'id-token-file'] as const;

/**
 * Who the client is to authorization servers, as far as options say it, and the path of its private key. An option that
 * is empty is none. Throws `UsageError`.
 */
export function clientIdentity(given: readonly GivenOption[]): {
  readonly client: ClientIdentity;
  readonly keyFile: string | undefined;
} {
  const value = (id: string): string | undefined => lastValue(given, id) || undefined;
  const [clientId, clientSecret] = ['client-id', 'client-secret'].map(value);
  const metadataUrl = value('client-metadata-url');
  const ways = WAYS.filter((id) => value(id) !== undefined);
  for (const id of clientSecret === undefined ? ways : (['client-secret', ...ways] as const)) {
    if (clientId === undefined) {
      throw new UsageError(`--${id} belongs together with --client-id, which is missing`);
    }
  }
  if (ways.length > 1) {
    throw new UsageError(`${ways.map((id) => `--${id}`).join(' and ')} are two ways; give one of them`);
  }
  const assertion = value('assertion-file') ?? identityProvider(value);
  return {
    client: {
      ...(clientId === undefined ? {} : { clientId }),
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(metadataUrl === undefined ? {} : { metadataUrl: httpsUrl('--client-metadata-url', metadataUrl) }),
      ...(assertion === undefined ? {} : { assertion }),
    },
    keyFile: value('client-key-file'),
  };
}

function identityProvider(value: (id: string) => string | undefined): IdentityProvider | undefined {
  const idTokenFile = value('id-token-file');
  const [tokenUrl, clientId, secretFile] = OF_IDENTITY_PROVIDER.map(value);
  if (idTokenFile === undefined) {
    const alone = OF_IDENTITY_PROVIDER.find((id) => value(id) !== undefined);
    if (alone !== undefined) throw new UsageError(`--${alone} needs --id-token-file`);
    return undefined;
  }
  if (tokenUrl === undefined || clientId === undefined) {
    throw new UsageError('--id-token-file belongs together with --idp-token-url and --idp-client-id');
  }
  return {
    tokenUrl: secureUrl('--idp-token-url', tokenUrl),
    clientId,
    idTokenFile,
    ...(secretFile === undefined ? {} : { secretFile }),
  };
}
