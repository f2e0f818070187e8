import type { ProxyLimits } from '../proxy.js';
import { lastValue } from './given.js';
import type { GivenOption } from './split.js';
import { count, seconds, size, someSeconds } from './values.js';

/** More than any supervisor waits before it kills. */
const MAX_STOP_SECONDS = 3600;

/** The limits of requests; times are in milliseconds. */
export interface RequestLimits {
  /** How many may be open at once. */
  readonly maxInFlight: number | undefined;
  /** 0, or not set: no limit. */
  readonly timeout: number | undefined;
  /** Whatever its progress; 0: no limit. */
  readonly maxTimeout: number | undefined;
}

/** What the command line says of them. Throws `UsageError`. */
export function requestLimits(given: readonly GivenOption[]): RequestLimits {
  return {
    maxInFlight: read(given, 'max-in-flight', count),
    timeout: read(given, 'request-timeout', seconds),
    maxTimeout: read(given, 'max-request-timeout', seconds),
  };
}

function read(
  given: readonly GivenOption[],
  id: string,
  take: (name: string, value: string) => number,
): number | undefined {
  const value = lastValue(given, id);
  return value === undefined ? undefined : take(`--${id}`, value);
}

/** The limits that the command line sets; nothing of those that it does not set. Throws `UsageError`. */
export function limits(given: readonly GivenOption[]): ProxyLimits {
  return {
    maxBody: read(given, 'max-body', size),
    maxLine: read(given, 'max-line', size),
    maxSessions: read(given, 'max-sessions', count),
    maxConnections: read(given, 'max-connections', count),
    maxProcesses: read(given, 'max-processes', count),
    ...requestLimits(given),
    startTimeout: read(given, 'start-timeout', someSeconds),
    sessionIdleMs: read(given, 'session-idle', seconds),
    processIdleMs: read(given, 'process-idle', seconds),
    stopMs: stopMs(given),
  };
}

/** How long what is under way may take to finish at the end; undefined where nothing is said. Throws `UsageError`. */
export function stopMs(given: readonly GivenOption[]): number | undefined {
  const value = lastValue(given, 'stop-timeout');
  return value === undefined ? undefined : seconds('--stop-timeout', value, MAX_STOP_SECONDS);
}
