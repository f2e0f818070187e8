/** By what somebody was let in, and for how long that is good. */
export interface Credential {
  /** @param now milliseconds since 1970 */
  isGood(now: number): boolean;
  /**
   * Whether the answer to a request that came with it is still given once it is not good any more: it has run out, and
   * nobody has taken it back.
   */
  readonly mayFinish: boolean;
}

/** @param until milliseconds since 1970 */
export function goodUntil(until: number): Credential {
  return { isGood: (now) => now < until, mayFinish: true };
}
