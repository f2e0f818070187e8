/** How long a client should wait where there may be a place at any time, in seconds. */
export const SOON = 1;

/** All places are taken. `message` says so to the client. */
export class AtCapacity extends Error {
  /** In how many seconds there may be one; undefined: nobody knows. */
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}
