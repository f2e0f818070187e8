import { type LogLevel, wordsOf } from '../observability/events.js';
import { checkHeaders } from '../remote/headers.js';
import type { RemoteOptions } from '../upstream/remote.js';
import { lastValue, namesOf, pairs } from './given.js';
import { type RequestLimits, requestLimits, stopMs } from './limits.js';
import { UPSTREAM_ERAS } from './server-options.js';
import type { GivenOption } from './split.js';
import { UsageError } from './usage-error.js';
import { choice, headerName, httpUrl, verification } from './values.js';

/** What client mode needs to begin. */
export interface ClientOptions extends Omit<RemoteOptions, 'timings'>, RequestLimits {
  readonly logLevel: LogLevel;
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
  level: LogLevel,
  warnings: string[],
): ClientOptions {
  const ignored = namesOf(given, 'server', 'default-server');
  if (ignored.length > 0) {
    warnings.push(`Ignored, because the first argument is a URL (client mode): ${ignored.join(', ')}.`);
  }
  const url = httpUrl('the first argument', remote);
  const transport = lastValue(given, 'transport') ?? 'auto';
  const credentials = clientCredentials(given);
  return {
    url,
    headers: headers(given, url, env.API_ACCESS_TOKEN),
    transport: choice('--transport', transport, TRANSPORTS),
    era: choice('--upstream-era', lastValue(given, 'upstream-era') ?? 'auto', UPSTREAM_ERAS),
    ...(credentials === undefined ? {} : { credentials }),
    verify: verify(given),
    logLevel: level,
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

function clientCredentials(given: readonly GivenOption[]): RemoteOptions['credentials'] {
  const [clientId = '', clientSecret = '', tokenUrl = ''] = CREDENTIALS.map((id) => lastValue(given, id));
  const missing = CREDENTIALS.filter((id) => !lastValue(given, id));
  if (missing.length === CREDENTIALS.length) return undefined;
  if (missing.length === 0) return { clientId, clientSecret, tokenUrl: httpUrl('--token-url', tokenUrl) };
  const names = missing.map((id) => `--${id}`).join(' and ');
  throw new UsageError(`--client-id, --client-secret and --token-url belong together; ${names} missing`);
}

function verify(given: readonly GivenOption[]): boolean | string {
  const last = given.findLast(({ id }) => id === 'verify-ssl' || id === 'no-verify-ssl');
  if (last === undefined) return true;
  return last.id === 'no-verify-ssl' ? false : verification(last.values[0]);
}
