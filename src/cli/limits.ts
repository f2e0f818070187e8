import type { ProxyLimits } from '../proxy.js';
import { lastValue } from './given.js';
import type { GivenOption } from './split.js';
import { count, seconds, size, someSeconds } from './values.js';

/** More than any supervisor waits before it kills. */
const MAX_STOP_SECONDS = 3600;

/** The limits of a request, in milliseconds. */
export interface RequestLimits {
  /** 0, or not set: no limit. */
  readonly timeout: number | undefined;
  /** Whatever its progress; 0: no limit. */
  readonly maxTimeout: number | undefined;
}

/** What the command line says of them. Throws `UsageError`. */
export function requestLimits(given: readonly GivenOption[]): RequestLimits {
  const read = (id: string): number | undefined => {
    const value = lastValue(given, id);
    return value === undefined ? undefined : seconds(`--${id}`, value);
  };
  return { timeout: read('request-timeout'), maxTimeout: read('max-request-timeout') };
}

/** The limits that the command line sets; nothing of those that it does not set. Throws `UsageError`. */
export function limits(given: readonly GivenOption[]): ProxyLimits {
  const read = (id: string, take: (name: string, value: string) => number): number | undefined => {
    const value = lastValue(given, id);
    return value === undefined ? undefined : take(`--${id}`, value);
  };
  return {
    maxBody: read('max-body', size),
    maxLine: read('max-line', size),
    maxSessions: read('max-sessions', count),
    maxProcesses: read('max-processes', count),
    maxInFlight: read('max-in-flight', count),
    ...requestLimits(given),
    startTimeout: read('start-timeout', someSeconds),
    sessionIdleMs: read('session-idle', seconds),
    processIdleMs: read('process-idle', seconds),
    stopMs: stopMs(given),
  };
}

/** How long what is under way may take to finish at the end; undefined where nothing is said. Throws `UsageError`. */
export function stopMs(given: readonly GivenOption[]): number | undefined {
  const value = lastValue(given, 'stop-timeout');
  return value === undefined ? undefined : seconds('--stop-timeout', value, MAX_STOP_SECONDS);
}
