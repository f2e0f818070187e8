import type { Message } from '../../jsonrpc/message.js';
import type { Failure } from '../../remote/failure.js';
import type { RemoteTimings } from '../../remote/remote-link.js';
import type { Outcome } from './upstream-handshake.js';
import type { UpstreamSession } from './upstream-session.js';

/** What a renewal works on. */
export interface RenewalHost {
  /** The handshake that makes a new session of the client's own. */
  begin(signal: AbortSignal): Promise<Outcome>;
  /** A session is lost: nothing more is to be sent in it. */
  lost(session: UpstreamSession): void;
  /** From now on, what the client says waits. */
  hold(): void;
  /** Sends a message in the session that there is. */
  again(message: Message): void;
  /** The client's messages go on in this session, which `answer` began; first of all `again`. */
  renewed(session: UpstreamSession, answer: Message, again: readonly Message[]): void;
  /** There is no session. `waiting`, and all that has waited since `hold`, comes to nothing. */
  failed(waiting: readonly Message[], failure: Failure): void;
}

/**
 * What to do when the server has forgotten the session (2025-11-25, transports, "Session Management"):
 *
 *     live ──lost──► gone ──a message, or a broken GET stream──► renewing ──► live
 *                     ▲                                             │
 *                     └──────────────── no session ─────────────────┘
 *
 * One renewal serves all who have lost the same session. Each message is sent again once, and only if
 * the server has refused it, which means that it was not processed. Sessions that do not last make the
 * next renewal wait longer each time.
 */
export class Renewal {
  readonly #host: RenewalHost;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  #state: 'live' | 'gone' | 'renewing' = 'live';
  /** When the last renewal was done, and how many sessions in a row did not last or did not begin. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #strikes = 0;
  #notBefore = 0;
  #waiting: Message[] = [];
  readonly #sentAgain = new WeakSet<Message>();
  #timer: NodeJS.Timeout | undefined;
  #abort: AbortController | undefined;

  constructor(host: RenewalHost, timings: RemoteTimings, where: string) {
    this.#host = host;
    this.#timings = timings;
    this.#where = where;
  }

  /** There is no session at the moment, and none is being begun. */
  get gone(): boolean {
    return this.#state === 'gone';
  }

  /** Messages wait for the new session. */
  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** The server does not know this session any more. Nothing happens where that is known already. */
  lose(session: UpstreamSession): void {
    if (session.gone) return;
    session.lose();
    const lasted = performance.now() - this.#renewedAt >= this.#timings.lasting;
    if (lasted) this.#strikes = 0;
    else this.#strike();
    this.#state = 'gone';
    this.#host.lost(session);
  }

  /**
   * A message that the server has refused because the session is gone: it is sent again in the next one.
   * Returns false where that was done once already.
   */
  refused(message: Message): boolean {
    if (this.#sentAgain.has(message)) return false;
    this.#sentAgain.add(message);
    this.wait(message);
    return true;
  }

  /** A message that needs a session waits for it. */
  wait(message: Message): void {
    if (this.#state === 'live') {
      this.#host.again(message);
      return;
    }
    this.#waiting.push(message);
    if (this.#state === 'gone') this.#start();
  }

  /** Begins a new session as soon as it may be, though no message waits for it. */
  listen(): void {
    if (this.#state !== 'gone') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), this.#wait());
  }

  /** The client begins a session itself, or ends. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = undefined;
    this.#waiting = [];
    this.#state = 'live';
    this.#strikes = 0;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
  }

  #wait(): number {
    return this.#strikes === 0 ? 0 : Math.max(0, this.#notBefore - performance.now());
  }

  #strike(): void {
    const { reconnect, reconnectMax } = this.#timings;
    this.#strikes++;
    this.#notBefore = performance.now() + Math.min(reconnect * 2 ** (this.#strikes - 1), reconnectMax);
  }

  #start(): void {
    const wait = this.#wait();
    if (wait > this.#timings.retryMax) {
      const often = `${this.#strikes} sessions in a row did not last`;
      const text = `${often}; the next is begun in ${Math.ceil(wait / 1000)} s at the earliest.`;
      this.#fail({ kind: 'session', text });
      return;
    }
    clearTimeout(this.#timer);
    this.#state = 'renewing';
    this.#host.hold();
    this.#timer = setTimeout(() => void this.#run(), wait);
  }

  async #run(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const outcome = await this.#host.begin(abort.signal);
    if (this.#abort !== abort) return;
    this.#abort = undefined;
    if (outcome.failure !== undefined) {
      this.#state = 'gone';
      const isSilent = outcome.failure.kind === 'unreachable' || outcome.failure.kind === 'lost';
      if (!isSilent) this.#strike();
      this.#fail(outcome.failure);
      return;
    }
    this.#state = 'live';
    this.#renewedAt = performance.now();
    this.#host.renewed(outcome.session, outcome.answer, inOrder(this.#waiting.splice(0)));
  }

  #fail({ kind, text, status }: Failure): void {
    const what = `${this.#where} has ended the session, and a new one could not be begun`;
    const failure = { kind, text: `${what}: ${text}`, ...(status === undefined ? {} : { status }) };
    this.#host.failed(inOrder(this.#waiting.splice(0)), failure);
  }
}

/**
 * The order in which messages were sent that were refused at the same time: a notification goes out only
 * when nothing but requests is on its way, and nothing follows it until it is taken.
 */
function inOrder(messages: Message[]): Message[] {
  const isLate = (message: Message): number => (message.kind === 'notification' ? 1 : 0);
  return messages.sort((a, b) => isLate(a) - isLate(b));
}
