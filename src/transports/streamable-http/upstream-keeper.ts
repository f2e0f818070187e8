import type { Message } from '../../jsonrpc/message.js';
import { changesSince } from '../../relay/changes.js';
import { OpenQuestions } from '../../relay/open-questions.js';
import { SessionMemory } from '../../relay/session-memory.js';
import type { ServerEvent } from '../../remote/event-reader.js';
import type { Failure } from '../../remote/failure.js';
import type { Outbox } from '../../remote/outbox.js';
import type { RemoteTimings, UpstreamOptions } from '../../remote/remote-link.js';
import { openEvents } from './upstream-events.js';
import { saysSessionGone } from './upstream-gone.js';
import { beginAgain, type Outcome } from './upstream-handshake.js';
import { Renewal, type RenewalHost } from './upstream-renewal.js';
import { UpstreamSession } from './upstream-session.js';
import type { ResumableStream } from './upstream-stream.js';

/** Who keeps a session in use. */
export interface KeeperHost {
  /** Holds what the client says while there is no session. */
  readonly outbox: Outbox;
  /** A message for the client, of the proxy's own. */
  toClient(message: Message): void;
  /** A message of the server's that belongs to no call. */
  heard(message: Message, session: UpstreamSession): void;
  event(event: ServerEvent, session: UpstreamSession): void;
  /** Whether requests of the client's are open. */
  busy(): boolean;
  /** A message comes to nothing. */
  failed(message: Message, failure: Failure): void;
}

/** The session with the server at any time: its GET stream, its questions, and what follows its loss. */
export class SessionKeeper implements RenewalHost {
  readonly #options: UpstreamOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #host: KeeperHost;
  readonly #memory = new SessionMemory();
  readonly #questions = new OpenQuestions<UpstreamSession>();
  readonly #renewal: Renewal;
  #current: UpstreamSession;
  /** The last session that a renewal opened. */
  #renewed: UpstreamSession | undefined;
  #events: ResumableStream | undefined;

  constructor(options: UpstreamOptions, timings: RemoteTimings, host: KeeperHost) {
    this.#options = options;
    this.#timings = timings;
    this.#where = options.http.describe(options.url);
    this.#host = host;
    this.#current = this.#open();
    this.#renewal = new Renewal(this, timings, this.#where);
  }

  /** Messages wait for a new session. */
  get busy(): boolean {
    return this.#renewal.busy;
  }

  /** Whether the server has given the session an id. */
  get hasSession(): boolean {
    return this.#current.id !== undefined;
  }

  /** Leaves the session, and whatever there is of a next one. The one after it is the client's to begin. */
  async end(): Promise<void> {
    this.#renewal.stop();
    this.#memory.forget();
    this.#events?.close();
    const left = [this.#current, this.#renewed];
    this.#current = this.#open();
    await Promise.all(left.map((session) => session?.end()));
  }

  /**
   * Where a message of the client's goes, and as what; undefined: not now, because it waits for a new
   * session, or not at all, because it has lost its meaning with the last one.
   */
  route(message: Message): { message: Message; session: UpstreamSession } | undefined {
    const isAnswer = message.kind === 'response' || message.kind === 'error';
    if (isAnswer) {
      const { message: answer, session = this.#current } = this.#questions.answered(message);
      if (!session.gone) return { message: answer, session };
      this.#dropped();
      return undefined;
    }
    const session = this.#current;
    if (session.gone) this.#renewal.wait(message);
    // A renewal has sent it itself.
    const isSent = message.method === 'notifications/initialized' && session === this.#renewed;
    return session.gone || isSent ? undefined : { message, session };
  }

  /** Opens the GET stream of a session that has begun. */
  listen(session: UpstreamSession): void {
    this.#events?.close();
    this.#events = openEvents(session, this.#options, this.#timings, {
      event: (event) => this.#host.event(event, session),
      heard: (message) => this.#host.heard(message, session),
      busy: () => this.#host.busy(),
      sessionGone: () => {
        if (session !== this.#current) return;
        this.#renewal.lose(session);
        this.#renewal.listen();
      },
    });
  }

  /** A request or notification of the server's as the client is to see it. */
  seen(message: Message, session: UpstreamSession): Message {
    return this.#questions.heard(message, session);
  }

  /** The server has answered a request of the client's. */
  answered(request: Message, answer: Message, session: UpstreamSession): void {
    if (request.method === 'initialize') session.agree(answer);
    this.#memory.answered(request, answer);
  }

  /** The server has not taken a message. Returns why it comes to nothing; undefined: it does not, or need not. */
  refused(message: Message, failure: Failure, session: UpstreamSession): Failure | undefined {
    const isOurs = session.gone || (session === this.#current && this.#memory.hasSession);
    if (!isOurs || session.id === undefined || !saysSessionGone(failure, message)) return failure;
    this.#renewal.lose(session);
    if (message.kind === 'response' || message.kind === 'error') {
      this.#dropped();
      this.#renewal.listen();
      return undefined;
    }
    if (this.#renewal.refused(message)) return undefined;
    const status = failure.status ?? 404;
    const text = `${this.#where} has ended the session (HTTP status ${status}), and then the new one that was begun as well. The message was not processed.`;
    return { kind: 'session', status, text };
  }

  begin(signal: AbortSignal): Promise<Outcome> {
    return beginAgain({
      upstream: this.#options,
      timings: this.#timings,
      memory: this.#memory,
      open: () => {
        this.#renewed = this.#open();
        return this.#renewed;
      },
      heard: (message, session) => this.#host.heard(message, session),
      begun: (session) => this.listen(session),
      signal,
    });
  }

  lost(session: UpstreamSession): void {
    this.#events?.close();
    this.#emit('info', `${this.#where} has ended the session.`);
    for (const message of this.#questions.lost(session)) this.#host.toClient(message);
  }

  hold(): void {
    this.#host.outbox.pause();
  }

  again(message: Message): void {
    this.#host.outbox.again([message]);
  }

  renewed(session: UpstreamSession, answer: Message, again: readonly Message[]): void {
    this.#current = session;
    this.#emit('info', `A new session with ${this.#where} has begun.`);
    for (const message of changesSince(answer, this.#memory.subscribed)) this.#host.toClient(message);
    this.#host.outbox.again(again);
    this.#host.outbox.resume();
  }

  failed(waiting: readonly Message[], failure: Failure): void {
    const { outbox } = this.#host;
    this.#events?.close();
    this.#emit('warning', failure.text);
    const held = outbox.take();
    // A client that begins a session itself needs no other.
    const next = held.findIndex(({ method }) => method === 'initialize');
    outbox.again(next < 0 ? [] : held.splice(next));
    for (const message of [...waiting, ...held]) this.#host.failed(message, failure);
    outbox.resume();
  }

  #open(): UpstreamSession {
    return new UpstreamSession(this.#options, this.#timings.goodbye);
  }

  #dropped(): void {
    this.#emit('debug', `An answer is dropped: ${this.#where} has ended the session in which it asked.`);
  }

  #emit(level: 'debug' | 'info' | 'warning', text: string): void {
    this.#options.emit({ level, text });
  }
}
