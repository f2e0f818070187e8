import type { ServerEvent } from '../../remote/event-reader.js';
import type { Reading } from '../../remote/exchange.js';
import type { Failure } from '../../remote/failure.js';
import type { Exchange } from '../../remote/http.js';
import type { RemoteTimings } from '../../remote/remote-link.js';

export interface ResumableOptions {
  /** Asks for the stream, after the event with that id where one is given. */
  readonly open: (lastEventId: string | undefined, reading: Reading) => Exchange;
  readonly event: (event: ServerEvent) => void;
  /** The stream will not come back. */
  readonly gone: (failure: Failure) => void;
  /** Tries in a row that bring nothing, after which it is given up. */
  readonly tries: number;
  readonly timings: RemoteTimings;
  /** Whether it has a beginning to go back to where the server does not know the last event any more. */
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
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #exchange: Exchange | undefined;

  constructor(options: ResumableOptions) {
    this.#options = options;
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
    this.#exchange?.abort();
  }

  #connect(): void {
    const begun = performance.now();
    let progress = false;
    let isStream = true;
    const goOn = (failure: Failure | undefined): void => {
      if (this.#closed) return;
      const lasted = performance.now() - begun >= this.#options.timings.lasting;
      this.#failures = progress || (failure === undefined && lasted) ? 0 : this.#failures + 1;
      if (this.#failures >= this.#options.tries) this.#giveUp(failure ?? this.#nothing());
      else this.#later();
    };
    this.#exchange = this.#options.open(this.#lastId, {
      retry: (ms) => {
        this.#retry = ms;
      },
      event: (event) => {
        if (this.#closed) return;
        progress = true;
        if (event.id !== undefined) this.#lastId = event.id === '' ? undefined : event.id;
        this.#options.event(event);
      },
      body: () => {
        isStream = false;
      },
      ended: () => {
        if (this.#closed) return;
        if (isStream) goOn(undefined);
        else this.#giveUp({ kind: 'foreign', text: `${this.#options.where} has no event stream.` });
      },
      failed: (failure) => {
        if (this.#closed) return;
        if (failure.status === 400 && this.#lastId !== undefined && this.#options.restartable) {
          this.#lastId = undefined;
          goOn(failure);
        } else if (isFinal(failure)) this.#giveUp(failure);
        else goOn(failure);
      },
    });
  }

  #nothing(): Failure {
    return { kind: 'lost', text: `${this.#options.where} ends its event stream again and again.` };
  }

  #giveUp(failure: Failure): void {
    this.#closed = true;
    this.#options.gone(failure);
  }

  #later(): void {
    const { reconnect, reconnectMax } = this.#options.timings;
    const backoff = Math.min(reconnect * 2 ** Math.max(0, this.#failures - 1), reconnectMax);
    const wait = this.#failures > 1 ? Math.max(this.#retry ?? 0, backoff) : (this.#retry ?? backoff);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }
}

/** Refusals that pass: too early or too often, or the server has not seen yet that the last stream broke. */
const PASSING = new Set([408, 409, 425, 429]);

/** What another try cannot change. */
function isFinal(failure: Failure): boolean {
  const { kind, status } = failure;
  if (status === undefined) return kind === 'credentials' || kind === 'foreign';
  return status < 500 ? !PASSING.has(status) : status === 501;
}
