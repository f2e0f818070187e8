import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import { idInUse } from '../relay/id-in-use.js';
import type { CloseReason, Receiver } from '../relay/link.js';
import { errorFor, type Failure } from '../remote/failure.js';
import { MAX_WAITING, MAX_WAITING_OCTETS } from '../remote/outbox.js';
import {
  REMOTE_TIMINGS,
  type RemoteLink,
  type RemoteTimings,
  type UpstreamOptions,
} from '../remote/remote-link.js';
import { pauseBefore } from '../remote/retry.js';
import { Waiters } from '../remote/waiters.js';
import { StreamableHttpUpstream } from '../transports/streamable-http/upstream.js';
import { type Attempt, begin, mayBeSse, mayFollow } from './attempt.js';
import { RecoveringSse } from './recovering-sse.js';
import type { Watch } from './watch.js';

export interface LegacyRemoteOptions extends UpstreamOptions {
  /** `auto`: find out. */
  readonly transport: 'auto' | 'sse' | 'streamablehttp';
  /** The connection that there was is no more; what was open on it has been answered. */
  readonly onLost?: (text: string) => void;
  /**
   * Whether a client whose first request was refused with this error is met in another way: then that is no
   * failure, and no other transport is tried.
   */
  readonly isMetOtherwise?: (answer: Message) => boolean;
  readonly watch?: Watch | undefined;
}

const TRANSPORT_NAMES = { sse: 'HTTP+SSE', streamablehttp: 'Streamable HTTP' } as const;
type Transport = keyof typeof TRANSPORT_NAMES;

/**
 * A remote server of the legacy era. Finds out over which transport, with the client's own first request, and then is a link of that kind.
 * Nothing is lost on the way or sent twice: what the client says meanwhile waits. Where it comes to
 * nothing, the requests are answered with the reason, and the next one begins anew. So does the next
 * `initialize` after the connection was lost.
 */
export class LegacyRemote implements RemoteLink {
  readonly done: Promise<void>;
  readonly #options: LegacyRemoteOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #decided = new Waiters();
  #receiver: Receiver | undefined;
  #attempt: Attempt | undefined;
  #live = false;
  #link: RemoteLink | undefined;
  #held: Message[] = [];
  #heldOctets = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Why the connection that there was is no more: a client has to begin again before anything else. */
  #lost: string | undefined;
  #closed = false;
  #finish: (closed: Promise<void>) => void = () => undefined;

  constructor(options: LegacyRemoteOptions) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = options.http.describe(options.url);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /**
   * Whether the connection is one on which the server can speak to this client: HTTP+SSE, or a session. A
   * server without sessions answers each POST for itself.
   */
  get hasSession(): boolean {
    return this.#link instanceof StreamableHttpUpstream ? this.#link.hasSession : this.#link !== undefined;
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  send(message: Message): void {
    if (this.#closed) return;
    if (this.#live && message.method === 'initialize' && this.#isDown) this.#forget();
    if (this.#live) this.#link?.send(message);
    else if (this.#attempt !== undefined) this.#hold(message);
    else if (message.kind === 'request') {
      if (this.#lost !== undefined && message.method !== 'initialize') {
        this.#receiver?.message(errorFor(message, { kind: 'lost', text: this.#lost }));
        return;
      }
      this.#attempt = begin(message);
      this.#try();
    } else this.#say('debug', `Nothing is connected to ${this.#where}: a ${message.kind} is left out.`);
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#held = [];
    this.#link?.close(reason);
    this.#decided.wake();
    this.#finish(this.#link?.done ?? Promise.resolve());
  }

  async settled(): Promise<void> {
    if (this.#attempt !== undefined && !this.#closed) await this.#decided.wait();
    if (this.#live) await this.#link?.settled();
  }

  get #isDown(): boolean {
    return this.#link instanceof RecoveringSse && this.#link.isDown;
  }

  /** A client that begins again itself needs nothing of what was. */
  #forget(): void {
    this.#link?.close({ kind: 'ended', text: 'the client begins again' });
    this.#link = undefined;
    this.#live = false;
  }

  #hold(message: Message): void {
    if (message.kind === 'request' && this.#isOpen(keyOf(message.id ?? 'null'))) {
      this.#receiver?.message(idInUse(message.id ?? 'null'));
      return;
    }
    if (message.method === 'initialize') this.#limitOpening();
    this.#heldOctets += message.text.length;
    if (this.#held.length < MAX_WAITING && this.#heldOctets <= MAX_WAITING_OCTETS) {
      this.#held.push(message);
      return;
    }
    this.#heldOctets -= message.text.length;
    if (message.kind !== 'request') return;
    const text = `Too many messages wait for the connection to ${this.#where}.`;
    this.#receiver?.message(errorFor(message, { kind: 'refused', text }));
  }

  /** Whether a request of that id is tried, or waits. */
  #isOpen(key: Key): boolean {
    const has = ({ kind, id = 'null' }: Message): boolean => kind === 'request' && keyOf(id) === key;
    return (this.#attempt !== undefined && has(this.#attempt.opening)) || this.#held.some(has);
  }

  /** A client that begins does not wait for ever for what it asked before. */
  #limitOpening(): void {
    const attempt = this.#attempt;
    if (attempt === undefined || attempt.opening.method === 'initialize') return;
    const limit = this.#timings.handshake;
    const late = (): void => {
      if (this.#attempt !== attempt || this.#closed) return;
      clearTimeout(this.#timer);
      const text = `${this.#where} did not answer "${attempt.opening.method}", sent before "initialize", in time.`;
      this.#fail(attempt, { kind: 'timeout', text });
    };
    setTimeout(late, limit).unref();
  }

  #try(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    attempt.tries++;
    attempt.refusal = undefined;
    if (this.#options.transport === 'sse') this.#trySse(attempt);
    else this.#tryStreamableHttp(attempt);
  }

  #tryStreamableHttp(attempt: Attempt): void {
    const link = new StreamableHttpUpstream({
      ...this.#linkOptions(),
      takeOver: (request, failure) => {
        if (this.#attempt !== attempt || request !== attempt.opening) {
          return this.#options.takeOver?.(request, failure) === true;
        }
        this.#refused(attempt, failure);
        return true;
      },
    });
    this.#use(link, 'streamablehttp');
    link.send(attempt.opening);
  }

  #trySse(attempt: Attempt): void {
    const link: RecoveringSse = new RecoveringSse(this.#linkOptions(), {
      opened: () => {
        if (this.#attempt !== attempt || this.#link !== link) return;
        link.send(attempt.opening);
        this.#connected('sse');
      },
      failed: (failure) => {
        if (this.#attempt === attempt) this.#refused(attempt, failure);
      },
    });
    this.#use(link, 'sse');
  }

  #linkOptions(): ConstructorParameters<typeof StreamableHttpUpstream>[0] {
    const { url, http, emit } = this.#options;
    return { url, http, emit, timings: this.#timings };
  }

  /** Makes it the link that is tried; the first message that comes from it shows that it is the right one. */
  #use(link: RemoteLink, transport: Transport): void {
    this.#link?.close({ kind: 'ended', text: 'Another way to the server is tried.' });
    this.#link = link;
    link.listen({
      message: (message, about) => {
        if (this.#link !== link || this.#closed) return;
        if (!this.#live) this.#connected(transport);
        this.#receiver?.message(message, about);
      },
      closed: ({ text }) => {
        if (this.#link !== link || this.#closed) return;
        this.#say('error', text);
        this.#live = false;
        this.#link = undefined;
        this.#lost = text;
        this.#options.onLost?.(text);
      },
    });
  }

  #connected(transport: Transport): void {
    this.#live = true;
    this.#lost = undefined;
    this.#attempt = undefined;
    this.#say('info', `Connected to ${this.#where} over ${TRANSPORT_NAMES[transport]}.`);
    this.#options.watch?.connected?.(transport);
    const held = this.#held;
    this.#held = [];
    this.#heldOctets = 0;
    for (const message of held) this.#link?.send(message);
    this.#decided.wake();
  }

  #refused(attempt: Attempt, failure: Failure): void {
    const { transport } = this.#options;
    // A second `initialize` does nothing that the first has not; of any other request nobody knows that.
    const isRisky = failure.inDoubt === true && attempt.opening.method !== 'initialize';
    if (failure.kind === 'unreachable' && !isRisky) this.#again(attempt, failure);
    else if (attempt.refusal !== undefined) this.#fail(attempt, this.#neither(attempt.refusal, failure));
    else if (transport === 'auto' && failure.status !== undefined && mayBeSse(failure.status)) {
      if (this.#isMetOtherwise(failure)) this.#fail(attempt, failure);
      else {
        attempt.refusal = failure;
        this.#trySse(attempt);
      }
    } else this.#fail(attempt, failure);
  }

  #isMetOtherwise({ answer }: Failure): boolean {
    return answer !== undefined && this.#options.isMetOtherwise?.(answer) === true;
  }

  /** Neither transport: the server's own error for the POST says most, else both answers. */
  #neither(posted: Failure, got: Failure): Failure {
    if (posted.answer !== undefined) return posted;
    const text =
      `${this.#where} does not look like an MCP server. Streamable HTTP (POST): ${posted.text} ` +
      `HTTP+SSE (GET): ${got.text} Check the URL.`;
    return { kind: 'foreign', text, ...(posted.status === undefined ? {} : { status: posted.status }) };
  }

  /** Nobody there, perhaps not yet: waits longer each time, for as long as the window is open. */
  #again(attempt: Attempt, failure: Failure): void {
    const elapsed = performance.now() - attempt.begunAt;
    const pause = pauseBefore(attempt.tries, elapsed, this.#timings);
    if (pause !== undefined) {
      if (attempt.tries === 1) this.#say('info', `${failure.text} Trying again.`);
      this.#timer = setTimeout(() => this.#try(), pause);
      return;
    }
    const often = attempt.tries === 1 ? 'once' : `${attempt.tries} times`;
    const text = `${failure.text} Tried ${often} in ${Math.max(1, Math.round(elapsed / 1000))} s. Check that the server runs and that the URL is right, then connect again.`;
    const last = { ...failure, text };
    this.#fail(attempt, attempt.refusal === undefined ? last : this.#neither(attempt.refusal, last));
  }

  /**
   * Gives it up, until the client's next request. What waits comes to nothing with it, unless the server is
   * there and only did not like that one request: then the next one is tried for itself.
   */
  #fail(attempt: Attempt, failure: Failure): void {
    const isMetOtherwise = this.#isMetOtherwise(failure);
    this.#say(isMetOtherwise ? 'debug' : 'error', failure.text);
    if (!isMetOtherwise) this.#options.watch?.failed?.(failure);
    this.#link?.close({ kind: 'failed', text: failure.text });
    this.#link = undefined;
    const from = this.#held.findIndex((message) => mayFollow(message, attempt.opening, failure));
    const kept = from < 0 ? [] : this.#held.slice(from);
    const failed = from < 0 ? this.#held : this.#held.slice(0, from);
    const [opening, ...held] = kept;
    this.#held = held;
    this.#heldOctets = held.reduce((sum, { text }) => sum + text.length, 0);
    const next = opening === undefined ? undefined : begin(opening);
    this.#attempt = next;
    this.#receiver?.message(errorFor(attempt.opening, failure));
    for (const message of failed) {
      if (message.kind === 'request') this.#receiver?.message(errorFor(message, failure));
    }
    if (next === undefined) this.#decided.wake();
    else if (!this.#closed) this.#try();
  }

  #say(level: 'debug' | 'info' | 'error', text: string): void {
    this.#options.emit({ level, text });
  }
}
