import { setTimeout as wait } from 'node:timers/promises';
import { clock } from '../clock.js';
import { type Envelope, readEnvelope } from '../eras/envelope.js';
import { LegacyClientLink } from '../eras/legacy-client/link.js';
import { ModernDemux } from '../eras/modern-client/demux.js';
import { ASKING_METHODS } from '../eras/modern-client/methods.js';
import { ModernClients } from '../eras/modern-client/modern-clients.js';
import { type Verdict, verdictOfRefusal } from '../eras/probe.js';
import type { Era } from '../eras/versions.js';
import { asRecord, type Message, paramsOf } from '../jsonrpc/message.js';
import { HandshakeRefused } from '../relay/handshake.js';
import type { CloseReason, Link, Receiver } from '../relay/link.js';
import { pendingLink } from '../relay/pending.js';
import { RecoveringLink } from '../relay/recovering.js';
import { withSecondTry } from '../relay/second-try.js';
import type { Failure } from '../remote/failure.js';
import { REMOTE_TIMINGS, type RemoteLink, type RemoteTimings } from '../remote/remote-link.js';
import { pauseBefore } from '../remote/retry.js';
import { newSeal } from '../seal.js';
import { ModernUpstream } from '../transports/streamable-http/modern-upstream.js';
import { OWN_INFO } from '../version.js';
import { type Client, probeRemote } from './era.js';
import type { FrontOptions } from './front.js';
import { LeavableLink } from './leavable-link.js';
import { LegacyRemote, type LegacyRemoteOptions } from './legacy-remote.js';
import { LegacySessions } from './legacy-sessions.js';
import { type Asked, Turning } from './turning.js';

/**
 * How long refusals are taken as they are, in milliseconds, after one for which the server was asked and was still
 * what it had been: clients make mistakes too, and must not have it asked each time.
 */
const CONFIRMED_MS = 10_000;

/**
 * One remote server: finds out which era it speaks, remembers it, and makes the links that a client of either
 * era needs, with a translator in between where the two differ. Where it is replaced by one of the other era, it is
 * met in that from then on.
 *
 * Longer than most files: what the server speaks says what clients of both eras are given.
 */
export class RemoteServer {
  readonly #options: FrontOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #receiver: Receiver;
  readonly #modernClients: ModernClients;
  readonly #giveUp = new AbortController();
  readonly #turning: Turning;
  /** All links to the server that are not over. */
  readonly #remotes = new Set<RemoteLink>();
  readonly #sessions: LegacySessions;
  /** What the server speaks; undefined: it is to be asked. */
  #era: Era | undefined;
  /** The server is just being asked again. Settles with whether it is known what it speaks. */
  #asking: Promise<boolean> | undefined;
  /** When it was last found to be still what it had been. */
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #legacy: Link | undefined;
  /** What `#legacy` goes through at the moment; none where the server cannot turn out to be another. */
  #way: LeavableLink | undefined;
  /** Whether that is through a translator, and what the server was taken for when it was begun. */
  #isTranslated = false;
  #metAs: Era | undefined;
  #modern: Link | undefined;
  /** Links that are still being made: until the server has said what it speaks. */
  readonly #pending = new Set<Promise<Link>>();

  /** @param receiver takes what comes for the client, from whichever link */
  constructor(options: FrontOptions, receiver: Receiver) {
    this.#options = options;
    this.#timings = { ...REMOTE_TIMINGS, ...options.timings };
    this.#where = options.http.describe(options.url);
    this.#receiver = receiver;
    this.#modernClients = new ModernClients({
      server: this.#where,
      clock,
      emit: options.emit,
      seal: newSeal(),
    });
    this.#sessions = new LegacySessions(this.#where, options.emit, (onLost) =>
      this.#legacyRemote({
        onLost,
        isMetOtherwise: (answer) => options.era === 'auto' && this.#isModern(answer),
      }),
    );
    this.#turning = new Turning({
      isDoubtful: (asked, answer) => this.#isDoubtful(asked, answer),
      hasTurned: (asked, answer) => this.#hasTurned(asked, answer),
      again: ({ era, request }) => this[era](request),
      deliver: (message, about) => this.#receiver.message(message, about),
    });
    if (options.transport === 'sse') this.#era = 'legacy';
    else if (options.era !== 'auto') this.#era = options.era;
  }

  /** Takes a message of the legacy era. */
  legacy(message: Message): void {
    this.#legacy ??= this.#joined(this.#legacyLasting(message), (link) => {
      if (this.#legacy === link) this.#legacy = undefined;
    });
    this.#send('legacy', message, this.#legacy, this.#way?.isOpen === true ? this.#way : this.#legacy);
  }

  /** Takes a message of the modern era. */
  modern(message: Message): void {
    this.#modern ??= this.#joined(this.#modernLink(message), (link) => {
      if (this.#modern === link) this.#modern = undefined;
    });
    this.#send('modern', message, this.#modern, this.#modern);
  }

  /** @param way what the link goes through at the moment */
  #send(era: Era, message: Message, link: Link, way: Link): void {
    if (message.kind === 'request') this.#turning.sent({ era, request: message, on: way });
    const cancelled =
      message.method === 'notifications/cancelled' ? this.#turning.cancelled(message) : undefined;
    // What is open on a way that was left is not known on the one there is.
    if (cancelled !== undefined && cancelled !== way) cancelled.send(message);
    else link.send(message);
  }

  /** Settles when nothing that was sent waits for its answer or its acceptance. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    await Promise.all([...this.#remotes].map((remote) => remote.settled()));
  }

  /** Ends all links. Settles when the server has been told and nothing is open any more. */
  async close(reason: CloseReason): Promise<void> {
    this.#giveUp.abort();
    this.#turning.close();
    this.#modernClients.close();
    this.#legacy?.close(reason);
    this.#modern?.close(reason);
    this.#sessions.close(reason);
    const remotes = [...this.#remotes];
    for (const remote of remotes) remote.close(reason);
    await Promise.all(remotes.map((remote) => remote.done));
    await this.#options.http.close();
  }

  #joined(link: Link, over: (link: Link) => void): Link {
    link.listen({
      message: (message, about) => this.#turning.heard(message, about),
      closed: (reason) => {
        over(link);
        this.#receiver.closed(reason);
      },
    });
    return link;
  }

  // ── a client of the legacy era ──

  /** A link that goes on where the server turns out to be another, with the session that the client has. */
  #legacyLasting(first: Message): Link {
    if (!this.#mayTurn) return this.#legacyLink(first);
    return new RecoveringLink(this.#newWay(this.#legacyLink(first)), {
      server: this.#where,
      clock,
      emit: this.#options.emit,
      handshakeMs: this.#timings.handshake,
      reopen: async (_, isAsked) => {
        // After it came to nothing, what the server speaks is as good as not known.
        if (isAsked) await this.#askAgain();
        return this.#newWay(this.#legacyFirst());
      },
    });
  }

  #newWay(to: Link): Link {
    this.#way = new LeavableLink(to);
    return this.#way;
  }

  #legacyLink(first: Message): Link {
    if (this.#era === 'modern' && this.#options.era === 'modern') return this.#translated();
    if (this.#era !== undefined) return this.#legacyFirst();
    const { capabilities, clientInfo } = paramsOf(first);
    const client = { capabilities: asRecord(capabilities), clientInfo: asRecord(clientInfo) };
    return this.#made(this.#find(client, this.#timings.probe).then(() => this.#legacyFirst()));
  }

  /**
   * The legacy era as far as the server has it: where a session of that era can be had, nothing needs to be
   * translated. A server that refuses it, or has no sessions and so cannot speak to its client, is better
   * met in the modern era, if it knows that.
   */
  #legacyFirst(): Link {
    this.#isTranslated = false;
    this.#metAs = this.#era;
    if (this.#options.era === 'legacy' || this.#options.transport === 'sse') return this.#legacyRemote();
    const remote = this.#legacyRemote({ isMetOtherwise: (answer) => this.#isModern(answer) });
    return withSecondTry(remote, (answer) => {
      const verdict = answer.kind === 'error' ? verdictOfRefusal(answer) : undefined;
      if (verdict?.era === 'modern') this.#learn('modern', verdict.version);
      if (this.#era !== 'modern' || (answer.kind === 'response' && remote.hasSession)) return undefined;
      this.#tell(
        'debug',
        `${this.#where} has no sessions of the legacy era: its client is served by translation.`,
      );
      return this.#translated();
    });
  }

  #legacyRemote(hooks: Pick<LegacyRemoteOptions, 'isMetOtherwise' | 'onLost'> = {}): LegacyRemote {
    return this.#kept(new LegacyRemote({ ...this.#options, ...hooks, takeOver: this.#noted }));
  }

  /** Whether a server that refuses `initialize` is known to be modern, or says that it is. */
  #isModern(refusal: Message): boolean {
    return this.#era === 'modern' || isOfModern(refusal);
  }

  #translated(): Link {
    const { emit } = this.#options;
    this.#isTranslated = true;
    const upstream = this.#modernUpstream();
    return new LegacyClientLink(upstream, { server: this.#where, clock, emit, fallbackClient: OWN_INFO });
  }

  // ── a client of the modern era ──

  #modernLink(first: Message): Link {
    if (this.#era !== undefined) return this.#modernKnown();
    const envelope = readEnvelope(first);
    const client = typeof envelope === 'string' ? { capabilities: {}, clientInfo: OWN_INFO } : envelope;
    return this.#made(
      this.#findAtLast(client).then((failure) => {
        if (failure !== undefined) throw new Error(failure.text);
        return this.#modernKnown();
      }),
    );
  }

  #modernKnown(): Link {
    if (this.#era === 'modern') return this.#modernUpstream();
    return new ModernDemux({ answer: (request, envelope) => this.#onLegacy(request, envelope) });
  }

  #onLegacy(request: Message, envelope: Envelope): Link {
    let refusal: Verdict | undefined;
    const link = this.#modernClients.link(request, envelope, undefined, async () => {
      try {
        return await this.#sessions.open(envelope, ASKING_METHODS.has(request.method ?? ''));
      } catch (error) {
        refusal = error instanceof HandshakeRefused ? verdictOfRefusal(error.refusal) : undefined;
        if (refusal?.era === 'legacy') this.#forget();
        throw error;
      }
    });
    if (this.#options.era !== 'auto') return link;
    return withSecondTry(link, () => {
      if (refusal?.era !== 'modern') return undefined;
      // It was another server, or another version of it, when it was asked: from now on it is met in its own era.
      this.#learn('modern', refusal.version);
      return this.#modernUpstream();
    });
  }

  #modernUpstream(): ModernUpstream {
    return this.#kept(new ModernUpstream({ ...this.#options, takeOver: this.#noted }));
  }

  // ── what the server speaks ──

  /** Whether it may turn out to be one of the other era. */
  get #mayTurn(): boolean {
    return this.#options.era === 'auto' && this.#options.transport !== 'sse';
  }

  /** A request was refused, which its client is told next. */
  readonly #noted = (_: Message, failure: Failure): boolean => {
    this.#options.watch?.failed?.(failure);
    if (this.#mayTurn) this.#turning.refused(failure);
    return false;
  };

  /** Whether an answer shows that the server is another by now, though it did not refuse the request by its status. */
  #isDoubtful({ era }: Asked, answer: Message): boolean {
    if (!this.#mayTurn) return false;
    if (answer.kind === 'response') return era === 'modern' && this.#era === 'modern' && answer.typeAt < 0;
    return era === 'legacy' && isOfModern(answer);
  }

  /** Asks a server again that gave such an answer. Returns whether the client's requests go another way by now. */
  async #hasTurned({ era, on }: Asked, answer: Message): Promise<boolean> {
    const hasTurned = (): boolean => on !== (era === 'legacy' ? this.#way : this.#modern);
    if (hasTurned()) return true;
    const isPlain = !isOfModern(answer);
    // A modern server that says to a client of its own era what is wrong with its request.
    if (!isPlain && era === 'modern' && this.#era === 'modern') return false;
    if (isPlain && performance.now() - this.#confirmedAt < CONFIRMED_MS) return false;
    const isKnown = await this.#askAgain();
    if (era === 'legacy' && !hasTurned() && this.#isAnother(answer)) this.#leave();
    if (hasTurned()) return true;
    if (isKnown) this.#confirmedAt = performance.now();
    return false;
  }

  /** Asks once for all who doubt. Returns whether it is known what the server speaks. */
  #askAgain(): Promise<boolean> {
    this.#asking ??= this.#find({ capabilities: {}, clientInfo: OWN_INFO }, this.#timings.probe)
      .then((failure) => failure === undefined)
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  /** The server was not what it was taken for: the next request has it asked. */
  #forget(): void {
    if (!this.#mayTurn || this.#era !== 'legacy') return;
    this.#era = undefined;
    this.#modern = undefined;
  }

  /** Whether the way of a client of the legacy era, on which something was refused, is none any more. */
  #isAnother(refusal: Message): boolean {
    if (this.#isTranslated) return this.#era === 'legacy';
    // One that is modern still may have had sessions of the legacy era too, and has none by now.
    return this.#era === 'modern' && (this.#metAs !== 'modern' || isOfModern(refusal));
  }

  #leave(): void {
    const left = this.#way;
    this.#way = undefined;
    left?.leave({ kind: 'ended', text: `${this.#where} speaks another era by now` }, (message, about) => {
      if (this.#turning.concerns(message, about)) this.#turning.heard(message, about);
    });
  }

  /**
   * Asks once. What proves nothing is left to whoever goes on, and is not remembered.
   *
   * @param limit ms for the answer
   */
  async #find(client: Client, limit: number): Promise<Failure | undefined> {
    const timings = { ...this.#timings, probe: limit };
    const verdict = await probeRemote({ ...this.#options, timings, signal: this.#giveUp.signal }, client);
    if (verdict.era === 'unknown') return verdict.failure;
    this.#learn(verdict.era, verdict.era === 'modern' ? verdict.version : undefined, verdict.reason);
    return undefined;
  }

  /** Asks until there is a verdict, or a server that cannot be reached was asked for long enough. */
  async #findAtLast(client: Client): Promise<Failure | undefined> {
    const begunAt = performance.now();
    for (let tries = 1; ; tries++) {
      // There is no other way to go on than with what the server says: a slow start is waited for.
      const failure = await this.#find(client, this.#timings.handshake);
      if (failure?.kind !== 'unreachable') return failure;
      const elapsed = performance.now() - begunAt;
      const pause = pauseBefore(tries, elapsed, this.#timings);
      if (pause === undefined || this.#giveUp.signal.aborted) {
        const seconds = Math.max(1, Math.round(elapsed / 1000));
        return { ...failure, text: `${failure.text} Tried ${tries} times in ${seconds} s.` };
      }
      if (tries === 1) this.#tell('info', `${failure.text} Trying again.`);
      // Nobody waits for it once this is closed.
      await wait(pause, undefined, { signal: this.#giveUp.signal }).catch(() => undefined);
    }
  }

  /** @param version what a modern server supports, as it is shown; undefined where it has not said that */
  #learn(era: Era, version: string | undefined, reason = ''): void {
    if (this.#era === era) return;
    // What a client's next modern request was to go through speaks the other era.
    if (this.#era !== undefined) this.#modern = undefined;
    this.#era = era;
    if (era === 'modern') this.#sessions.leave();
    const shown = version === undefined ? '' : ` (${version})`;
    this.#tell('info', `${this.#where} speaks MCP of the ${era} era${shown}. ${reason}`.trim());
    this.#options.watch?.spoken?.(era, version);
  }

  #made(link: Promise<Link>): Link {
    this.#pending.add(link);
    const made = pendingLink(link, this.#options.emit);
    // After what waited has been sent on it.
    const forget = (): void => queueMicrotask(() => this.#pending.delete(link));
    link.then(forget, forget);
    return made;
  }

  #kept<T extends RemoteLink>(remote: T): T {
    this.#remotes.add(remote);
    void remote.done.then(() => this.#remotes.delete(remote));
    return remote;
  }

  #tell(level: 'debug' | 'info', text: string): void {
    this.#options.emit({ level, text });
  }
}

/** Whether an error is one with which a modern server refuses what is not of its era. */
function isOfModern(error: Message): boolean {
  return error.kind === 'error' && verdictOfRefusal(error).era === 'modern';
}
