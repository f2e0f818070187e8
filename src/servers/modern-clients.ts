import type { Envelope } from '../eras/envelope.js';
import { initializeOf } from '../eras/identity.js';
import { withoutEnvelope } from '../eras/modern-client/legacy-request.js';
import type { LegacySession } from '../eras/modern-client/legacy-session.js';
import { ASKING_METHODS } from '../eras/modern-client/methods.js';
import { ModernClients as Translator } from '../eras/modern-client/modern-clients.js';
import { NEWEST_MODERN_VERSION } from '../eras/versions.js';
import type { Message } from '../jsonrpc/message.js';
import { LISTEN } from '../relay/calls.js';
import type { Joining } from '../relay/correlation.js';
import type { Link } from '../relay/link.js';
import { withSecondTry } from '../relay/second-try.js';
import { whenOver } from '../relay/when-over.js';
import { newSeal } from '../seal.js';
import { OWN_INFO } from '../version.js';
import { AtCapacity, SOON } from './at-capacity.js';
import { groupLink } from './group-link.js';
import { onceMore, type Places } from './places.js';
import type { ServerProcess } from './server-process.js';
import {
  EVERYBODY,
  ownInitialize,
  placeModern,
  placeOnModern,
  type SharedPlacement,
  type TurnsPlacement,
} from './sharing.js';
import { Yielding } from './yielding.js';

/** Requests that are not calls: they take no turn. */
const NO_CALLS: ReadonlySet<string> = new Set(['server/discover', LISTEN]);

/**
 * Requests of modern clients that may be open at one server, those included that only listen. Each has a connection
 * and costs some 25 KB, like a session of the other era, of which there may be as many. It protects the proxy alone:
 * whose they are nobody knows, so that no client can be held to a share.
 */
const MAX_OPEN = 10_000;

/** A link to nobody, for what is answered without the server. */
const NOWHERE: Link = { send: () => undefined, listen: () => undefined, close: () => undefined };

/** Clients of the modern era in front of one server: each request by itself, on a process of whichever era. */
export class ModernClients {
  readonly #places: Places;
  readonly #translator: Translator;
  readonly #yielding: Yielding;
  readonly #maxOpen: number;
  #open = 0;

  constructor(places: Places, maxOpen = MAX_OPEN) {
    const { definition, clock, emit } = places;
    this.#places = places;
    this.#maxOpen = maxOpen;
    this.#translator = new Translator({ server: definition.name, clock, emit, seal: newSeal() });
    this.#yielding = new Yielding(this.#translator, definition.name, emit);
    places.pool.makesRoomBy(this.#yielding);
  }

  /** Calls that wait for the answers of their clients. */
  get parked(): number {
    return this.#translator.parked;
  }

  /** Gives up the calls that wait for their clients. */
  giveUpParked(): void {
    this.#translator.close();
  }

  /** Which process answers a client's requests, as far as its profile says so: another's may have other tools. */
  placeOf(client: Envelope, principal: string | undefined): string {
    const { sharing } = this.#places.definition;
    const isModern = this.#places.era === 'modern';
    const placement = (isModern ? placeOnModern : placeModern)(sharing, client, principal);
    return placement.kind === 'own' ? '' : placement.profile;
  }

  /** The link on which a request is answered; it is sent on it next. Throws `AtCapacity`. */
  open(request: Message, envelope: Envelope, principal: string | undefined): Link {
    if (this.#open >= this.#maxOpen) {
      const { name } = this.#places.definition;
      const text = `server "${name}" has ${this.#open} requests open of clients without sessions, and no more may be; try again later`;
      throw new AtCapacity(text, SOON);
    }
    const link =
      this.#places.era === 'modern'
        ? this.#sameEra(envelope, principal)
        : this.#translated(request, envelope, principal);
    this.#open += 1;
    return whenOver(link, () => {
      this.#open -= 1;
    });
  }

  /** Takes a notification that belongs to none of a client's requests. Never throws. */
  notify(notification: Message, envelope: Envelope | undefined, principal: string | undefined): void {
    const isModern = this.#places.era === 'modern';
    const client = envelope ?? {
      version: NEWEST_MODERN_VERSION,
      capabilities: {},
      clientInfo: undefined,
      logLevel: undefined,
    };
    const process = isModern ? this.#processOnModern(client, principal) : this.#processFor(client, principal);
    // Nobody there who could have to know: no process is started to be told something.
    if (process === undefined || process.ended || !(isModern || process.initialized !== undefined)) {
      const text = `dropped ${notification.method}: no process serves that client`;
      this.#places.emit({ level: 'debug', text, server: this.#places.definition.name });
      return;
    }
    const link = process.attach({ isTranslated: true });
    link.send(isModern ? notification : withoutEnvelope(notification));
    link.close({ kind: 'ended', text: 'the notification was sent' });
  }

  #sameEra(client: Envelope, principal: string | undefined): Link {
    const placement = placeOnModern(this.#places.definition.sharing, client, principal);
    return this.#places.placed(placement, 'modern').attach();
  }

  #processOnModern(client: Envelope, principal: string | undefined): ServerProcess | undefined {
    const placement = placeOnModern(this.#places.definition.sharing, client, principal);
    return placement.kind === 'shared' ? this.#places.shared(placement, 'modern') : undefined;
  }

  #processFor(client: Envelope, principal: string | undefined): ServerProcess | undefined {
    return this.#processOf(placeModern(this.#places.definition.sharing, client, principal), false);
  }

  // ── a server of the legacy era ──

  #translated(request: Message, envelope: Envelope, principal: string | undefined): Link {
    const places = this.#places;
    const isCall = !NO_CALLS.has(request.method ?? '');
    const joining = { isTranslated: true, canBeAsked: ASKING_METHODS.has(request.method ?? '') };
    const placement = placeModern(places.definition.sharing, envelope, principal);
    // What a server says of itself hardly depends on whom it talks to: no process is started for it.
    const facts = request.method === 'server/discover' ? places.facts() : undefined;
    let isRefused = false;
    const open = (): LegacySession | Promise<LegacySession> => {
      if (facts !== undefined) return { link: NOWHERE, initialized: facts };
      const session = this.#session(envelope, placement, isCall, joining);
      if (!(session instanceof Promise)) return session;
      return onceMore(
        () => session,
        () => this.#session(envelope, placement, isCall, joining),
      ).catch((error: unknown) => {
        isRefused = true;
        throw error;
      });
    };
    // Said at once, where it would need a process that may not be started; what goes on with a parked call has its.
    if (facts === undefined && this.#processOf(placement, isCall) === undefined) {
      if (!request.text.includes('"requestState"')) places.pool.checkRoom();
    }
    const link = this.#translator.link(request, envelope, principal, open);
    // Once a handshake was done, the server is known to be what it is taken for.
    if (places.definition.era !== 'auto' || places.facts() !== undefined) return link;
    return withSecondTry(link, () =>
      isRefused && places.isModernAfterAll
        ? places.orFailed(() => this.#sameEra(envelope, principal))
        : undefined,
    );
  }

  /** The process that there is for a client on a server of the legacy era. */
  #processOf(placement: SharedPlacement | TurnsPlacement, isCall: boolean): ServerProcess | undefined {
    const { turns } = this.#places;
    if (placement.kind === 'shared') return this.#places.shared(placement, 'legacy');
    return isCall ? turns.free(placement.profile) : turns.any(placement.profile);
  }

  /** A session with a server of the legacy era, begun with what a modern client says of itself. */
  #session(
    envelope: Envelope,
    placement: SharedPlacement | TurnsPlacement,
    isCall: boolean,
    joining: Joining,
  ): LegacySession | Promise<LegacySession> {
    const places = this.#places;
    if (placement.kind === 'shared') {
      const process = places.sharedBy(placement, 'legacy');
      const params = (): object =>
        placement === EVERYBODY ? ownInitialize(placement) : initializeOf(envelope, OWN_INFO);
      return this.#begun(process, params, () => places.attach(process, joining));
    }
    const { profile } = placement;
    const { turns } = places;
    let process = this.#processOf(placement, isCall);
    if (!process) {
      process = places.processFor('legacy');
      process.assign(placement, 'legacy');
      turns.add(profile, process);
    }
    const taken = process;
    if (isCall) turns.begin(taken);
    const over = (): void => {
      if (isCall) turns.end(profile, taken);
    };
    const params = (): object => initializeOf(envelope, OWN_INFO);
    const attach = (): Link => {
      const link = places.attach(taken, joining);
      // The next call may go to any process of the group, so who listens hears all of them.
      if (!isCall) return groupLink(link, { turns, group: profile, params, emit: places.emit });
      const turn = whenOver(link, () => {
        this.#yielding.end(turn);
        over();
      });
      this.#yielding.begin(turn, taken);
      return turn;
    };
    const session = this.#begun(taken, params, attach);
    if (session instanceof Promise) session.catch(over);
    return session;
  }

  /** At once where the handshake is done already, so that a call costs no turn of the loop. */
  #begun(
    process: ServerProcess,
    params: () => object,
    attach: () => Link,
  ): LegacySession | Promise<LegacySession> {
    if (process.initialized !== undefined) return { link: attach(), initialized: process.initialized };
    // A modern client has no handshake at which it would expect to wait, and may need another process with its
    // next request, for other capabilities or while a call of it waits for a person; not where one serves everybody.
    if (process.placement !== EVERYBODY) this.#places.pool.startAhead();
    return this.#places.handshake(process, params()).then((initialized) => ({ link: attach(), initialized }));
  }
}
