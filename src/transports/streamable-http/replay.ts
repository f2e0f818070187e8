import type { Wire } from '../../jsonrpc/wire.js';

/** Events kept for one session, so that a client whose connection broke gets what it missed. */
export const MAX_EVENTS = 512;
/** Octets of events kept for one session. The newest event is always kept, however large. */
export const MAX_EVENT_OCTETS = 1024 * 1024;

export interface StoredEvent {
  readonly stream: number;
  readonly sequence: number;
  readonly data: Wire;
}

/** The ids of events: unique in the session, and naming the stream that they belong to. */
export function eventId(stream: number, sequence: number): string {
  return `${stream}-${sequence}`;
}

/** The stream and the place in it that an id names; undefined where it is none of ours. */
export function parseEventId(id: string): { stream: number; sequence: number } | undefined {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(id);
  return match ? { stream: Number(match[1]), sequence: Number(match[2]) } : undefined;
}

/** A bounded memory of events; past a bound the oldest are forgotten first. */
export class Replay {
  readonly #events: StoredEvent[] = [];
  #octets = 0;

  store(event: StoredEvent): void {
    this.#events.push(event);
    this.#octets += event.data.length;
    while (this.#events.length > MAX_EVENTS || (this.#octets > MAX_EVENT_OCTETS && this.#events.length > 1)) {
      this.#octets -= this.#events.shift()?.data.length ?? 0;
    }
  }

  /** What that stream carried after `sequence`, in order. */
  after(stream: number, sequence: number): StoredEvent[] {
    return this.#events.filter((event) => event.stream === stream && event.sequence > sequence);
  }
}
