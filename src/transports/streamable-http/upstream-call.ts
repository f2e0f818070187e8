import type { Message } from '../../jsonrpc/message.js';
import type { Exchange } from '../../remote/http.js';
import type { UpstreamSession } from './upstream-session.js';
import { type ResumableOptions, ResumableStream } from './upstream-stream.js';

/** Tries in a row that bring nothing, after which the rest of an answer is given up. */
const TRIES = 5;

/** One request of the client's that the server has not answered yet, and what is open for it. */
export class Call {
  readonly request: Message;
  /** In which it was sent. */
  session: UpstreamSession | undefined;
  /** The server has been told that its client does not want it any more. */
  cancelled = false;
  /** The POST that carried it. */
  exchange: Exchange | undefined;
  /** What follows the POST's own stream, once that broke off. */
  #rest: ResumableStream | undefined;
  /** The last event of the POST's stream, and the wait that the server asked for. */
  lastId: string | undefined;
  retry: number | undefined;
  /** Runs when it is over. */
  onOver: (() => void) | undefined;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: Message) {
    this.request = request;
  }

  /** Nobody waits for it any more: it is answered, or given up. */
  get over(): boolean {
    return this.#over;
  }

  /** The server has ended the POST. */
  ended(): void {
    if (this.#over) clearTimeout(this.#timer);
  }

  /** The answer is there. The server may end the stream itself, `grace` ms long; that saves a connection. */
  answered(grace: number): void {
    this.#end();
    this.#timer = setTimeout(() => this.exchange?.abort(), grace);
    this.#timer.unref();
  }

  /** Runs `action` in `ms`, unless it is over before. */
  after(ms: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }

  /** Goes on by GET from the last event, which there must be. The POST has ended. */
  resume(options: Omit<ResumableOptions, 'open' | 'tries' | 'restartable'>): void {
    const { session } = this;
    if (this.lastId === undefined || session === undefined)
      throw new TypeError('there is no event to go on from');
    this.#rest = new ResumableStream({
      ...options,
      open: (lastId, reading) => session.get(lastId, reading),
      tries: TRIES,
      restartable: false,
    });
    this.#rest.resume(this.lastId, this.retry);
  }

  drop(): void {
    this.#end();
    this.exchange?.abort();
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#rest?.close();
    this.onOver?.();
  }
}
