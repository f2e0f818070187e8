import type { Clock } from '../../relay/clock.js';
import type { CloseReason } from '../../relay/link.js';
import type { Seal } from './seal.js';

/** What can be parked: a call that goes on at the server while no request of its client is open. */
export interface Parkable {
  /** Nobody comes for it any more. */
  giveUp(reason: CloseReason): void;
}

/** A call that is parked. */
export interface Parked<Call> {
  readonly call: Call;
  /** How long it has waited for its client, in milliseconds. */
  readonly ms: number;
}

interface Place {
  round: string | undefined;
  /** When it was parked, in milliseconds of the clock. */
  since: number;
  disarm: (() => void) | undefined;
}

/** The calls whose clients were asked something: bounded in number and, while they wait, in time. */
export class Parking<Call extends Parkable> {
  readonly #places = new Map<Call, Place>();
  readonly #rounds = new Map<string, Call>();
  readonly #seal: Seal;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #ms: number;

  /**
   * @param most calls that may be parked at a time
   * @param ms how long each round may take its client
   */
  constructor(seal: Seal, clock: Clock, most: number, ms: number) {
    this.#seal = seal;
    this.#clock = clock;
    this.#most = most;
    this.#ms = ms;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Takes a place for a call whose client has to be asked. False: all are taken. */
  enter(call: Call): boolean {
    if (this.#places.has(call)) return true;
    if (this.#places.size >= this.#most) return false;
    this.#places.set(call, { round: undefined, since: 0, disarm: undefined });
    return true;
  }

  /** Gives the place back. */
  leave(call: Call): void {
    this.#unpark(call);
    this.#places.delete(call);
  }

  /** Parks a call that has a place. Returns the round that its client comes back with, and how long it may. */
  park(call: Call): { round: string; expires: number } {
    const round = this.#seal.newId();
    this.#unpark(call);
    this.#rounds.set(round, call);
    const disarm = this.#clock.after(this.#ms, () => {
      this.leave(call);
      const minutes = Math.round(this.#ms / 6_000) / 10;
      call.giveUp({ kind: 'idle', text: `the client did not answer within ${minutes} min` });
    });
    const since = this.#clock.now();
    this.#places.set(call, { round, since, disarm });
    return { round, expires: since + this.#ms };
  }

  /** The call that waits in this round, which is used up by that; it keeps its place. */
  take(round: string): Call | undefined {
    const call = this.#rounds.get(round);
    if (call !== undefined) this.#unpark(call);
    return call;
  }

  /** Of the calls that fit, the one that has waited for its client for longest. */
  longest(fits: (call: Call) => boolean): Parked<Call> | undefined {
    // The order of the rounds is that in which they began.
    for (const call of this.#rounds.values()) {
      const place = this.#places.get(call);
      if (place !== undefined && fits(call)) return { call, ms: this.#clock.now() - place.since };
    }
    return undefined;
  }

  /** Gives up whatever waits. */
  close(reason: CloseReason): void {
    for (const call of [...this.#rounds.values()]) {
      this.leave(call);
      call.giveUp(reason);
    }
  }

  #unpark(call: Call): void {
    const place = this.#places.get(call);
    if (place === undefined) return;
    place.disarm?.();
    if (place.round !== undefined) this.#rounds.delete(place.round);
    this.#places.set(call, { round: undefined, since: 0, disarm: undefined });
  }
}
