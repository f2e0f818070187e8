import type { ClientInfo } from '../eras/client-info.js';

/** Clients that are kept for each server; past it the one that was not heard of for longest is forgotten. */
const MAX_CLIENTS = 100;
/** How long a client is kept that sends nothing, in milliseconds. */
const CLIENT_IDLE_MS = 30 * 60_000;

/** A client of the modern era, by what it says of itself: nothing else tells one from another. */
export interface RecentClient {
  readonly client: ClientInfo;
  /** The protocol version of its requests. */
  readonly version: string;
  /** Who it is, by id; undefined where nobody is asked. */
  readonly principal: string | undefined;
  /** Milliseconds since 1970, like `lastActivity`. */
  readonly since: number;
  lastActivity: number;
  requests: number;
}

/** Who has sent requests of the modern era lately: its clients have no sessions that would tell. */
export class RecentClients {
  readonly #byServer = new Map<string, Map<string, RecentClient>>();

  /** Takes note of a request. Returns whether nothing was heard of this client before, or for long. */
  heard(server: string, client: ClientInfo, version: string, principal?: string): boolean {
    const now = Date.now();
    const clients = this.#of(server);
    const key = JSON.stringify([principal, version, client.name, client.version]);
    const known = clients.get(key);
    if (known !== undefined && now - known.lastActivity < CLIENT_IDLE_MS) {
      known.lastActivity = now;
      known.requests++;
      return false;
    }
    if (known === undefined && clients.size >= MAX_CLIENTS) forgetOldest(clients);
    clients.set(key, { client, version, principal, since: now, lastActivity: now, requests: 1 });
    return true;
  }

  of(server: string): RecentClient[] {
    const now = Date.now();
    return [...this.#of(server).values()].filter(({ lastActivity }) => now - lastActivity < CLIENT_IDLE_MS);
  }

  #of(server: string): Map<string, RecentClient> {
    const known = this.#byServer.get(server);
    if (known !== undefined) return known;
    const clients = new Map<string, RecentClient>();
    this.#byServer.set(server, clients);
    return clients;
  }
}

function forgetOldest(clients: Map<string, RecentClient>): void {
  let oldest: string | undefined;
  let at = Number.POSITIVE_INFINITY;
  for (const [key, { lastActivity }] of clients) {
    if (lastActivity < at) [oldest, at] = [key, lastActivity];
  }
  if (oldest !== undefined) clients.delete(oldest);
}
