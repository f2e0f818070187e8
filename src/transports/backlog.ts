import type { ServerResponse } from 'node:http';

/** Octets that wait for a client from which on it counts as slow: more than any pause between two reads leaves. */
const SLOW_AT = 1024 * 1024;
/**
 * Octets that may wait for a client that does not read. Past it the answer on which most waits is closed: a client
 * that stalls must not fill the proxy's memory. Room for one message of the largest size and what comes with it.
 */
const MAX_UNREAD = 80 * 1024 * 1024;
/** What comes with it, where a message may be larger. */
const BESIDE = 15 * 1024 * 1024;
/**
 * How long a slow client may take nothing at all, in milliseconds, until that answer is closed: longer than a network
 * stumbles. A stream that its client has forgotten must not hold up the others of the same client for ever.
 */
const STALL_MS = 60_000;

export interface BacklogSettings {
  /** Default `MAX_UNREAD`. */
  readonly maxUnread?: number | undefined;
  /** Default `STALL_MS`. */
  readonly stallMs?: number | undefined;
}

/** @param lines octets of the longest line that each server may write */
export function maxUnread(lines: readonly number[]): number {
  return Math.max(MAX_UNREAD, ...lines.map((octets) => octets + BESIDE));
}

/** What waits for one client that reads more slowly than it is written to, on all its answers together. */
export class Backlog {
  readonly #most: number;
  readonly #stallMs: number;
  readonly #onSlow: (isSlow: boolean) => void;
  /** Answers on which much waits. */
  readonly #slow = new Set<ServerResponse>();

  /** @param onSlow told when the client becomes slow, and when it is no longer */
  constructor(
    { maxUnread: most = MAX_UNREAD, stallMs = STALL_MS }: BacklogSettings,
    onSlow: (isSlow: boolean) => void,
  ) {
    this.#most = most;
    this.#stallMs = stallMs;
    this.#onSlow = onSlow;
  }

  /** Whether much waits on this answer. */
  has(response: ServerResponse): boolean {
    return this.#slow.has(response);
  }

  /** To be told after whatever is written. May close this answer, or another of the same client. */
  wrote(response: ServerResponse): void {
    if (response.writableLength <= SLOW_AT && response.writableLength <= this.#most) return;
    if (!this.#slow.has(response)) this.#begin(response);
    this.#makeRoom();
  }

  #begin(response: ServerResponse): void {
    const stalled = (): void => void response.destroy();
    const over = (): void => {
      response.off('timeout', stalled).off('drain', over).off('finish', over).off('close', over);
      // One that has ended leaves its connection to the next, and Node has set a time for that.
      if (!response.writableEnded) response.setTimeout(0);
      this.#slow.delete(response);
      if (this.#slow.size === 0) this.#onSlow(false);
    };
    this.#slow.add(response);
    // Whatever the client takes begins this time anew.
    response.setTimeout(this.#stallMs).on('timeout', stalled);
    response.on('drain', over).on('finish', over).on('close', over);
    if (this.#slow.size === 1) this.#onSlow(true);
  }

  #makeRoom(): void {
    let octets = 0;
    let most: ServerResponse | undefined;
    for (const response of this.#slow) {
      if (response.destroyed) continue;
      octets += response.writableLength;
      if (most === undefined || response.writableLength > most.writableLength) most = response;
    }
    if (octets > this.#most) most?.destroy();
  }
}
