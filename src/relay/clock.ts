/** Time, as the core sees it: given from outside, so that tests can run it by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Calls `action` once, `ms` milliseconds from now. Returns what takes that back. */
  after(ms: number, action: () => void): () => void;
}
