import type { ServerDefinition } from '../config/definition.js';
import type { Envelope } from '../eras/envelope.js';
import type { Era } from '../eras/versions.js';
import type { Message } from '../jsonrpc/message.js';
import { exitData } from '../process/child-exit.js';
import { withInFlightLimit } from '../relay/in-flight.js';
import type { Link } from '../relay/link.js';
import { NoLink } from '../relay/pending.js';
import { RecoveringLink } from '../relay/recovering.js';
import { GaveUp } from '../relay/restarts.js';
import { whenOver } from '../relay/when-over.js';
import type { DeclaredHeader } from '../transports/streamable-http/param-headers.js';
import { Held } from './held.js';
import { LegacyClients } from './legacy-clients.js';
import { ModernClients } from './modern-clients.js';
import { Places, type PlacesOptions } from './places.js';
import type { Pool } from './pool.js';
import { ToolSchemas } from './tool-schemas.js';

/**
 * One server definition as its clients meet it: gives every client, of either era, a link that speaks the
 * client's own, and has a process ready for the next one.
 */
export class Server {
  readonly definition: ServerDefinition;
  readonly #places: Places;
  readonly #legacy: LegacyClients;
  readonly #modern: ModernClients;
  readonly #tools: ToolSchemas;
  /** Sessions of the legacy era, where this is the server of some clients only. */
  #sessions = 0;
  /** Requests that wait until it is known what the server speaks, or it can be had without a handshake. */
  readonly held = new Held();
  /** Sessions with requests that wait for another process. */
  #waiting = 0;

  constructor(definition: ServerDefinition, options: Omit<PlacesOptions, 'onLost'>) {
    this.definition = definition;
    this.#places = new Places(definition, { ...options, onLost: () => void this.#replace() });
    this.#legacy = new LegacyClients(this.#places);
    this.#modern = new ModernClients(this.#places);
    this.#tools = new ToolSchemas(options.clock, async (request, envelope, principal) => {
      await this.known();
      return this.openModern(request, envelope, principal);
    });
  }

  get pool(): Pool {
    return this.#places.pool;
  }

  /** What the server speaks; undefined while that is not known. */
  get era(): Era | undefined {
    return this.#places.era;
  }

  /** What a modern server supports, as it is shown; undefined where it has not said that. */
  get modernVersion(): string | undefined {
    return this.#places.speaks.modernVersion;
  }

  /** Whether the server is known to serve clients of the legacy era by itself. */
  get servesLegacy(): boolean {
    return this.#places.speaks.servesLegacy;
  }

  /** Requests whose answer is waited for. */
  get inFlight(): number {
    return this.pool.inFlight + this.held.size;
  }

  /** Whether requests are under way; a stream of notifications is none. */
  get busy(): boolean {
    return this.inFlight > 0 || this.#waiting > 0;
  }

  /** Requests that wait for the server to be there, or for its next process. */
  get waiting(): number {
    return this.held.size + this.#waiting;
  }

  /** Calls that wait for the answers of their clients of the modern era. */
  get parked(): number {
    return this.#modern.parked;
  }

  /**
   * Whether it can be sent clients: it has answered, or will be asked nothing before somebody comes, as one that a
   * client's request completes.
   */
  get ready(): boolean {
    if (this.definition.templates !== undefined || this.pool.state === 'ready') return true;
    return this.pool.processes.some(({ isWaiting }) => isWaiting);
  }

  /** Whether there is neither a process nor anybody who could need one without coming here again. */
  get unused(): boolean {
    return this.pool.processes.length === 0 && this.#sessions === 0 && !this.busy && this.parked === 0;
  }

  /** Starts the first process, so that a wrong command is told early and the first client does not wait. */
  start(): void {
    this.pool.start(() => this.#startOne());
  }

  /**
   * To be waited for before anything is opened, where it is not undefined: settles when it is known what the
   * server speaks, or as good as. Never rejects.
   */
  known(): Promise<void> | undefined {
    return this.#places.known();
  }

  /**
   * The link of a new session of the legacy era. It outlives the processes that serve it. Throws `AtCapacity`.
   *
   * @param initialize the client's `initialize`, which the session sends on this link next
   * @param principal who the client is; undefined where nobody is asked
   */
  open(initialize: Message, principal?: string): Link {
    const { clock, emit } = this.#places;
    const link = new RecoveringLink(this.#legacy.open(initialize, principal), {
      server: this.definition.name,
      clock,
      emit,
      handshakeMs: this.pool.limits.startTimeout,
      reopen: (again, isAsked) => this.#reopen(again, principal, isAsked),
      onWaiting: (isWaiting) => {
        this.#waiting += isWaiting ? 1 : -1;
      },
    });
    if (this.definition.filled === undefined) return this.#limited(link);
    this.#sessions++;
    const counted = whenOver(link, () => {
      this.#sessions--;
    });
    return this.#limited(counted);
  }

  /**
   * The link of a request of the legacy era that comes with no handshake. Rejects where the server can't be had.
   *
   * @param version what its client says that it speaks
   */
  async openWithoutHandshake(principal?: string, version?: string): Promise<Link> {
    return this.#limited(await this.#legacy.openWithoutHandshake(principal, version));
  }

  /** The link on which a request of the modern era is answered; it is sent on it next. Throws `AtCapacity`. */
  openModern(request: Message, envelope: Envelope, principal?: string): Link {
    return this.#modern.open(request, envelope, principal);
  }

  /** Takes a notification of a modern client that belongs to none of its requests. Never throws. */
  notify(notification: Message, envelope: Envelope | undefined, principal?: string): void {
    this.#modern.notify(notification, envelope, principal);
  }

  /** The arguments of a tool that a call repeats in headers; undefined where that is not known. Never rejects. */
  async toolHeaders(
    name: string,
    envelope: Envelope,
    anew: boolean,
    principal?: string,
  ): Promise<readonly DeclaredHeader[] | undefined> {
    await this.known();
    return this.#tools.of(name, envelope, anew, principal, this.#modern.placeOf(envelope, principal));
  }

  /** Gives up the calls that wait for clients of the modern era. */
  giveUpParked(): void {
    this.#modern.giveUpParked();
  }

  async stop(text: string): Promise<void> {
    this.giveUpParked();
    this.held.stop(text);
    await this.pool.stop(text);
  }

  #limited(link: Link): Link {
    return withInFlightLimit(link, { most: this.pool.limits.maxInFlight, server: this.definition.name });
  }

  /** Has a process ready for whoever comes next. */
  #startOne(): void {
    const { speaks, pool } = this.#places;
    if (speaks.isKnown) {
      pool.startSpare();
      this.#legacy.prepare();
      return;
    }
    speaks
      .find()
      .then(() => this.#legacy.prepare())
      .catch((error: unknown) => pool.failed(error));
  }

  /**
   * After a process has ended by itself: sessions that had it begin again themselves, and where none had, the
   * next one finds a process.
   */
  async #replace(): Promise<void> {
    try {
      await this.pool.health.restarts.turn(false);
      if (this.pool.processes.length === 0) this.#startOne();
    } catch {
      // It was given up until somebody asks, or the proxy stops.
    }
  }

  async #reopen(initialize: Message, principal: string | undefined, isAsked: boolean): Promise<Link> {
    await undefined; // until the end of the process is known to all
    try {
      await this.pool.health.restarts.turn(isAsked);
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      throw this.#gaveUp(principal);
    }
    await this.known();
    return this.#legacy.open(initialize, principal);
  }

  /** Why no process is started: for most, how the last one ended. */
  #gaveUp(principal: string | undefined): NoLink {
    const failure = this.pool.health.failureFor(principal);
    const lastExit = this.pool.health.lastExitFor(principal);
    const text = failure ?? `server "${this.definition.name}" ends again and again`;
    const isTheEnd = lastExit !== undefined && lastExit.text === failure;
    return new NoLink(text, isTheEnd ? exitData(this.definition, lastExit.exit, lastExit.stderr) : undefined);
  }
}
