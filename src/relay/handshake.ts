import { asRecord } from '../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../jsonrpc/wire.js';
import type { Call } from './port.js';

/** Versions whose clients and servers begin with `initialize`, the newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export const NEWEST_LEGACY_VERSION = LEGACY_VERSIONS[0];

/** Whether this is a version of the legacy era that the proxy knows. */
export function isLegacyVersion(version: unknown): version is (typeof LEGACY_VERSIONS)[number] {
  return LEGACY_VERSIONS.some((known) => known === version);
}

/** The one handshake of an upstream that many sessions share: done once, answered to each. */
export class Handshake {
  /** Sessions whose `initialize` came while the first one was still open. */
  readonly waiting: Call[] = [];
  #state: 'none' | 'pending' | 'done' = 'none';
  #result: Wire = '';
  #initialized = false;

  get state(): 'none' | 'pending' | 'done' {
    return this.#state;
  }

  begin(): void {
    this.#state = 'pending';
  }

  done(result: Wire): Call[] {
    this.#state = 'done';
    this.#result = result;
    return this.waiting.splice(0);
  }

  failed(): Call[] {
    this.#state = 'none';
    return this.waiting.splice(0);
  }

  /** Whether this `notifications/initialized` is the first, and so the one that the server gets. */
  takeInitialized(): boolean {
    if (this.#initialized) return false;
    this.#initialized = true;
    return true;
  }

  /**
   * The server's own result for a client that asked for `version`. It is passed on as it is, but for one
   * case: the proxy agreed on a newer legacy version than this client speaks. Then it is told its own,
   * as every server of the legacy era must that supports it (2025-11-25, `basic/lifecycle`).
   */
  resultFor(version: unknown): Wire {
    const result = asRecord(parseWire(this.#result));
    if (version === result.protocolVersion || !isLegacyVersion(version)) return this.#result;
    return toWire({ ...result, protocolVersion: version });
  }
}
