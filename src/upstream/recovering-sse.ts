import { setTimeout as wait } from 'node:timers/promises';
import { clock } from '../clock.js';
import type { Message } from '../jsonrpc/message.js';
import type { CloseReason, Receiver } from '../relay/link.js';
import { RecoveringLink } from '../relay/recovering.js';
import { GaveUp, Restarts } from '../relay/restarts.js';
import type { Failure } from '../remote/failure.js';
import {
  REMOTE_TIMINGS,
  type RemoteLink,
  type RemoteTimings,
  type UpstreamOptions,
} from '../remote/remote-link.js';
import { pauseBefore } from '../remote/retry.js';
import { Waiters } from '../remote/waiters.js';
import { type Opening, SseUpstream } from '../transports/sse/upstream.js';

/**
 * A remote server over HTTP+SSE whose stream is opened again when it is lost. That transport resumes nothing: what
 * was open has been answered with an error, and the handshake is repeated on the new stream. So it is where the
 * server has forgotten the session though its stream stands; what it refused then was not processed, and is sent again.
 */
export class RecoveringSse implements RemoteLink {
  readonly done: Promise<void>;
  readonly #options: UpstreamOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #link: RecoveringLink;
  readonly #restarts = new Restarts(clock);
  readonly #waiters = new Waiters();
  readonly #giveUp = new AbortController();
  /** Requests of the client's own. */
  readonly #asked = new WeakSet<Message>();
  /** Those of them that were refused because the session was gone: each is sent again once. */
  readonly #repeated = new WeakSet<Message>();
  #current: SseUpstream;
  /** When the stream was opened that there is, or that was lost just now. */
  #since: number | undefined = clock.now();
  #isWaiting = false;
  #finish: (closed: Promise<void>) => void = () => undefined;

  constructor(options: UpstreamOptions, opening: Opening) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = options.http.describe(options.url);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#current = new SseUpstream(options, this.#handlers(opening));
    this.#link = new RecoveringLink(this.#current, {
      server: this.#where,
      clock,
      emit: options.emit,
      handshakeMs: this.#timings.handshake,
      reopen: (_, isAsked) => this.#reopen(isAsked),
      onWaiting: (isWaiting) => {
        this.#isWaiting = isWaiting;
        if (!isWaiting) this.#waiters.wake();
      },
    });
  }

  /** Whether the server was given up, until the client asks something. */
  get isDown(): boolean {
    return this.#link.isDown;
  }

  listen(receiver: Receiver): void {
    this.#link.listen(receiver);
  }

  send(message: Message): void {
    if (message.kind === 'request') this.#asked.add(message);
    this.#link.send(message);
  }

  close(reason: CloseReason): void {
    this.#giveUp.abort();
    this.#restarts.stop();
    this.#link.close(reason);
    this.#current.close(reason);
    this.#waiters.wake();
    this.#finish(this.#current.done);
  }

  async settled(): Promise<void> {
    while (this.#isWaiting) await this.#waiters.wait();
    await this.#current.settled();
  }

  /** They wait for the session, before what the client says from now on. */
  #again(requests: readonly Message[]): void {
    // What a handshake that was repeated has asked is asked anew with the next.
    for (const request of requests) if (this.#asked.has(request)) this.#link.send(request);
  }

  async #reopen(isAsked: boolean): Promise<SseUpstream> {
    if (this.#since !== undefined) {
      this.#restarts.lost(this.#since, false);
      const text = `The connection to ${this.#where} is lost. It is opened again.`;
      this.#options.emit({ level: 'warning', text });
    }
    this.#since = undefined;
    try {
      await this.#restarts.turn(isAsked);
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      throw new Error(
        `The connection to ${this.#where} was lost again and again; it is opened anew when it is needed.`,
      );
    }
    const begunAt = clock.now();
    for (let tries = 1; ; tries++) {
      const failure = await this.#open();
      if (failure === undefined) return this.#current;
      const elapsed = clock.now() - begunAt;
      const pause = failure.kind === 'unreachable' ? pauseBefore(tries, elapsed, this.#timings) : undefined;
      if (pause === undefined) {
        const often =
          tries === 1 ? '' : ` Tried ${tries} times in ${Math.max(1, Math.round(elapsed / 1000))} s.`;
        throw new Error(
          `The connection to ${this.#where} is lost and cannot be opened again: ${failure.text}${often}`,
        );
      }
      await wait(pause, undefined, { signal: this.#giveUp.signal });
    }
  }

  #handlers(opening: Opening): Opening {
    const forgotten = (request: Message): boolean => {
      if (!this.#asked.has(request) || this.#repeated.has(request)) return false;
      this.#repeated.add(request);
      return true;
    };
    return { ...opening, unsent: (requests) => this.#again(requests), forgotten };
  }

  async #open(): Promise<Failure | undefined> {
    this.#giveUp.signal.throwIfAborted();
    const failure = await new Promise<Failure | undefined>((resolve) => {
      const opening = { opened: () => resolve(undefined), failed: resolve };
      this.#current = new SseUpstream(this.#options, this.#handlers(opening));
    });
    if (failure === undefined) this.#since = clock.now();
    return failure;
  }
}
