import type { ServerDefinition } from '../config/definition.js';
import type { Era } from '../eras/versions.js';
import type { Wire } from '../jsonrpc/wire.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { Clock } from '../relay/clock.js';
import type { Joining } from '../relay/correlation.js';
import { HandshakeRefused } from '../relay/handshake.js';
import type { Link } from '../relay/link.js';
import { pendingLink } from '../relay/pending.js';
import { Pool, type PoolOptions } from './pool.js';
import { ServerEra } from './server-era.js';
import type { ServerProcess } from './server-process.js';
import type { SessionPlacement, SharedPlacement } from './sharing.js';
import { Turns } from './turns.js';

/** Why a process is ended that was tried with the legacy era. */
export const NOT_LEGACY = 'it does not speak the legacy era';

/** What the server's side needs of the one who has it. */
export interface PlacesOptions extends Omit<PoolOptions, 'onRemoved'> {
  readonly onLost: () => void;
}

/** The processes of one server definition by who uses them, their handshakes, and what the server speaks. */
export class Places {
  readonly definition: ServerDefinition;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly pool: Pool;
  readonly speaks: ServerEra;
  /** Those that take one call at a time. */
  readonly turns = new Turns<ServerProcess>();
  /** Those that sessions share, by the era and the profile of those sessions. */
  readonly #profiles = new Map<string, ServerProcess>();

  constructor(definition: ServerDefinition, options: PlacesOptions) {
    this.definition = definition;
    this.clock = options.clock;
    this.emit = options.emit;
    this.pool = new Pool(definition, {
      ...options,
      onRemoved: (process, isLoss) => this.#removed(process, isLoss),
    });
    this.speaks = new ServerEra(definition, this.pool, options.emit);
  }

  get era(): Era | undefined {
    return this.speaks.era;
  }

  /** Settles when it is known what the server speaks, or as good as; undefined where that is so already. Never rejects. */
  known(): Promise<void> | undefined {
    return this.speaks.isKnown ? undefined : this.speaks.find();
  }

  /** After a handshake of the legacy era has failed: whether the server turned out to be of the modern one. */
  get isModernAfterAll(): boolean {
    return this.definition.era === 'auto' && this.era === 'modern';
  }

  /** What the server has said of itself in any handshake; undefined where there was none. */
  facts(): Wire | undefined {
    for (const process of this.pool.processes) if (process.facts !== undefined) return process.facts;
    return undefined;
  }

  /** The process of a placement: a new one, or the one of its profile. Throws `AtCapacity`. */
  placed(placement: SessionPlacement, era: Era): ServerProcess {
    if (placement.kind === 'shared') return this.sharedBy(placement, era);
    const process = this.processFor(era);
    process.assign(placement, era);
    return process;
  }

  /** The process that the sessions of a profile share. Throws `AtCapacity`. */
  sharedBy(placement: SharedPlacement, era: Era): ServerProcess {
    const existing = this.shared(placement, era);
    if (existing) return existing;
    const process = this.processFor(era);
    process.assign(placement, era);
    this.#profiles.set(keyOf(era, placement), process);
    return process;
  }

  /** The same, where there is one. */
  shared(placement: SharedPlacement, era: Era): ServerProcess | undefined {
    return this.#profiles.get(keyOf(era, placement));
  }

  /**
   * A process that nobody uses. The one that was started ahead has been asked what it speaks: where it said
   * that it is modern, it is not asked for a session of the legacy era. Throws `AtCapacity`.
   */
  processFor(era: Era): ServerProcess {
    return era === 'legacy' && this.era === 'modern' ? this.pool.startOther() : this.pool.take();
  }

  /** A session's link to a process whose handshake is done. Throws where it has ended with that. */
  attach(process: ServerProcess, joining?: Joining): Link {
    if (process.ended) throw new Error(`server "${this.definition.name}" ended right after its handshake`);
    return process.attach(joining);
  }

  /** Does the handshake in the proxy's own name where it is not done. Rejects, and has told, where it fails. */
  async handshake(process: ServerProcess, params: object): Promise<Wire> {
    try {
      return await process.initialize(params);
    } catch (error) {
      const isModern = error instanceof HandshakeRefused && this.speaks.refused(error.refusal);
      if (!process.ended && this.pool.has(process)) {
        if (!isModern) this.pool.failed(error, process.placement?.principal);
        this.pool.retire(process, isModern ? NOT_LEGACY : 'the handshake failed');
      }
      if (process.endedOnceAsked) throw new EndedOnceAsked(wordsOf(error));
      throw error;
    }
  }

  /** The link; where it can't be had, one that answers with the reason. */
  orFailed(open: () => Link): Link {
    try {
      return open();
    } catch (error) {
      return pendingLink(Promise.reject(error), this.emit);
    }
  }

  #removed(process: ServerProcess, isLoss: boolean): void {
    this.turns.remove(process);
    for (const [profile, other] of this.#profiles) if (other === process) this.#profiles.delete(profile);
    this.speaks.gone(process, isLoss);
  }
}

/** A process ended of being asked what it speaks, after it had answered: another one is not asked. */
class EndedOnceAsked extends Error {}

/** Does it once more, or something else instead, where it has failed for a process that ended once it was asked. */
export async function onceMore<T>(action: () => T | Promise<T>, instead = action): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof EndedOnceAsked)) throw error;
    return await instead();
  }
}

function keyOf(era: Era, { profile }: SharedPlacement): string {
  return `${era} ${profile}`;
}
