import type { ServerDefinition } from '../config/definition.js';
import type { Envelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import { LegacyClientLink } from '../eras/legacy-client/link.js';
import { withoutEnvelope } from '../eras/modern-client/legacy-request.js';
import type { LegacySession } from '../eras/modern-client/legacy-session.js';
import { ModernClients } from '../eras/modern-client/modern-clients.js';
import { type Era, NEWEST_MODERN_VERSION } from '../eras/versions.js';
import { type Message, paramsOf } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import { wordsOf } from '../observability/events.js';
import { LISTEN } from '../relay/calls.js';
import type { Joining } from '../relay/correlation.js';
import { HandshakeRefused } from '../relay/handshake.js';
import type { Link } from '../relay/link.js';
import { pendingLink } from '../relay/pending.js';
import { RecoveringLink } from '../relay/recovering.js';
import { GaveUp } from '../relay/restarts.js';
import { withSecondTry } from '../relay/second-try.js';
import { whenOver } from '../relay/when-over.js';
import { newSeal } from '../seal.js';
import type { DeclaredHeader } from '../transports/streamable-http/param-headers.js';
import { OWN_INFO } from '../version.js';
import { groupLink } from './group-link.js';
import { AtCapacity, Pool, type PoolOptions } from './pool.js';
import { ServerEra } from './server-era.js';
import type { ServerProcess } from './server-process.js';
import {
  EVERYBODY,
  ownInitialize,
  PROXY_ITSELF,
  place,
  placeModern,
  placeOnModern,
  type SessionPlacement,
  type SharedPlacement,
  type TurnsPlacement,
} from './sharing.js';
import { ToolSchemas } from './tool-schemas.js';
import { Turns } from './turns.js';

/** Requests that are not calls: they take no turn. */
const NO_CALLS: ReadonlySet<string> = new Set(['server/discover', LISTEN]);

/**
 * How long a modern server that may also serve the legacy era has to answer `initialize`, in milliseconds. It has
 * shown that it can answer, and its client can be served in another way.
 */
const TRIAL_MS = 10_000;

/** A link to nobody, for what is answered without the server. */
const NOWHERE: Link = { send: () => undefined, listen: () => undefined, close: () => undefined };

/**
 * One server definition as its clients meet it: gives every client, of either era, a link that speaks the
 * client's own. The file is long because which process a client gets and what stands between are one decision.
 */
export class Server {
  readonly definition: ServerDefinition;
  readonly pool: Pool;
  readonly #options: PoolOptions;
  readonly #speaks: ServerEra;
  /** Processes that sessions share, by the era and the profile of those sessions. */
  readonly #profiles = new Map<string, ServerProcess>();
  readonly #turns = new Turns<ServerProcess>();
  readonly #modernClients: ModernClients;
  readonly #tools: ToolSchemas;
  /** Sessions with requests that wait for another process. */
  #waiting = 0;

  constructor(definition: ServerDefinition, options: Omit<PoolOptions, 'onRemoved' | 'onLost'>) {
    const { clock, emit } = options;
    this.definition = definition;
    this.#options = options;
    this.pool = new Pool(definition, {
      ...options,
      onRemoved: (process, isLoss) => this.#removed(process, isLoss),
      onLost: () => void this.#replace(),
    });
    this.#speaks = new ServerEra(definition, this.pool, emit);
    this.#modernClients = new ModernClients({ server: definition.name, clock, emit, seal: newSeal() });
    this.#tools = new ToolSchemas(clock, async (request, envelope) => {
      await this.known();
      return this.openModern(request, envelope);
    });
  }

  /** What the server speaks; undefined while that is not known. */
  get era(): Era | undefined {
    return this.#speaks.era;
  }

  /** Whether the server is known to serve clients of the legacy era by itself. */
  get servesLegacy(): boolean {
    return this.#speaks.servesLegacy;
  }

  /** Whether requests are under way; a stream of notifications is none. */
  get busy(): boolean {
    return this.pool.inFlight > 0 || this.#waiting > 0;
  }

  /** Calls that wait for the answers of their clients of the modern era. */
  get parked(): number {
    return this.#modernClients.parked;
  }

  /** Starts the first process, so that a wrong command is told early and the first client does not wait. */
  start(): void {
    this.pool.start(() => this.#startOne());
  }

  /** Has a process ready for whoever comes next. */
  #startOne(): void {
    if (this.era !== undefined) {
      this.pool.startSpare();
      this.#prepare();
      return;
    }
    this.#speaks
      .find()
      .then(() => this.#prepare())
      .catch((error: unknown) => this.pool.failed(error));
  }

  /** After a process has ended by itself: sessions that had it begin again themselves, and where none had, the next one finds a process. */
  async #replace(): Promise<void> {
    try {
      await this.pool.restarts.turn(false);
      if (this.pool.processes.length === 0) this.#startOne();
    } catch {
      // It was given up until somebody asks, or the proxy stops.
    }
  }

  /**
   * To be waited for before anything is opened, where it is not undefined: settles when it is known what the
   * server speaks, or as good as. Never rejects.
   */
  known(): Promise<void> | undefined {
    return this.era === undefined ? this.#speaks.find() : undefined;
  }

  /**
   * The link of a new session of the legacy era. It outlives the processes that serve it. Throws `AtCapacity`.
   *
   * @param initialize the client's `initialize`, which the session sends on this link next
   */
  open(initialize: Message): Link {
    return new RecoveringLink(this.#session(initialize), {
      server: this.definition.name,
      clock: this.#options.clock,
      emit: this.#options.emit,
      reopen: (again, isAsked) => this.#reopen(again, isAsked),
      onWaiting: (isWaiting) => {
        this.#waiting += isWaiting ? 1 : -1;
      },
    });
  }

  async #reopen(initialize: Message, isAsked: boolean): Promise<Link> {
    await undefined; // until the end of the process is known to all
    try {
      await this.pool.restarts.turn(isAsked);
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      throw new Error(this.pool.failure ?? `server "${this.definition.name}" ends again and again`);
    }
    await this.known();
    return this.#session(initialize);
  }

  #session(initialize: Message): Link {
    if (!this.#speaks.mayBeLegacy) return this.#translated();
    try {
      return this.#legacyLink(initialize);
    } catch (error) {
      // No place to try it in; a server of the modern era can do without.
      if (this.era !== 'modern' || !(error instanceof AtCapacity)) throw error;
      return this.#translated();
    }
  }

  /** The link of a request of the legacy era that comes with no handshake. Rejects where the server can't be had. */
  async openWithoutHandshake(): Promise<Link> {
    await this.known();
    const placement = this.definition.sharing === 'shared' ? EVERYBODY : PROXY_ITSELF;
    if (this.era !== 'modern') {
      try {
        return await onceMore(async () => {
          const process = this.#sharedBy(placement, 'legacy');
          await this.#handshake(process, ownInitialize(placement));
          return this.#attach(process);
        });
      } catch (error) {
        if (!this.#isModernAfterAll()) throw error;
      }
    }
    return this.#translated(this.definition.sharing === 'session' ? PROXY_ITSELF : EVERYBODY);
  }

  /** The link on which a request of the modern era is answered; it is sent on it next. Throws `AtCapacity`. */
  openModern(request: Message, envelope: Envelope): Link {
    return this.era === 'modern' ? this.#onModern(envelope) : this.#onLegacy(request, envelope);
  }

  /** Takes a notification of a modern client that belongs to none of its requests. Never throws. */
  notify(notification: Message, envelope: Envelope | undefined): void {
    const client = envelope ?? {
      version: NEWEST_MODERN_VERSION,
      capabilities: {},
      clientInfo: undefined,
      logLevel: undefined,
    };
    const process =
      this.era === 'modern'
        ? this.#profiles.get(this.#keyOnModern(client))
        : this.#processOf(placeModern(this.definition.sharing, client), false);
    // Nobody there who could have to know: no process is started to be told something.
    if (
      process === undefined ||
      process.ended ||
      (this.era !== 'modern' && process.initialized === undefined)
    ) {
      this.#tell('debug', `dropped ${notification.method}: no process serves that client`);
      return;
    }
    const link = process.attach({ isTranslated: true });
    link.send(this.era === 'modern' ? notification : withoutEnvelope(notification));
    link.close({ kind: 'ended', text: 'the notification was sent' });
  }

  /** The arguments of a tool that a call repeats in headers; undefined where that is not known. Never rejects. */
  toolHeaders(
    name: string,
    envelope: Envelope,
    anew: boolean,
  ): Promise<readonly DeclaredHeader[] | undefined> {
    return this.#tools.of(name, envelope, anew);
  }

  /** Gives up the calls that wait for clients of the modern era. */
  giveUpParked(): void {
    this.#modernClients.close();
  }

  async stop(text: string): Promise<void> {
    this.giveUpParked();
    await this.pool.stop(text);
  }

  /** Begins, where one process serves everybody, its handshake before the first client comes. */
  #prepare(): void {
    if (this.era !== 'legacy' || this.definition.sharing !== 'shared') return;
    const process = this.#sharedBy(EVERYBODY, 'legacy');
    this.#handshake(process, ownInitialize(EVERYBODY)).catch(() => undefined); // told where it failed
  }

  // ── clients of the legacy era ──

  #legacyLink(initialize: Message): Link {
    const placement = place(this.definition.sharing, paramsOf(initialize));
    const process = this.#placed(placement, 'legacy');
    if (placement === EVERYBODY) {
      this.#handshake(process, ownInitialize(placement)).catch(() => undefined); // told where it failed
    }
    const link = process.attach();
    if (this.definition.era !== 'auto') return link;
    if (this.era === 'modern') this.#limitTrial(process);
    return withSecondTry(link, (answer) => {
      if (answer.kind === 'error') return this.#otherwise(answer, process, initialize);
      this.#speaks.accepted();
      return undefined;
    });
  }

  /** Ends a process that does not answer `initialize`: that is a refusal too. */
  #limitTrial(process: ServerProcess): void {
    this.#options.clock.after(TRIAL_MS, () => {
      if (process.facts === undefined) this.pool.retire(process, NOT_LEGACY);
    });
  }

  /** A server that refuses `initialize` may be one of the modern era: then the client is served through a translator. */
  #otherwise(refusal: Message, process: ServerProcess, initialize: Message): Link | undefined {
    if (process.endedOnceAsked) return this.#orFailed(() => this.#legacyLink(initialize));
    if (!this.#speaks.refused(refusal)) return undefined;
    queueMicrotask(() => {
      if (process.sessions === 0) this.pool.retire(process, NOT_LEGACY);
    });
    return this.#orFailed(() => this.#translated());
  }

  /** A link for a client of the legacy era to a server of the modern era. */
  #translated(placement = placeOnModern(this.definition.sharing, undefined)): Link {
    const { name } = this.definition;
    const { clock, emit } = this.#options;
    const upstream = this.#placed(placement, 'modern').attach();
    return new LegacyClientLink(upstream, { server: name, clock, emit, fallbackClient: OWN_INFO });
  }

  // ── clients of the modern era ──

  #onModern(client: Envelope): Link {
    return this.#placed(placeOnModern(this.definition.sharing, client), 'modern').attach();
  }

  #keyOnModern(client: Envelope): string {
    const placement = placeOnModern(this.definition.sharing, client);
    return placement.kind === 'shared' ? keyOf('modern', placement) : '';
  }

  #onLegacy(request: Message, envelope: Envelope): Link {
    const isCall = !NO_CALLS.has(request.method ?? '');
    const placement = placeModern(this.definition.sharing, envelope);
    // What a server says of itself hardly depends on whom it talks to: no process is started for it.
    const facts = request.method === 'server/discover' ? this.#facts() : undefined;
    let isRefused = false;
    const open = (): LegacySession | Promise<LegacySession> => {
      if (facts !== undefined) return { link: NOWHERE, initialized: facts };
      const session = this.#legacySession(envelope, placement, isCall);
      if (!(session instanceof Promise)) return session;
      return onceMore(
        () => session,
        () => this.#legacySession(envelope, placement, isCall),
      ).catch((error: unknown) => {
        isRefused = true;
        throw error;
      });
    };
    // Said at once, where it would need a process that may not be started; what goes on with a parked call has its.
    if (facts === undefined && this.#processOf(placement, isCall) === undefined) {
      if (!request.text.includes('"requestState"')) this.pool.checkRoom();
    }
    const link = this.#modernClients.link(request, envelope, undefined, open);
    // Once a handshake was done, the server is known to be what it is taken for.
    if (this.definition.era !== 'auto' || this.#facts() !== undefined) return link;
    return withSecondTry(link, () =>
      isRefused && this.#isModernAfterAll() ? this.#orFailed(() => this.#onModern(envelope)) : undefined,
    );
  }

  /** The process that there is for a client of the modern era, on a server of the legacy era. */
  #processOf(placement: SharedPlacement | TurnsPlacement, isCall: boolean): ServerProcess | undefined {
    if (placement.kind === 'shared') return this.#profiles.get(keyOf('legacy', placement));
    return isCall ? this.#turns.free(placement.profile) : this.#turns.any(placement.profile);
  }

  #facts(): Wire | undefined {
    for (const process of this.pool.processes) if (process.facts !== undefined) return process.facts;
    return undefined;
  }

  /** A session with a server of the legacy era, begun with what a modern client says of itself. */
  #legacySession(
    envelope: Envelope,
    placement: SharedPlacement | TurnsPlacement,
    isCall: boolean,
  ): LegacySession | Promise<LegacySession> {
    const joining: Joining = { isTranslated: true };
    if (placement.kind === 'shared') {
      const process = this.#sharedBy(placement, 'legacy');
      const params = (): object =>
        placement === EVERYBODY ? ownInitialize(placement) : initializeOf(envelope, OWN_INFO);
      return this.#begun(process, params, () => this.#attach(process, joining));
    }
    const { profile } = placement;
    let process = this.#processOf(placement, isCall);
    if (!process) {
      process = this.#processFor('legacy');
      process.assign(placement, 'legacy');
      this.#turns.add(profile, process);
    }
    const taken = process;
    if (isCall) this.#turns.begin(taken);
    const over = (): void => {
      if (isCall) this.#turns.end(profile, taken);
    };
    const params = (): object => initializeOf(envelope, OWN_INFO);
    const attach = (): Link => {
      const link = this.#attach(taken, joining);
      return isCall ? whenOver(link, over) : this.#listening(link, profile, params);
    };
    const session = this.#begun(taken, params, attach);
    if (session instanceof Promise) session.catch(over);
    return session;
  }

  /** The next call may go to any process of the group, so all of them are heard. */
  #listening(kept: Link, group: string, params: () => object): Link {
    return groupLink(kept, { turns: this.#turns, group, params, emit: this.#options.emit });
  }

  /** At once where the handshake is done already, so that a call costs no turn of the loop. */
  #begun(
    process: ServerProcess,
    params: () => object,
    attach: () => Link,
  ): LegacySession | Promise<LegacySession> {
    if (process.initialized !== undefined) return { link: attach(), initialized: process.initialized };
    // A modern client has no handshake at which it would expect to wait, and may need another process with its
    // next request, for other capabilities or while a call of it waits for a person.
    this.pool.startAhead();
    return this.#handshake(process, params()).then((initialized) => ({ link: attach(), initialized }));
  }

  // ── processes ──

  /** The process of a placement: a new one, or the one of its profile. Throws `AtCapacity`. */
  #placed(placement: SessionPlacement, era: Era): ServerProcess {
    if (placement.kind === 'shared') return this.#sharedBy(placement, era);
    const process = this.#processFor(era);
    process.assign(placement, era);
    return process;
  }

  /** The process that the sessions of a profile share. Throws `AtCapacity`. */
  #sharedBy(placement: SharedPlacement, era: Era): ServerProcess {
    const key = keyOf(era, placement);
    const existing = this.#profiles.get(key);
    if (existing) return existing;
    const process = this.#processFor(era);
    process.assign(placement, era);
    this.#profiles.set(key, process);
    return process;
  }

  /**
   * A process that nobody uses. The one that was started ahead has been asked what it speaks: where it said
   * that it is modern, it is not asked for a session of the legacy era.
   */
  #processFor(era: Era): ServerProcess {
    return era === 'legacy' && this.era === 'modern' ? this.pool.startOther() : this.pool.take();
  }

  /** A session's link to a process whose handshake is done. Throws where it has ended with that. */
  #attach(process: ServerProcess, joining?: Joining): Link {
    if (process.ended) throw new Error(`server "${this.definition.name}" ended right after its handshake`);
    return process.attach(joining);
  }

  /** Does the handshake in the proxy's own name where it is not done. Rejects, and has told, where it fails. */
  async #handshake(process: ServerProcess, params: object): Promise<Wire> {
    try {
      return await process.initialize(params);
    } catch (error) {
      const isModern = error instanceof HandshakeRefused && this.#speaks.refused(error.refusal);
      if (!process.ended && this.pool.has(process)) {
        if (!isModern) this.pool.failed(error);
        this.pool.retire(process, isModern ? NOT_LEGACY : 'the handshake failed');
      }
      if (process.endedOnceAsked) throw new EndedOnceAsked(wordsOf(error));
      throw error;
    }
  }

  /** After a handshake of the legacy era has failed: whether the server turned out to be of the modern one. */
  #isModernAfterAll(): boolean {
    return this.definition.era === 'auto' && this.era === 'modern';
  }

  /** The link; where it can't be had, one that answers with the reason. */
  #orFailed(open: () => Link): Link {
    try {
      return open();
    } catch (error) {
      return pendingLink(Promise.reject(error), this.#options.emit);
    }
  }

  #removed(process: ServerProcess, isLoss: boolean): void {
    this.#turns.remove(process);
    for (const [profile, other] of this.#profiles) if (other === process) this.#profiles.delete(profile);
    if (isLoss) this.#speaks.ended(process);
  }

  #tell(level: 'debug' | 'info', text: string): void {
    this.#options.emit({ level, text, server: this.definition.name });
  }
}

/** A process ended of being asked what it speaks, after it had answered: another one is not asked. */
class EndedOnceAsked extends Error {}

/** Does it once more, or something else instead, where it has failed for a process that ended once it was asked. */
async function onceMore<T>(action: () => T | Promise<T>, instead = action): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof EndedOnceAsked)) throw error;
    return await instead();
  }
}

const NOT_LEGACY = 'it does not speak the legacy era';

function keyOf(era: Era, { profile }: SharedPlacement): string {
  return `${era} ${profile}`;
}
