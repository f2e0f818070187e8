import type { ServerDefinition } from '../config/definition.js';
import type { Envelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import { LegacyClientLink } from '../eras/legacy-client/link.js';
import { withoutEnvelope } from '../eras/modern-client/legacy-request.js';
import type { LegacySession } from '../eras/modern-client/legacy-session.js';
import { ModernClients } from '../eras/modern-client/modern-clients.js';
import { type Verdict, verdictOf } from '../eras/probe.js';
import { type Era, NEWEST_MODERN_VERSION } from '../eras/versions.js';
import { type Message, paramsOf } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { Joining } from '../relay/correlation.js';
import type { Link } from '../relay/link.js';
import { pendingLink } from '../relay/pending.js';
import { withSecondTry } from '../relay/second-try.js';
import { whenOver } from '../relay/when-over.js';
import { newSeal } from '../seal.js';
import type { DeclaredHeader } from '../transports/streamable-http/param-headers.js';
import { OWN_INFO } from '../version.js';
import { AtCapacity, Pool, type PoolOptions } from './pool.js';
import type { ServerProcess } from './server-process.js';
import {
  EVERYBODY,
  ownInitialize,
  PROXY_ITSELF,
  place,
  placeModern,
  placeOnModern,
  type SharedPlacement,
} from './sharing.js';
import { ToolSchemas } from './tool-schemas.js';
import { Turns } from './turns.js';

/** Requests that are not calls: they take no turn. */
const NO_CALLS: ReadonlySet<string> = new Set(['server/discover', 'subscriptions/listen']);

/** A link to nobody, for what is answered without the server. */
const NOWHERE: Link = { send: () => undefined, listen: () => undefined, close: () => undefined };

/**
 * One server definition as its clients meet it: finds out which era the server speaks, and gives every client,
 * of either era, a link that speaks the client's own. The file is long because which process a client gets and
 * what stands between are one decision.
 */
export class Server {
  readonly definition: ServerDefinition;
  readonly pool: Pool;
  readonly #options: PoolOptions;
  /** Processes that sessions share, by the profile of those sessions. */
  readonly #profiles = new Map<string, ServerProcess>();
  readonly #turns = new Turns<ServerProcess>();
  readonly #modernClients: ModernClients;
  readonly #tools: ToolSchemas;
  /** What the server speaks; undefined: it is to be asked. */
  #era: Era | undefined;
  /** Whether a modern server serves the legacy era too; undefined: not tried yet. */
  #alsoLegacy: boolean | undefined;
  #finding: Promise<void> | undefined;

  constructor(definition: ServerDefinition, options: Omit<PoolOptions, 'onRemoved'>) {
    this.definition = definition;
    this.#options = options;
    this.pool = new Pool(definition, { ...options, onRemoved: (process) => this.#removed(process) });
    this.#modernClients = new ModernClients({
      server: definition.name,
      clock: options.clock,
      emit: options.emit,
      seal: newSeal(),
    });
    this.#tools = new ToolSchemas(options.clock, (request, envelope) => this.openModern(request, envelope));
    if (definition.era === 'modern') this.#alsoLegacy = false;
    if (definition.era !== 'auto') this.#era = definition.era;
  }

  /** What the server speaks; undefined while that is not known. */
  get era(): Era | undefined {
    return this.#era;
  }

  /** Whether the server is known to serve clients of the legacy era by itself. */
  get servesLegacy(): boolean {
    return this.#era === 'legacy' || this.#alsoLegacy === true;
  }

  /** Whether requests are under way; a stream of notifications is none. */
  get busy(): boolean {
    return this.pool.inFlight > 0;
  }

  /** Calls that wait for the answers of their clients of the modern era. */
  get parked(): number {
    return this.#modernClients.parked;
  }

  /** Starts the first process, so that a wrong command is told early and the first client does not wait. */
  start(): void {
    this.pool.start(() => {
      if (this.#era !== undefined) {
        this.pool.startSpare();
        this.#prepare();
        return;
      }
      this.#findOut()
        .then(() => this.#prepare())
        .catch((error: unknown) => this.pool.failed(error));
    });
  }

  /**
   * The link of a new session of the legacy era. Throws `AtCapacity`.
   *
   * @param initialize the client's `initialize`, which the session sends on this link next
   */
  open(initialize: Message): Link {
    if (this.#era !== undefined) return this.#legacyLink(initialize);
    return pendingLink(
      this.#findOut().then(() => this.#legacyLink(initialize)),
      this.#options.emit,
    );
  }

  /** The link of a request of the legacy era that comes with no handshake. Rejects where the server can't be had. */
  async openWithoutHandshake(): Promise<Link> {
    if (this.#era === undefined) await this.#findOut();
    if (this.#era === 'modern') return this.#translated();
    const placement = this.definition.sharing === 'shared' ? EVERYBODY : PROXY_ITSELF;
    const process = this.#sharedBy(placement, 'legacy');
    await this.#handshake(process, ownInitialize(placement));
    return process.attach();
  }

  /**
   * The link on which a request of the modern era is answered; it is sent on it next. Throws, or rejects with,
   * `AtCapacity`.
   */
  openModern(request: Message, envelope: Envelope): Link | Promise<Link> {
    if (this.#era !== undefined) return this.#modernLink(request, envelope);
    return this.#findOut().then(() => this.#modernLink(request, envelope));
  }

  /** Takes a notification of a modern client that belongs to none of its requests. Never throws. */
  notify(notification: Message, envelope: Envelope | undefined): void {
    const client = envelope ?? {
      version: NEWEST_MODERN_VERSION,
      capabilities: {},
      clientInfo: undefined,
      logLevel: undefined,
    };
    const send = (link: Link, message: Message): void => {
      link.send(message);
      link.close({ kind: 'ended', text: 'the notification was sent' });
    };
    const told = async (): Promise<void> => {
      if (this.#era === undefined) await this.#findOut();
      if (this.#era === 'modern') send(this.#onModern(client), notification);
      else send((await this.#legacySession(client, false)).link, withoutEnvelope(notification));
    };
    told().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell('debug', `${notification.method} of a client was not delivered: ${why}`);
    });
  }

  /** The arguments of a tool that a call repeats in headers; undefined where that is not known. Never rejects. */
  toolHeaders(
    name: string,
    envelope: Envelope,
    anew: boolean,
  ): Promise<readonly DeclaredHeader[] | undefined> {
    return this.#tools.of(name, envelope, anew);
  }

  async stop(text: string): Promise<void> {
    this.#modernClients.close();
    await this.pool.stop(text);
  }

  // ── what it speaks ──

  /** Asks the server, once for all who want to know. Settles when it is known, or as good as. Never rejects. */
  #findOut(): Promise<void> {
    this.#finding ??= this.#ask().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async #ask(): Promise<void> {
    let process: ServerProcess;
    try {
      process = this.pool.startSpare({ onLate: (verdict) => this.#learn(verdict) });
    } catch (error) {
      // Where there is no place for another process, whoever waits meets the same, and is told so.
      if (!(error instanceof AtCapacity)) this.pool.failed(error);
      return;
    }
    const verdict = await process.verdict;
    if (verdict === undefined) return;
    this.#learn(verdict);
    if (verdict.era !== 'legacy' || verdict.by !== 'end') return;
    // It may have ended because it was asked: a process that is not asked shows it.
    try {
      this.pool.startSpare();
    } catch (error) {
      this.pool.failed(error);
    }
  }

  #learn(verdict: Verdict): void {
    if (this.definition.era !== 'auto') return;
    const changed = this.#era !== verdict.era;
    this.#era = verdict.era;
    this.#alsoLegacy = verdict.era === 'modern' && verdict.alsoLegacy ? true : undefined;
    if (changed) this.#tell('info', `speaks MCP of the ${verdict.era} era${becauseOf(verdict)}`);
  }

  /** Begins, where one process serves everybody, its handshake before the first client comes. */
  #prepare(): void {
    if (this.#era !== 'legacy' || this.definition.sharing !== 'shared') return;
    const process = this.#sharedBy(EVERYBODY, 'legacy');
    this.#handshake(process, ownInitialize(EVERYBODY)).catch(() => undefined); // told where it failed
  }

  // ── clients of the legacy era ──

  #legacyLink(initialize: Message): Link {
    if (this.#era === 'modern' && this.#alsoLegacy === false) return this.#translated();
    const placement = place(this.definition.sharing, paramsOf(initialize));
    let process: ServerProcess;
    if (placement.kind === 'own') {
      process = this.#processFor('legacy');
      process.assign(placement, 'legacy');
    } else process = this.#sharedBy(placement, 'legacy');
    if (placement === EVERYBODY) {
      this.#handshake(process, ownInitialize(placement)).catch(() => undefined); // told where it failed
    }
    const link = process.attach();
    if (this.definition.era !== 'auto') return link;
    return withSecondTry(link, (answer) => {
      if (answer.kind === 'error') return this.#otherwise(answer, process);
      if (this.#era === 'modern') this.#alsoLegacy = true;
      return undefined;
    });
  }

  /** A server that refuses `initialize` may be one of the modern era: then the client is served through a translator. */
  #otherwise(refusal: Message, process: ServerProcess): Link | undefined {
    // What it speaks is not known any more where it ended before it answered anything.
    if (this.#era !== 'modern') {
      const verdict = verdictOf(refusal);
      if (verdict.era !== 'modern') return undefined;
      this.#learn(verdict);
    }
    if (this.#alsoLegacy !== true) this.#alsoLegacy = false;
    queueMicrotask(() => {
      if (process.sessions === 0) this.pool.retire(process, 'it does not speak the legacy era');
    });
    try {
      return this.#translated();
    } catch (error) {
      return pendingLink(Promise.reject(error), this.#options.emit);
    }
  }

  /** A link for a client of the legacy era to a server of the modern era. */
  #translated(): Link {
    const { name } = this.definition;
    const { clock, emit } = this.#options;
    return new LegacyClientLink(this.#onModern(undefined), {
      server: name,
      clock,
      emit,
      fallbackClient: OWN_INFO,
    });
  }

  // ── clients of the modern era ──

  #modernLink(request: Message, envelope: Envelope): Link {
    if (this.#era === 'modern') return this.#onModern(envelope);
    const isCall = !NO_CALLS.has(request.method ?? '');
    const open = (): LegacySession | Promise<LegacySession> => {
      // What a server says of itself hardly depends on whom it talks to: no process is started for it.
      const facts = request.method === 'server/discover' ? this.#facts() : undefined;
      return facts === undefined
        ? this.#legacySession(envelope, isCall)
        : { link: NOWHERE, initialized: facts };
    };
    this.#checkRoom(request, envelope, isCall);
    return this.#modernClients.link(request, envelope, undefined, open);
  }

  /** Says at once, by throwing `AtCapacity`, where a request would need a process that may not be started. */
  #checkRoom(request: Message, envelope: Envelope, isCall: boolean): void {
    // What goes on with a parked call has its process.
    if (request.method === 'server/discover' || request.text.includes('"requestState"')) return;
    const placement = placeModern(this.definition.sharing, envelope);
    const known =
      placement.kind === 'shared'
        ? this.#profiles.get(`legacy ${placement.profile}`)
        : isCall
          ? this.#turns.free(placement.profile)
          : this.#turns.any(placement.profile);
    if (!known) this.pool.checkRoom();
  }

  #facts(): Wire | undefined {
    for (const process of this.pool.processes) if (process.facts !== undefined) return process.facts;
    return undefined;
  }

  /** @param client undefined: a session of the legacy era, which a translator stands before */
  #onModern(client: Envelope | undefined): Link {
    const placement = placeOnModern(this.definition.sharing, client);
    if (placement.kind !== 'own') return this.#sharedBy(placement, 'modern').attach();
    const process = this.#processFor('modern');
    process.assign(placement, 'modern');
    return process.attach();
  }

  /** A session with a server of the legacy era, begun with what a modern client says of itself. */
  #legacySession(envelope: Envelope, isCall: boolean): LegacySession | Promise<LegacySession> {
    const placement = placeModern(this.definition.sharing, envelope);
    const joining: Joining = { isTranslated: true };
    if (placement.kind === 'shared') {
      const process = this.#sharedBy(placement, 'legacy');
      const params = placement === EVERYBODY ? ownInitialize(placement) : initializeOf(envelope, OWN_INFO);
      return this.#begun(process, params, () => process.attach(joining));
    }
    const { profile } = placement;
    const known = isCall ? this.#turns.free(profile) : this.#turns.any(profile);
    const process = known ?? this.#processFor('legacy');
    if (!known) {
      process.assign(placement, 'legacy');
      this.#turns.add(profile, process);
    }
    if (isCall) this.#turns.begin(process);
    const over = (): void => {
      if (isCall) this.#turns.end(profile, process);
    };
    const session = this.#begun(process, initializeOf(envelope, OWN_INFO), () =>
      whenOver(process.attach(joining), over),
    );
    if (session instanceof Promise) session.catch(over);
    return session;
  }

  /** At once where the handshake is done already, so that a call costs no turn of the loop. */
  #begun(process: ServerProcess, params: object, attach: () => Link): LegacySession | Promise<LegacySession> {
    if (process.initialized !== undefined) return { link: attach(), initialized: process.initialized };
    // A modern client has no handshake at which it would expect to wait, and may need another process with its
    // next request, for other capabilities or while a call of it waits for a person.
    this.pool.startAhead();
    return this.#handshake(process, params).then((initialized) => ({ link: attach(), initialized }));
  }

  // ── processes ──

  /** The process that the sessions of a profile share. Throws `AtCapacity`. */
  #sharedBy({ profile }: SharedPlacement, era: Era): ServerProcess {
    const key = `${era} ${profile}`;
    const existing = this.#profiles.get(key);
    if (existing) return existing;
    const process = this.#processFor(era);
    process.assign(profile === EVERYBODY.profile ? EVERYBODY : { kind: 'shared', profile }, era);
    this.#profiles.set(key, process);
    return process;
  }

  /**
   * A process that nobody uses. The one that was started ahead has been asked what it speaks: where it said
   * that it is modern, it is not asked for a session of the legacy era.
   */
  #processFor(era: Era): ServerProcess {
    return era === 'legacy' && this.#era === 'modern' ? this.pool.startOther() : this.pool.take();
  }

  /** Does the handshake in the proxy's own name where it is not done. Rejects, and has told, where it fails. */
  async #handshake(process: ServerProcess, params: object): Promise<Wire> {
    try {
      return await process.initialize(params);
    } catch (error) {
      if (!process.ended && this.pool.has(process)) {
        this.pool.failed(error);
        this.pool.retire(process, 'the handshake failed');
      }
      throw error;
    }
  }

  #removed(process: ServerProcess): void {
    this.#turns.remove(process);
    for (const [profile, other] of this.#profiles) if (other === process) this.#profiles.delete(profile);
    // A server that ends before it has said anything may be another one by the next time: it is asked again.
    const isKnown = this.definition.era !== 'auto' || process.alive || process.probing;
    if (!isKnown && this.pool.processes.every((one) => !one.alive)) this.#era = undefined;
  }

  #tell(level: 'debug' | 'info', text: string): void {
    this.#options.emit({ level, text, server: this.definition.name });
  }
}

function becauseOf(verdict: Verdict): string {
  if (verdict.era === 'modern') return ` (${NEWEST_MODERN_VERSION})`;
  switch (verdict.by) {
    case 'answer':
      return '';
    case 'silence':
      return ', it seems: it did not answer when it was asked';
    case 'end':
      return ', it seems: it ended when it was asked';
  }
}
