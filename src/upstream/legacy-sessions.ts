import { clock } from '../clock.js';
import type { Envelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import type { LegacySession } from '../eras/modern-client/legacy-session.js';
import type { Emit } from '../observability/events.js';
import { Correlation } from '../relay/correlation.js';
import type { CloseReason, Link } from '../relay/link.js';
import { OWN_INFO } from '../version.js';

/**
 * Sessions of the legacy era for a modern client: it mostly says the same of itself with every request. Past it
 * the one that was not used for longest ends.
 */
const MAX_SESSIONS = 16;

/** The sessions that a client of the modern era has with a remote server of the legacy era. */
export class LegacySessions {
  readonly #where: string;
  readonly #emit: Emit;
  readonly #connect: (onLost: (text: string) => void) => Link;
  /** By what the client said of itself. */
  readonly #sessions = new Map<string, Correlation>();

  /**
   * @param where the server, for texts
   * @param connect makes a link to it, and is told where the session on that is lost
   */
  constructor(where: string, emit: Emit, connect: (onLost: (text: string) => void) => Link) {
    this.#where = where;
    this.#emit = emit;
    this.#connect = connect;
  }

  /**
   * A session begun with what the client says of itself, or the one that there is. Rejects with the reason.
   *
   * @param canBeAsked whether the client can be asked something while the request is open
   */
  async open(envelope: Envelope, canBeAsked: boolean): Promise<LegacySession> {
    const params = initializeOf(envelope, OWN_INFO);
    const profile = JSON.stringify(params);
    let correlation = this.#sessions.get(profile);
    if (correlation !== undefined) {
      this.#sessions.delete(profile);
      this.#sessions.set(profile, correlation); // used last
    } else {
      this.#makeRoom();
      const onLost = (text: string): void => this.#drop(profile, { kind: 'failed', text });
      correlation = new Correlation(this.#connect(onLost), {
        server: this.#where,
        era: 'legacy',
        exclusive: false,
        clients: 'one',
        timeout: undefined,
        clock,
        emit: this.#emit,
      });
      this.#sessions.set(profile, correlation);
    }
    try {
      const isNew = correlation.version === undefined;
      const initialized = await correlation.initialize(params);
      if (isNew) {
        const text = `A session with ${this.#where} has begun, MCP ${correlation.version ?? 'unknown'}.`;
        this.#emit({ level: 'info', text });
      }
      const link = correlation.attach({ isTranslated: true, canBeAsked });
      return { link, initialized };
    } catch (error) {
      if (this.#sessions.get(profile) === correlation) {
        this.#drop(profile, { kind: 'failed', text: 'its handshake failed' });
      }
      throw error;
    }
  }

  /** The server is of another era by now: what no call needs any more ends. */
  leave(): void {
    for (const [profile, { inFlight }] of this.#sessions) {
      if (inFlight === 0)
        this.#drop(profile, { kind: 'ended', text: 'the server speaks another era by now' });
    }
  }

  close(reason: CloseReason): void {
    for (const session of this.#sessions.values()) session.close(reason);
  }

  /** Ends the session that was not used for longest, where there are too many. */
  #makeRoom(): void {
    if (this.#sessions.size < MAX_SESSIONS) return;
    for (const [profile, { sessions, inFlight }] of this.#sessions) {
      if (sessions > 0 || inFlight > 0) continue;
      this.#drop(profile, { kind: 'idle', text: 'its place was needed' });
      return;
    }
    throw new Error(`${this.#where} is in use by ${MAX_SESSIONS} sessions of this client; try again later`);
  }

  /** The next request of such a client begins a new session. */
  #drop(profile: string, reason: CloseReason): void {
    const correlation = this.#sessions.get(profile);
    this.#sessions.delete(profile);
    correlation?.close(reason);
  }
}
