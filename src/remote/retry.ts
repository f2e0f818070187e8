import type { RemoteTimings } from './remote-link.js';

type Retrying = Pick<RemoteTimings, 'retryFirst' | 'retryMax' | 'retryWindow'>;

/**
 * The wait, in ms, before the next try to reach a server that was not there: twice as long each time, but the
 * last try is at the end of the window, not before it. Undefined: the window is over, and the server given up.
 *
 * @param tries how many there were, at least 1
 * @param elapsed ms since the first one began
 */
export function pauseBefore(
  tries: number,
  elapsed: number,
  { retryFirst, retryMax, retryWindow }: Retrying,
): number | undefined {
  const left = retryWindow - elapsed;
  if (left <= 0) return undefined;
  return Math.min(retryFirst * 2 ** (tries - 1), retryMax, Math.ceil(left));
}
