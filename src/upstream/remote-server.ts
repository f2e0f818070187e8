import { setTimeout as wait } from 'node:timers/promises';
import { clock } from '../clock.js';
import { type Envelope, readEnvelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import { LegacyClientLink } from '../eras/legacy-client/link.js';
import { ModernDemux } from '../eras/modern-client/demux.js';
import type { LegacySession } from '../eras/modern-client/legacy-session.js';
import { ASKING_METHODS } from '../eras/modern-client/methods.js';
import { ModernClients } from '../eras/modern-client/modern-clients.js';
import { type Verdict, verdictOfRefusal } from '../eras/probe.js';
import type { Era } from '../eras/versions.js';
import { asRecord, type Message, paramsOf } from '../jsonrpc/message.js';
import { Correlation } from '../relay/correlation.js';
import { HandshakeRefused } from '../relay/handshake.js';
import type { CloseReason, Link, Receiver } from '../relay/link.js';
import { pendingLink } from '../relay/pending.js';
import { withSecondTry } from '../relay/second-try.js';
import type { Failure } from '../remote/failure.js';
import { REMOTE_TIMINGS, type RemoteLink, type RemoteTimings } from '../remote/remote-link.js';
import { pauseBefore } from '../remote/retry.js';
import { newSeal } from '../seal.js';
import { ModernUpstream } from '../transports/streamable-http/modern-upstream.js';
import { OWN_INFO } from '../version.js';
import { type Client, probeRemote } from './era.js';
import type { FrontOptions } from './front.js';
import { LegacyRemote, type LegacyRemoteOptions } from './legacy-remote.js';

/**
 * Sessions of the legacy era for a modern client: it mostly says the same of itself with every request. Past it
 * the one that was not used for longest ends.
 */
const MAX_SESSIONS = 16;

/**
 * One remote server: finds out which era it speaks, remembers it, and makes the links that a client of either
 * era needs, with a translator in between where the two differ.
 */
export class RemoteServer {
  readonly #options: FrontOptions;
  readonly #timings: RemoteTimings;
  readonly #where: string;
  readonly #receiver: Receiver;
  readonly #modernClients: ModernClients;
  readonly #giveUp = new AbortController();
  /** All links to the server that are not over. */
  readonly #remotes = new Set<RemoteLink>();
  /** Sessions of the legacy era for a modern client, by what it said of itself. */
  readonly #sessions = new Map<string, Correlation>();
  /** What the server speaks; undefined: it is to be asked. */
  #era: Era | undefined;
  #legacy: Link | undefined;
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
    if (options.transport === 'sse') this.#era = 'legacy';
    else if (options.era !== 'auto') this.#era = options.era;
  }

  /** Takes a message of the legacy era. */
  legacy(message: Message): void {
    this.#legacy ??= this.#joined(this.#legacyLink(message), (link) => {
      if (this.#legacy === link) this.#legacy = undefined;
    });
    this.#legacy.send(message);
  }

  /** Takes a message of the modern era. */
  modern(message: Message): void {
    this.#modern ??= this.#joined(this.#modernLink(message), (link) => {
      if (this.#modern === link) this.#modern = undefined;
    });
    this.#modern.send(message);
  }

  /** Settles when nothing that was sent waits for its answer or its acceptance. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    await Promise.all([...this.#remotes].map((remote) => remote.settled()));
  }

  /** Ends all links. Settles when the server has been told and nothing is open any more. */
  async close(reason: CloseReason): Promise<void> {
    this.#giveUp.abort();
    this.#modernClients.close();
    this.#legacy?.close(reason);
    this.#modern?.close(reason);
    for (const session of this.#sessions.values()) session.close(reason);
    const remotes = [...this.#remotes];
    for (const remote of remotes) remote.close(reason);
    await Promise.all(remotes.map((remote) => remote.done));
    await this.#options.http.close();
  }

  #joined(link: Link, over: (link: Link) => void): Link {
    link.listen({
      message: (message, about) => this.#receiver.message(message, about),
      closed: (reason) => {
        over(link);
        this.#receiver.closed(reason);
      },
    });
    return link;
  }

  // ── a client of the legacy era ──

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
    return this.#kept(new LegacyRemote({ ...this.#options, ...hooks }));
  }

  /** Whether a server that refuses `initialize` is known to be modern, or says that it is. */
  #isModern(refusal: Message): boolean {
    return this.#era === 'modern' || verdictOfRefusal(refusal).era === 'modern';
  }

  #translated(): Link {
    const { emit } = this.#options;
    const upstream = this.#kept(new ModernUpstream(this.#options));
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
    if (this.#era === 'modern') return this.#kept(new ModernUpstream(this.#options));
    return new ModernDemux({ answer: (request, envelope) => this.#onLegacy(request, envelope) });
  }

  #onLegacy(request: Message, envelope: Envelope): Link {
    let refusal: Verdict | undefined;
    const link = this.#modernClients.link(request, envelope, undefined, async () => {
      try {
        return await this.#session(envelope, ASKING_METHODS.has(request.method ?? ''));
      } catch (error) {
        refusal = error instanceof HandshakeRefused ? verdictOfRefusal(error.refusal) : undefined;
        throw error;
      }
    });
    if (this.#options.era !== 'auto') return link;
    return withSecondTry(link, () => {
      if (refusal?.era !== 'modern') return undefined;
      // It was another server, or another version of it, when it was asked: from now on it is met in its own era.
      this.#learn('modern', refusal.version);
      return this.#kept(new ModernUpstream(this.#options));
    });
  }

  /**
   * A session of the legacy era, begun with what a modern client says of itself.
   *
   * @param canBeAsked whether the client can be asked something while the request is open
   */
  async #session(envelope: Envelope, canBeAsked: boolean): Promise<LegacySession> {
    const params = initializeOf(envelope, OWN_INFO);
    const profile = JSON.stringify(params);
    let correlation = this.#sessions.get(profile);
    if (correlation !== undefined) {
      this.#sessions.delete(profile);
      this.#sessions.set(profile, correlation); // used last
    } else {
      this.#makeRoom();
      const { emit } = this.#options;
      const onLost = (text: string): void => this.#drop(profile, { kind: 'failed', text });
      const isMetOtherwise = (answer: Message): boolean =>
        this.#options.era === 'auto' && this.#isModern(answer);
      correlation = new Correlation(this.#legacyRemote({ onLost, isMetOtherwise }), {
        server: this.#where,
        era: 'legacy',
        exclusive: false,
        clients: 'one',
        timeout: undefined,
        clock,
        emit,
      });
      this.#sessions.set(profile, correlation);
    }
    try {
      const isNew = correlation.version === undefined;
      const initialized = await correlation.initialize(params);
      if (isNew)
        this.#tell(
          'info',
          `A session with ${this.#where} has begun, MCP ${correlation.version ?? 'unknown'}.`,
        );
      const link = correlation.attach({ isTranslated: true, canBeAsked });
      return { link, initialized };
    } catch (error) {
      if (this.#sessions.get(profile) === correlation) {
        this.#drop(profile, { kind: 'failed', text: 'its handshake failed' });
      }
      throw error;
    }
  }

  /** Ends the session that was not used for longest, where there are too many. */
  #makeRoom(): void {
    if (this.#sessions.size < MAX_SESSIONS) return;
    for (const [profile, { sessions, inFlight }] of this.#sessions) {
      if (sessions > 0 || inFlight > 0) continue;
      this.#drop(profile, { kind: 'idle', text: 'its place was needed' });
      return;
    }
    throw new Error(`${this.#where} is in use by ${MAX_SESSIONS} sessions of this client; try again later`);
  }

  /** The next request of such a client begins a new session. */
  #drop(profile: string, reason: CloseReason): void {
    const correlation = this.#sessions.get(profile);
    this.#sessions.delete(profile);
    correlation?.close(reason);
  }

  // ── what the server speaks ──

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
    const shown = version === undefined ? '' : ` (${version})`;
    this.#tell('info', `${this.#where} speaks MCP of the ${era} era${shown}. ${reason}`.trim());
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
