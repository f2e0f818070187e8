import { wordsOf } from '../observability/events.js';
import { checkHeaders } from '../remote/headers.js';
import { SIGN_IN_MS, type SignInOptions } from '../sign-in.js';
import type { RemoteOptions } from '../upstream/remote.js';
import { clientIdentity } from './client-identity.js';
import { isGiven, lastValue, namesOf, pairs } from './given.js';
import { type RequestLimits, requestLimits, stopMs } from './limits.js';
import type { LogOptions } from './options.js';
import { UPSTREAM_ERAS } from './server-options.js';
import type { GivenOption } from './split.js';
import { UsageError } from './usage-error.js';
import { choice, headerName, httpUrl, port, someSeconds, verification } from './values.js';

/** What client mode needs to begin. */
export interface ClientOptions
  extends Omit<RemoteOptions, 'timings' | 'signIn' | 'maxInFlight'>,
    RequestLimits,
    LogOptions {
  /** How a person signs in; undefined: nobody does, because other credentials are given. */
  readonly signIn: SignInOptions | undefined;
  /** How long what is under way may take to finish at the end, in milliseconds; undefined: the default. */
  readonly stopMs: number | undefined;
}

const TRANSPORTS = ['auto', 'sse', 'streamablehttp'] as const;
const CREDENTIALS = ['client-id', 'client-secret', 'token-url'] as const;

/**
 * @param remote the URL as it was written
 * @param env `API_ACCESS_TOKEN` in it becomes an `Authorization` header where none is given
 * Throws `UsageError`. Adds to the warnings what is ignored in this mode.
 */
export function clientOptions(
  given: readonly GivenOption[],
  remote: string,
  env: Readonly<Record<string, string | undefined>>,
  log: LogOptions,
  warnings: string[],
): ClientOptions {
  const ignored = namesOf(given, 'server', 'default-server');
  if (ignored.length > 0) {
    warnings.push(`Ignored, because the first argument is a URL (client mode): ${ignored.join(', ')}.`);
  }
  const url = httpUrl('the first argument', remote);
  const transport = lastValue(given, 'transport') ?? 'auto';
  const credentials = clientCredentials(given);
  const all = headers(given, url, env.API_ACCESS_TOKEN);
  return {
    url,
    headers: all,
    transport: choice('--transport', transport, TRANSPORTS),
    era: choice('--upstream-era', lastValue(given, 'upstream-era') ?? 'auto', UPSTREAM_ERAS),
    ...(credentials === undefined ? {} : { credentials }),
    signIn: credentials === undefined ? signIn(given) : undefined,
    verify: verify(given),
    ...log,
    ...requestLimits(given),
    stopMs: stopMs(given),
  };
}

function headers(
  given: readonly GivenOption[],
  url: URL,
  accessToken: string | undefined,
): [string, string][] {
  const result = pairs(given, 'headers').map(([key, value]): [string, string] => [
    headerName('--headers', key),
    value,
  ]);
  // A token from a file often brings the end of its line with it.
  const token = accessToken?.trim() ?? '';
  if (token !== '' && !result.some(([key]) => key.toLowerCase() === 'authorization')) {
    result.push(['Authorization', `Bearer ${token}`]);
  }
  try {
    checkHeaders(result, url);
  } catch (error) {
    throw new UsageError(wordsOf(error));
  }
  return result;
}

/** The client credentials grant, where the person says where tokens are given out. */
function clientCredentials(given: readonly GivenOption[]): RemoteOptions['credentials'] {
  const [clientId = '', clientSecret = '', tokenUrl = ''] = CREDENTIALS.map((id) => lastValue(given, id));
  if (!lastValue(given, 'token-url')) return undefined;
  const other = ['assertion-file', 'id-token-file'].find((id) => lastValue(given, id));
  if (other !== undefined) throw new UsageError(`--token-url and --${other} are two ways; give one of them`);
  const missing = CREDENTIALS.filter((id) => !lastValue(given, id));
  if (missing.length === 0) return { clientId, clientSecret, tokenUrl: httpUrl('--token-url', tokenUrl) };
  const names = missing.map((id) => `--${id}`).join(' and ');
  throw new UsageError(`--token-url belongs together with --client-id and --client-secret; ${names} missing`);
}

function signIn(given: readonly GivenOption[]): SignInOptions {
  const { client, keyFile } = clientIdentity(given);
  const timeout = lastValue(given, 'sign-in-timeout');
  const onPort = lastValue(given, 'redirect-port');
  return {
    client,
    keyFile,
    redirectPort: onPort === undefined ? undefined : redirectPort(onPort),
    browser: !isGiven(given, 'no-browser'),
    device: isGiven(given, 'device'),
    timeout: timeout === undefined ? SIGN_IN_MS : someSeconds('--sign-in-timeout', timeout),
  };
}

function redirectPort(value: string): number {
  const number = port('--redirect-port', value);
  if (number > 0) return number;
  throw new UsageError('--redirect-port is a whole number from 1 to 65535, as it stands in the redirect URI');
}

function verify(given: readonly GivenOption[]): boolean | string {
  const last = given.findLast(({ id }) => id === 'verify-ssl' || id === 'no-verify-ssl');
  if (last === undefined) return true;
  return last.id === 'no-verify-ssl' ? false : verification(last.values[0]);
}
