import type { AnswerHeaders } from './answer-headers.js';

/**
 * Refusals by which a server that names a time says "not now": it has processed nothing, and may be asked again
 * then (RFC 6585, section 4; RFC 9110, section 15.6.4).
 */
const LATER = new Set([429, 503]);

export interface PatienceOptions {
  /** Tries that one request has at most. A server that is full is not helped by more. */
  readonly tries: number;
  /** Longest time, in ms, from the first of them to the last: half of what clients usually give a call. */
  readonly time: number;
  /** The least wait, in ms, before the second try, whatever the server says. Doubles with each. */
  readonly least: number;
}

const PATIENCE: PatienceOptions = { tries: 8, time: 30_000, least: 100 };

/** How long one request goes on where the server asks for time, and what is said where that is over. */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #begunAt = performance.now();
  #tries = 1;

  constructor(options: Partial<PatienceOptions> = {}) {
    this.#options = { ...PATIENCE, ...options };
  }

  /** The wait, in ms, before the request is sent again, where the server asked for `asked` ms; undefined: it is not. */
  pauseFor(asked: number): number | undefined {
    const { tries, time, least } = this.#options;
    if (this.#tries >= tries) return undefined;
    const pause = Math.max(asked, least * 2 ** (this.#tries - 1));
    if (this.#elapsed + pause > time) return undefined;
    this.#tries++;
    return pause;
  }

  /** Of a refusal that stays one, though the server named a time: what was done about it, in words. */
  story(asked: number): string {
    const { time } = this.#options;
    const often = this.#tries === 1 ? '' : ` Tried ${this.#tries} times in ${inSeconds(this.#elapsed)}.`;
    return `${often} It is to be asked again in ${inSeconds(asked)}; a request waits ${inSeconds(time)} at most.`;
  }

  get #elapsed(): number {
    return performance.now() - this.#begunAt;
  }
}

/** Milliseconds that a refusal asks for; undefined where it is none of those, or names no time. */
export function askedFor(status: number, headers: AnswerHeaders): number | undefined {
  return LATER.has(status) ? retryAfter(headers) : undefined;
}

/**
 * `Retry-After` in ms: seconds, or a date (RFC 9110, section 10.2.3). A date is read by the server's own clock,
 * where the answer says what that shows.
 */
function retryAfter(headers: AnswerHeaders): number | undefined {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const at = dateOf(value);
  return at === undefined ? undefined : Math.max(0, at - (dateOf(headers.date ?? '') ?? Date.now()));
}

/** Milliseconds since 1970. */
function dateOf(value: string): number | undefined {
  // Every form of it begins with the day of the week; `Date.parse` reads a date into almost anything.
  const at = /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** A duration in words. */
export function inSeconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}
