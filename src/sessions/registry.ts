import { randomUUID } from 'node:crypto';
import { belongsTo } from '../auth/bound.js';
import type { ClientInfo } from '../eras/client-info.js';
import { type RecentClient, RecentClients } from './recent-clients.js';
import type { Session } from './session.js';

/** Sessions that the proxy keeps at once. Each costs some 40 kB with its stream. */
const MAX_SESSIONS = 10_000;
/** How long a session is kept that has no request and no stream open, in milliseconds. */
const SESSION_IDLE_MS = 30 * 60_000;
/** How often idle sessions are looked for, in milliseconds. */
const SWEEP_MS = 30_000;
/**
 * How often at least in the time that ends them: until when a session was in use is known only from look to look,
 * so that it may seem idle for that much longer than it is.
 */
const SWEEPS_PER_IDLE = 10;

interface RegistryOptions {
  readonly maxSessions?: number | undefined;
  readonly sessionIdleMs?: number | undefined;
}

/** Finds sessions by their ids, and ends those that nobody comes back to. */
export class SessionRegistry {
  readonly #sessions = new Map<string, Session>();
  readonly #recent = new RecentClients();
  readonly #max: number;
  readonly #sweeper: NodeJS.Timeout | undefined;
  /** When a client's request last came, by the server's name; it outlives the session. */
  readonly #lastActivity = new Map<string, number>();

  /** @param options `sessionIdleMs` 0: sessions stay for ever */
  constructor(options: RegistryOptions = {}) {
    this.#max = options.maxSessions ?? MAX_SESSIONS;
    const idle = options.sessionIdleMs ?? SESSION_IDLE_MS;
    const sweep = Math.min(SWEEP_MS, idle / SWEEPS_PER_IDLE);
    if (idle > 0) this.#sweeper = setInterval(() => this.#sweep(idle), sweep).unref();
  }

  get full(): boolean {
    return this.#sessions.size >= this.#max;
  }

  /** Whether a client was told to come back for an answer that is there. */
  get owes(): boolean {
    for (const session of this.#sessions.values()) if (session.owes()) return true;
    return false;
  }

  /** An id that nobody can guess: 122 random bits, visible ASCII (2025-11-25, transports, "Session Management"). */
  newId(): string {
    return randomUUID().replaceAll('-', '');
  }

  add(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#active(session);
  }

  /** Takes note of a request that belongs to no session. Returns whether its client was not known. */
  heard(server: string, client: ClientInfo, version: string, principal?: string): boolean {
    this.#lastActivity.set(server, Date.now());
    return this.#recent.heard(server, client, version, principal);
  }

  /** The clients without sessions that were heard of lately. */
  recent(server: string): RecentClient[] {
    return this.#recent.of(server);
  }

  /** The session of this id where all of that is its own; that of another server or principal is unknown here. */
  find<T extends Session['transport']>(
    id: string,
    { server, transport, principal }: { server: string; transport: T; principal: string | undefined },
  ): Extract<Session, { transport: T }> | undefined {
    const session = this.#sessions.get(id);
    if (session?.server !== server || session.principal !== principal) return undefined;
    if (!hasTransport(session, transport)) return undefined;
    this.#active(session);
    return session;
  }

  remove(id: string): void {
    this.#sessions.delete(id);
  }

  of(server: string): Session[] {
    return [...this.#sessions.values()].filter((session) => session.server === server);
  }

  /** When a client's request last came to that server, in milliseconds since 1970. */
  lastActivity(server: string): number | undefined {
    return this.#lastActivity.get(server);
  }

  /** Ends the sessions of a principal whom nobody can be any more. */
  endOf(principal: string, text: string): void {
    for (const session of [...this.#sessions.values()]) {
      if (session.principal !== undefined && belongsTo(session.principal, principal)) session.end(text);
    }
  }

  /** Ends every session. */
  close(text: string): void {
    clearInterval(this.#sweeper);
    for (const session of [...this.#sessions.values()]) session.end(text);
    this.#sessions.clear();
  }

  #active(session: Session): void {
    session.lastActivity = Date.now();
    this.#lastActivity.set(session.server, session.lastActivity);
  }

  #sweep(idle: number): void {
    const now = Date.now();
    for (const session of [...this.#sessions.values()]) {
      if (session.busy()) session.lastActivity = now;
      else if (now - session.lastActivity >= idle)
        session.end('nobody came back to this session for a long time');
    }
  }
}

function hasTransport<T extends Session['transport']>(
  session: Session,
  transport: T,
): session is Extract<Session, { transport: T }> {
  return session.transport === transport;
}
