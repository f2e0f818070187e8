import { isEventStream } from '../../remote/answer-headers.js';
import type { ServerEvent } from '../../remote/event-reader.js';
import type { Reading } from '../../remote/exchange.js';
import type { Failure } from '../../remote/failure.js';
import type { Exchange } from '../../remote/http.js';
import type { RemoteTimings } from '../../remote/remote-link.js';
import { Silence } from '../../remote/silence.js';

export interface ResumableOptions {
  /** Asks for the stream, after the event with that id where one is given. */
  readonly open: (lastEventId: string | undefined, reading: Reading) => Exchange;
  readonly event: (event: ServerEvent) => void;
  /** The stream will not come back. */
  readonly gone: (failure: Failure) => void;
  /** Tries in a row that bring nothing, after which it is given up, or, where it is not, `waits` is told. */
  readonly tries: number;
  readonly waits?: (failure: Failure) => void;
  /** Asks whether the server is there, where the stream is silent for long: why it is not, or undefined. */
  readonly ask?: (signal: AbortSignal) => Promise<string | undefined>;
  readonly timings: RemoteTimings;
  /**
   * Whether it is no part of anything: it goes on from its beginning where the server does not know the last
   * event any more, and is wanted without end.
   */
  readonly restartable: boolean;
  /** For texts. */
  readonly where: string;
}

/**
 * An event stream that is got by GET, and got again from where it broke off (2025-11-25, transports,
 * "Resumability and Redelivery"): by itself the one on which a server speaks unasked, or the rest of the
 * answer to a POST.
 */
export class ResumableStream {
  readonly #options: ResumableOptions;
  #lastId: string | undefined;
  #retry: number | undefined;
  #failures = 0;
  #notBefore = 0;
  #wasThere = false;
  /** Something came on it, or it lasted. */
  #wasGood = false;
  #lost: ((failure: Failure) => void) | undefined;
  readonly #silence: Silence | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #exchange: Exchange | undefined;

  constructor(options: ResumableOptions) {
    this.#options = options;
    const { ask, timings } = options;
    if (ask === undefined) return;
    this.#silence = new Silence({ after: timings.silence, ask, dead: (why) => this.#dead(why) });
  }

  /** Whether the server has had it. */
  get wasThere(): boolean {
    return this.#wasThere;
  }

  /** Asks for it now. */
  open(): void {
    if (!this.#closed) this.#connect();
  }

  /** Asks for what comes after an event, when it is time. */
  resume(lastId: string, retry: number | undefined): void {
    this.#lastId = lastId;
    this.#retry = retry;
    this.#later();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#silence?.stop();
    this.#exchange?.abort();
  }

  #connect(): void {
    let openedAt: number | undefined;
    let progress = false;
    const lasted = (): boolean =>
      openedAt !== undefined && performance.now() - openedAt >= this.#options.timings.lasting;
    const goOn = (failure: Failure | undefined): void => {
      this.#silence?.stop();
      const isGood = progress || lasted();
      this.#wasGood ||= isGood;
      this.#failures = isGood ? 0 : this.#failures + 1;
      this.#notBefore = failure?.retryAfter ?? 0;
      if (this.#failures !== this.#options.tries) this.#later();
      else if (this.#isEndless) {
        this.#options.waits?.(failure ?? this.#nothing());
        this.#later();
      } else this.#giveUp(failure ?? this.#nothing());
    };
    this.#exchange = this.#options.open(this.#lastId, {
      accepted: (headers) => {
        if (this.#closed || !isEventStream(headers)) return;
        openedAt = performance.now();
        this.#wasThere = true;
        this.#silence?.start();
      },
      octets: () => this.#silence?.heard(),
      retry: (ms) => {
        this.#retry = ms;
      },
      event: (event) => {
        if (this.#closed) return;
        progress = true;
        if (event.id !== undefined) this.#lastId = event.id === '' ? undefined : event.id;
        this.#options.event(event);
      },
      body: () => undefined, // not what was asked for, as the type has said
      ended: () => {
        if (this.#closed) return;
        const none: Failure = { kind: 'foreign', text: `${this.#options.where} has no event stream.` };
        if (openedAt !== undefined) goOn(undefined);
        else if (this.#isEndless) goOn(none);
        else this.#giveUp(none);
      },
      failed: (failure) => {
        if (this.#closed) return;
        if (failure.status === 400 && this.#lastId !== undefined && this.#options.restartable) {
          this.#lastId = undefined;
          goOn(failure);
        } else if (isFinal(failure) && !(this.#isEndless && isRedirect(failure))) this.#giveUp(failure);
        else goOn(failure);
      },
    });
    this.#lost = goOn;
  }

  /**
   * A stream that is wanted for as long as its session, and was a good one, is tried for without end: the network
   * may be away for hours. Pages and redirects are those of a network that wants its user to log in.
   */
  get #isEndless(): boolean {
    return this.#options.restartable && this.#wasGood;
  }

  /** Its connection stands, but nobody is there. */
  #dead(text: string): void {
    this.#exchange?.abort();
    this.#lost?.({ kind: 'lost', text });
  }

  #nothing(): Failure {
    return { kind: 'lost', text: `${this.#options.where} ends its event stream again and again.` };
  }

  #giveUp(failure: Failure): void {
    this.close();
    this.#options.gone(failure);
  }

  #later(): void {
    const { reconnect, reconnectMax } = this.#options.timings;
    const backoff = Math.min(reconnect * 2 ** Math.max(0, this.#failures - 1), reconnectMax);
    const wait = this.#failures > 1 ? Math.max(this.#retry ?? 0, backoff) : (this.#retry ?? backoff);
    this.#timer = setTimeout(() => this.#connect(), Math.min(Math.max(wait, this.#notBefore), LONGEST));
  }
}

/** Longest wait that a timer can hold. */
const LONGEST = 2 ** 31 - 1;

/** Refusals that pass: too early or too often, or the server has not seen yet that the last stream broke. */
const PASSING = new Set([408, 409, 425, 429]);

/** What another try cannot change. */
function isFinal(failure: Failure): boolean {
  const { kind, status } = failure;
  if (status === undefined) return kind === 'credentials' || kind === 'foreign';
  return status < 500 ? !PASSING.has(status) : status === 501;
}

function isRedirect({ status }: Failure): boolean {
  return status !== undefined && status < 400;
}
