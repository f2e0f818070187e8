import type { Wire } from '../../jsonrpc/wire.js';
import type { Emit } from '../../observability/events.js';
import type { Clock } from '../../relay/clock.js';
import type { LegacyCall } from './call.js';
import type { Parking } from './parking.js';
import type { RequestStates } from './request-state.js';
import type { Seal } from './seal.js';
import type { ServerFacts } from './server-facts.js';

export interface Limits {
  /**
   * Calls that may be parked at a time: each holds a session. Where that is a server process too, there are mostly
   * fewer processes than this.
   */
  readonly parked: number;
  /** How long the client may take for each round, in milliseconds: a person has to find an answer. */
  readonly parkedMs: number;
  /** How long nothing may come until what was gathered is asked, in milliseconds: no person notices it. */
  readonly gatherMs: number;
  /** How long gathering takes at most, in milliseconds. */
  readonly gatherMostMs: number;
  /** How long a server has to make use of what it was told in front of a call, in milliseconds. */
  readonly settleMs: number;
  /** Resources that one `subscriptions/listen` may name: each is a request to the server. */
  readonly resources: number;
  /** How long the server may take to accept all of them, in milliseconds; the rest is not honoured. */
  readonly subscribeMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  parked: 1000,
  parkedMs: 10 * 60_000,
  gatherMs: 25,
  settleMs: 150,
  gatherMostMs: 100,
  resources: 1000,
  subscribeMs: 10_000,
};

/** What all requests to one server share. */
export interface Host {
  /** The server definition's name, for errors and events. */
  readonly server: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly seal: Seal;
  readonly limits: Limits;
  readonly parking: Parking<LegacyCall>;
  readonly states: RequestStates;
  /** What the server said of itself: read once for sessions that began alike. */
  factsOf(initialized: Wire): ServerFacts;
  /** Raw JSON of an id that no request to this server has had: a process may serve many requests. */
  nextId(): Wire;
}
