import type { ServerDefinition } from '../config/definition.js';
import { type Verdict, verdictOfRefusal } from '../eras/probe.js';
import type { Era } from '../eras/versions.js';
import type { Message } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import { AtCapacity } from './at-capacity.js';
import type { Pool } from './pool.js';
import type { ServerProcess } from './server-process.js';

/** What one local server speaks: asked once for all who want to know, remembered, and asked again where that fails. */
export class ServerEra {
  readonly #definition: ServerDefinition;
  readonly #pool: Pool;
  readonly #emit: Emit;
  #era: Era | undefined;
  #version: string | undefined;
  /** Whether a modern server serves the legacy era too; undefined: not tried yet. */
  #alsoLegacy: boolean | undefined;
  /** Whether a modern server may be another by now: it is asked again, and what was known holds until then. */
  #isInDoubt = false;
  #finding: Promise<void> | undefined;
  /** Did not answer in time, and was replaced. */
  #silent: ServerProcess | undefined;

  constructor(definition: ServerDefinition, pool: Pool, emit: Emit) {
    this.#definition = definition;
    this.#pool = pool;
    this.#emit = emit;
    if (definition.era === 'modern') this.#alsoLegacy = false;
    if (definition.era !== 'auto') this.#era = definition.era;
  }

  /** Undefined while that is not known. */
  get era(): Era | undefined {
    return this.#era;
  }

  /** Whether nobody has to wait until the server was asked, for the first time or again. */
  get isKnown(): boolean {
    return this.#era !== undefined && !this.#isInDoubt;
  }

  /** What a modern server supports, as it is shown; undefined where it has not said that. */
  get modernVersion(): string | undefined {
    return this.#version;
  }

  /** Whether a session of the legacy era is worth asking for. */
  get mayBeLegacy(): boolean {
    return this.#era !== 'modern' || this.#alsoLegacy !== false;
  }

  /** Whether clients of the legacy era are known to be served by the server itself. */
  get servesLegacy(): boolean {
    return this.#era === 'legacy' || this.#alsoLegacy === true;
  }

  /** Asks the server, once for all who want to know. Settles when it is known, or as good as. Never rejects. */
  find(): Promise<void> {
    this.#finding ??= this.#ask().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  /** A handshake of the legacy era was accepted. */
  accepted(): void {
    if (this.#era === 'modern') this.#alsoLegacy = true;
  }

  /**
   * A handshake of the legacy era was refused.
   *
   * @returns whether the server is one of the modern era, and is to be met in that from now on
   */
  refused(refusal: Message): boolean {
    if (this.#definition.era !== 'auto') return false;
    if (this.#era !== 'modern') {
      const verdict = verdictOfRefusal(refusal);
      if (verdict.era !== 'modern') return false;
      this.#learn(verdict);
    }
    if (this.#alsoLegacy !== true) this.#alsoLegacy = false;
    return true;
  }

  /**
   * A process is gone. The next one may be of another server: whether of a modern one is asked first, since that
   * costs nothing; whether of a legacy one shows when it refuses `initialize`.
   *
   * @param isLoss it ended by itself
   */
  gone(process: ServerProcess, isLoss: boolean): void {
    if (this.#definition.era === 'auto' && this.#era === 'modern' && !this.#hasAlive())
      this.#isInDoubt = true;
    if (isLoss) this.#lost(process);
  }

  /** One that never said anything may have been of another server than what was found. */
  #lost(process: ServerProcess): void {
    // A session of the other era that was tried says nothing of the one that holds.
    const isTrial = process.era !== undefined && process.era !== this.#era;
    const isKept = this.#definition.era !== 'auto' || process === this.#silent;
    if (isKept || process.alive || process.probing || isTrial) return;
    if (this.#hasAlive()) return;
    this.#era = undefined;
    this.#version = undefined;
  }

  #hasAlive(): boolean {
    return this.#pool.processes.some(({ alive }) => alive);
  }

  async #ask(): Promise<void> {
    try {
      const process: ServerProcess = this.#pool.startSpare({
        onLate: (verdict) => {
          this.#learn(verdict);
          if (process === this.#silent) this.#pool.retire(process, 'it answered too late, and is replaced');
        },
      });
      const verdict = await process.verdict;
      // A process that was ended, or could not be started, has said nothing.
      const isOurDoing = verdict?.era === 'legacy' && verdict.by === 'end' && !process.isOnItsOwn;
      if (verdict === undefined || isOurDoing) return;
      this.#learn(verdict);
      if (verdict.era === 'modern' || verdict.by === 'answer' || verdict.by === 'silence') return;
      // It may have ended, or do nothing any more, because it was asked: a process that is not asked shows it.
      if (verdict.by === 'end') this.#pool.startSpare();
      else {
        this.#silent = process;
        this.#pool.replaceSpare(process);
      }
    } catch (error) {
      // Where there is no place for another process, whoever waits meets the same, and is told so.
      if (!(error instanceof AtCapacity)) this.#pool.failed(error);
    }
  }

  #learn(verdict: Verdict): void {
    if (this.#definition.era !== 'auto') return;
    const changed = this.#era !== verdict.era;
    this.#isInDoubt = false;
    this.#era = verdict.era;
    this.#version = verdict.era === 'modern' ? verdict.version : undefined;
    if (verdict.era === 'modern' && verdict.alsoLegacy) this.#alsoLegacy = true;
    else if (changed) this.#alsoLegacy = undefined;
    if (!changed) return;
    const text = `speaks MCP of the ${verdict.era} era${becauseOf(verdict)}`;
    this.#emit({ level: 'info', text, server: this.#definition.name });
  }
}

function becauseOf(verdict: Verdict): string {
  if (verdict.era === 'modern') return verdict.version === undefined ? '' : ` (${verdict.version})`;
  switch (verdict.by) {
    case 'answer':
      return '';
    case 'silence':
    case 'nothing':
      return ', it seems: it did not answer when it was asked';
    case 'end':
      return ', it seems: it ended when it was asked';
  }
}
