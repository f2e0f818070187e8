/** All places for processes are taken. `message` says so to the client. */
export class AtCapacity extends Error {
  /** In how many seconds there may be one; undefined: nobody knows. */
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}
