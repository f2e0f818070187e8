/** What one server may use, and for how long: the defaults, and what holds where they are set otherwise. */
import { MAX_PROLONGED, START_MS } from '../relay/calls.js';

/**
 * Times are in milliseconds. What is not set holds as elsewhere: a definition's own wins over what is set for all
 * servers, and that over the default. 0 is no limit, where that is said.
 */
export interface ServerLimits {
  /** Longest time for one request; progress starts it again. 0: no limit, which is the default. */
  readonly timeout?: number | undefined;
  /** Longest time for one request whatever its progress. 0: no limit. Default: `MAX_PROLONGED` times `timeout`. */
  readonly maxTimeout?: number | undefined;
  /** Longest wait for the first answer of a process. */
  readonly startTimeout?: number | undefined;
  /** Processes at once. */
  readonly maxProcesses?: number | undefined;
  /** How long a process that nobody uses stays for the next client. 0: for ever. */
  readonly processIdleMs?: number | undefined;
  /** Requests that one session may have open. */
  readonly maxInFlight?: number | undefined;
  /** Octets of one line that a process writes. */
  readonly maxLine?: number | undefined;
}

/** The same with all of them known; what has no limit is infinite. */
export type HeldLimits = { readonly [Name in keyof ServerLimits]-?: number };

export const DEFAULT_LIMITS = {
  startTimeout: START_MS,
  /** Some 50 MB each, so that a machine survives them. */
  maxProcesses: 100,
  processIdleMs: 15 * 60_000,
  /** More than any client has to say at once, and few enough for a server to hold. */
  maxInFlight: 1000,
  /**
   * A message may have 64 MiB, as over HTTP; what the proxy itself writes into one (ids, tokens, an envelope around
   * a body) finds room beside that.
   */
  maxLine: 65 * 1024 * 1024,
} as const;

/**
 * What holds for a server.
 *
 * @param own what its definition says
 * @param common what is set for all servers
 */
export function limitsOf(own: ServerLimits, common: ServerLimits): HeldLimits {
  const timeout = endless(own.timeout ?? common.timeout ?? 0);
  const maxTimeout = own.maxTimeout ?? common.maxTimeout;
  return {
    timeout,
    maxTimeout: maxTimeout === undefined ? MAX_PROLONGED * timeout : endless(maxTimeout),
    startTimeout: own.startTimeout ?? common.startTimeout ?? DEFAULT_LIMITS.startTimeout,
    maxProcesses: own.maxProcesses ?? common.maxProcesses ?? DEFAULT_LIMITS.maxProcesses,
    processIdleMs: endless(own.processIdleMs ?? common.processIdleMs ?? DEFAULT_LIMITS.processIdleMs),
    maxInFlight: own.maxInFlight ?? common.maxInFlight ?? DEFAULT_LIMITS.maxInFlight,
    maxLine: own.maxLine ?? common.maxLine ?? DEFAULT_LIMITS.maxLine,
  };
}

function endless(ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}
