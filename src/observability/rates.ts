import type { Message } from '../jsonrpc/message.js';
import type { Rates as Shown } from '../page/live.js';
import type { Conversation } from './conversation.js';
import type { Exchange, Observer, Side } from './exchanges.js';

/** How long one stretch is, in milliseconds. */
const STRETCH_MS = 5000;
/** Stretches that are kept: 15 minutes. */
const STRETCHES = 180;
/** Latencies are counted in steps of half an octave from 1/4 ms up; the last holds all above some 4 minutes. */
const STEPS = 40;
const FIRST_MS = 0.25;
const STEPS_PER_OCTAVE = 2;

/** What clients asked of each server in the last minutes: how much, how much failed, and how long it took. */
export class Rates implements Observer {
  readonly #byServer = new Map<string, ServerRates>();

  passed({ server }: Conversation, from: Side, { kind }: Message, exchange: Exchange | undefined): void {
    if (from === 'client' && kind === 'request' && exchange !== undefined)
      this.#of(server).asked(exchange.at);
  }

  over({ asker, at, conversation }: Exchange, answer: Message | undefined, ms: number): void {
    if (asker !== 'client' || answer === undefined) return;
    this.#of(conversation.server).answered(at + ms, ms, hasFailed(answer));
  }

  /** @param now by `performance.now()` */
  of(server: string, now: number = performance.now()): Shown {
    return this.#of(server).shown(now);
  }

  #of(server: string): ServerRates {
    let rates = this.#byServer.get(server);
    if (rates === undefined) {
      rates = new ServerRates();
      this.#byServer.set(server, rates);
    }
    return rates;
  }
}

function hasFailed({ kind, isToolError }: Message): boolean {
  return kind === 'error' || isToolError;
}

/** A ring of stretches, in tables that are made once. */
class ServerRates {
  /** Which stretch of time each place of the ring holds. */
  readonly #stretches = new Float64Array(STRETCHES).fill(-1);
  readonly #requests = new Uint32Array(STRETCHES);
  readonly #errors = new Uint32Array(STRETCHES);
  readonly #steps = new Uint32Array(STRETCHES * STEPS);

  asked(at: number): void {
    const place = this.#place(at);
    this.#requests[place] = (this.#requests[place] ?? 0) + 1;
  }

  answered(at: number, ms: number, failed: boolean): void {
    const place = this.#place(at);
    if (failed) this.#errors[place] = (this.#errors[place] ?? 0) + 1;
    const step = place * STEPS + stepOf(ms);
    this.#steps[step] = (this.#steps[step] ?? 0) + 1;
  }

  shown(now: number): Shown {
    const last = Math.floor(now / STRETCH_MS);
    const stretches = Array.from({ length: STRETCHES }, (_, index) => last - STRETCHES + 1 + index);
    const places = stretches.map((stretch) => {
      const place = ((stretch % STRETCHES) + STRETCHES) % STRETCHES;
      return stretch >= 0 && this.#stretches[place] === stretch ? place : undefined;
    });
    const count = (counts: Uint32Array): number[] =>
      places.map((place) => (place === undefined ? 0 : (counts[place] ?? 0)));
    const latency = (part: number): (number | null)[] =>
      places.map((place) => (place === undefined ? null : this.#latency(place, part)));
    return {
      stretchMs: STRETCH_MS,
      requests: count(this.#requests),
      errors: count(this.#errors),
      p50: latency(0.5),
      p99: latency(0.99),
    };
  }

  /** The place of a moment in the ring, emptied where it still holds an older stretch. */
  #place(at: number): number {
    const stretch = Math.floor(at / STRETCH_MS);
    const place = stretch % STRETCHES;
    if (this.#stretches[place] !== stretch) {
      this.#stretches[place] = stretch;
      this.#requests[place] = 0;
      this.#errors[place] = 0;
      this.#steps.fill(0, place * STEPS, (place + 1) * STEPS);
    }
    return place;
  }

  /** How long that part of the answers took at most, by the middle of the step; null where there were none. */
  #latency(place: number, part: number): number | null {
    const steps = this.#steps.subarray(place * STEPS, (place + 1) * STEPS);
    let all = 0;
    for (const count of steps) all += count;
    let rank = Math.ceil(all * part);
    for (const [step, count] of steps.entries()) {
      rank -= count;
      if (count > 0 && rank <= 0) return middleOf(step);
    }
    return null;
  }
}

function stepOf(ms: number): number {
  const step = Math.floor(Math.log2(Math.max(ms, FIRST_MS) / FIRST_MS) * STEPS_PER_OCTAVE);
  return Math.min(step, STEPS - 1);
}

/** In milliseconds, with two digits that count. */
function middleOf(step: number): number {
  return Number((FIRST_MS * 2 ** ((step + 0.5) / STEPS_PER_OCTAVE)).toPrecision(2));
}
