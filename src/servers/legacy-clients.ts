import { LegacyClientLink } from '../eras/legacy-client/link.js';
import { type Message, paramsOf } from '../jsonrpc/message.js';
import type { Link } from '../relay/link.js';
import { withSecondTry } from '../relay/second-try.js';
import { OWN_INFO } from '../version.js';
import { AtCapacity } from './at-capacity.js';
import { NOT_LEGACY, onceMore, type Places } from './places.js';
import type { ServerProcess } from './server-process.js';
import { EVERYBODY, ownInitialize, place, placeOnModern, proxyItself } from './sharing.js';

/**
 * How long a modern server that may also serve the legacy era has to answer `initialize`, in milliseconds. It has
 * shown that it can answer, and its client can be served in another way.
 */
const TRIAL_MS = 10_000;

/** Clients of the legacy era in front of one server: in its own era where it has that, else through a translator. */
export class LegacyClients {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  /** The link of a new session. Throws `AtCapacity`. */
  open(initialize: Message, principal: string | undefined): Link {
    if (!this.#places.speaks.mayBeLegacy) return this.#translated(principal);
    try {
      return this.#sameEra(initialize, principal);
    } catch (error) {
      // No place to try it in; a server of the modern era can do without.
      if (this.#places.era !== 'modern' || !(error instanceof AtCapacity)) throw error;
      return this.#translated(principal);
    }
  }

  /**
   * The link of a request that comes with no handshake. Rejects where the server can't be had.
   *
   * @param version what its client says that it speaks
   */
  async openWithoutHandshake(principal: string | undefined, version: string | undefined): Promise<Link> {
    const places = this.#places;
    await places.known();
    const { sharing } = places.definition;
    const placement = sharing === 'shared' ? EVERYBODY : proxyItself(principal);
    if (places.era !== 'modern') {
      try {
        return await onceMore(async () => {
          const process = places.sharedBy(placement, 'legacy');
          await places.handshake(process, ownInitialize(placement));
          return places.attach(process);
        });
      } catch (error) {
        if (!places.isModernAfterAll) throw error;
      }
    }
    return this.#translated(principal, sharing === 'session' ? proxyItself(principal) : undefined, version);
  }

  /** Begins, where one process serves everybody, its handshake before the first client comes. */
  prepare(): void {
    if (this.#places.era !== 'legacy' || this.#places.definition.sharing !== 'shared') return;
    this.#begin(this.#places.sharedBy(EVERYBODY, 'legacy'));
  }

  #sameEra(initialize: Message, principal: string | undefined): Link {
    const { speaks, definition } = this.#places;
    const placement = place(definition.sharing, paramsOf(initialize), principal);
    const process = this.#places.placed(placement, 'legacy');
    if (placement === EVERYBODY) this.#begin(process);
    const link = process.attach();
    if (definition.era !== 'auto') return link;
    if (speaks.era === 'modern') this.#limitTrial(process);
    return withSecondTry(link, (answer) => {
      if (answer.kind === 'error') return this.#otherwise(answer, process, { initialize, principal });
      speaks.accepted();
      return undefined;
    });
  }

  #begin(process: ServerProcess): void {
    this.#places.handshake(process, ownInitialize(EVERYBODY)).catch(() => undefined); // told where it failed
  }

  /** Ends a process that does not answer `initialize`: that is a refusal too. */
  #limitTrial(process: ServerProcess): void {
    this.#places.clock.after(TRIAL_MS, () => {
      if (process.facts === undefined) this.#places.pool.retire(process, NOT_LEGACY);
    });
  }

  /** A server that refuses `initialize` may be one of the modern era: then the client is served through a translator. */
  #otherwise(
    refusal: Message,
    process: ServerProcess,
    { initialize, principal }: { initialize: Message; principal: string | undefined },
  ): Link | undefined {
    const places = this.#places;
    if (process.endedOnceAsked) return places.orFailed(() => this.#sameEra(initialize, principal));
    if (!places.speaks.refused(refusal)) return undefined;
    queueMicrotask(() => {
      if (process.sessions === 0) places.pool.retire(process, NOT_LEGACY);
    });
    return places.orFailed(() => this.#translated(principal));
  }

  #translated(
    principal: string | undefined,
    placement = placeOnModern(this.#places.definition.sharing, undefined, principal),
    statedVersion?: string,
  ): Link {
    const { clock, emit, definition } = this.#places;
    const upstream = this.#places.placed(placement, 'modern').attach();
    return new LegacyClientLink(upstream, {
      server: definition.name,
      clock,
      emit,
      fallbackClient: OWN_INFO,
      statedVersion,
    });
  }
}
