import { asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../jsonrpc/wire.js';
import type { Call, Port } from './port.js';

/** Versions whose clients and servers begin with `initialize`, the newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export const NEWEST_LEGACY_VERSION = LEGACY_VERSIONS[0];

/** Whether this is a version of the legacy era that the proxy knows. */
export function isLegacyVersion(version: unknown): version is (typeof LEGACY_VERSIONS)[number] {
  return LEGACY_VERSIONS.some((known) => known === version);
}

/** The server refused the handshake, or was lost in it. `refusal` is the error that it came to. */
export class HandshakeRefused extends Error {
  readonly refusal: Message;

  constructor(text: string, refusal: Message) {
    super(text);
    this.refusal = refusal;
  }
}

/** The one handshake of an upstream that many sessions share: done once, answered to each. */
export class Handshake {
  /** The `initialize` of sessions that came while the first one was open, and the version each asks for. */
  readonly #waiting = new Map<Call, unknown>();
  #state: 'none' | 'pending' | 'done' = 'none';
  /** What the proxy itself waits for. */
  #settled: ((answer: Message | undefined) => void)[] = [];
  #result: Wire = '';
  #initialized: 'no' | 'early' | 'yes' = 'no';

  get state(): 'none' | 'pending' | 'done' {
    return this.#state;
  }

  /** The server's raw result, once it is done. */
  get result(): Wire {
    return this.#result;
  }

  /** Runs once the pending handshake is done, with nothing, or has failed, with the error. */
  onceSettled(action: (error: Message | undefined) => void): void {
    this.#settled.push(action);
  }

  begin(): void {
    this.#state = 'pending';
  }

  wait(call: Call, version: unknown): void {
    this.#waiting.set(call, version);
  }

  /** Forgets a waiting call that was given up. */
  giveUp(call: Call): void {
    this.#waiting.delete(call);
  }

  /** Forgets what a session that has left was waiting for. */
  leave(port: Port): void {
    for (const call of this.#waiting.keys()) if (call.port === port) this.#waiting.delete(call);
  }

  /** Returns the waiting calls with the raw result for each. */
  done(result: Wire): [Call, Wire][] {
    this.#state = 'done';
    this.#result = result;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const settled of this.#settled.splice(0)) settled(undefined);
    return waiting.map(([call, version]) => [call, this.resultFor(version)]);
  }

  failed(error: Message): Call[] {
    this.#state = 'none';
    for (const settled of this.#settled.splice(0)) settled(error);
    this.#initialized = 'no';
    const waiting = [...this.#waiting.keys()];
    this.#waiting.clear();
    return waiting;
  }

  /**
   * Whether this `notifications/initialized` is the one that the server gets: the first after its answer
   * to `initialize`. One that a client sent before that is not lost: see `takeEarly`.
   */
  takeInitialized(): boolean {
    if (this.#state === 'pending') this.#initialized = 'early';
    if (this.#state !== 'done' || this.#initialized === 'yes') return false;
    this.#initialized = 'yes';
    return true;
  }

  /** Whether a client sent `notifications/initialized` too early, so that the server gets it now. */
  takeEarly(): boolean {
    return this.#initialized === 'early' && this.takeInitialized();
  }

  /**
   * The server's own result for a client that asked for `version`. It is passed on as it is, but for one
   * case: the proxy agreed on a newer legacy version than this client speaks. Then it is told its own,
   * as every server of the legacy era must that supports it (2025-11-25, `basic/lifecycle`).
   */
  resultFor(version: unknown): Wire {
    const result = asRecord(parseWire(this.#result));
    const agreed = result.protocolVersion;
    if (!isLegacyVersion(version) || !isLegacyVersion(agreed)) return this.#result;
    if (LEGACY_VERSIONS.indexOf(version) <= LEGACY_VERSIONS.indexOf(agreed)) return this.#result;
    return toWire({ ...result, protocolVersion: version });
  }
}
