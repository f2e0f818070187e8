import type { IncomingHttpHeaders } from 'node:http';
import type { Emit } from '../observability/events.js';
import type { Clock } from '../relay/clock.js';
import { ApiKeys } from './api-keys.js';
import { presented } from './presented.js';
import { NOT_KNOWN, NOTHING_SHOWN, type Verdict } from './verdict.js';

/** By what clients may show who they are. At least one is given. */
export interface AuthOptions {
  /** A file of keys, a line for each: `name:key`. */
  readonly apiKeyFile?: string | undefined;
  /** The same as a text. */
  readonly apiKeys?: string | undefined;
}

/** Finds out who sends a request. */
export interface Authenticator {
  authenticate(headers: IncomingHttpHeaders): Verdict;
}

/** Undefined where nobody is asked who they are. Throws `ConfigError`. */
export function authenticatorOf(
  { apiKeyFile: file, apiKeys: list }: AuthOptions,
  clock: Clock,
  emit: Emit,
): Authenticator | undefined {
  if (file === undefined && list === undefined) return undefined;
  const keys = new ApiKeys({ file, list, clock, emit });
  return {
    authenticate(headers) {
      const shown = presented(headers);
      if (shown.kind === 'nothing') return NOTHING_SHOWN;
      if (shown.kind === 'contradiction') return NOT_KNOWN;
      const principal = keys.holderOf(shown.credential);
      return principal === undefined ? NOT_KNOWN : { kind: 'known', principal };
    },
  };
}
