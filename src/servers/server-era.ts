import type { ServerDefinition } from '../config/definition.js';
import { type Verdict, verdictOfRefusal } from '../eras/probe.js';
import { type Era, NEWEST_MODERN_VERSION } from '../eras/versions.js';
import type { Message } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import { AtCapacity, type Pool } from './pool.js';
import type { ServerProcess } from './server-process.js';

/** What one local server speaks: asked once for all who want to know, remembered, and asked again where that fails. */
export class ServerEra {
  readonly #definition: ServerDefinition;
  readonly #pool: Pool;
  readonly #emit: Emit;
  #era: Era | undefined;
  /** Whether a modern server serves the legacy era too; undefined: not tried yet. */
  #alsoLegacy: boolean | undefined;
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

  /** A process has ended by itself: one that never said anything may be of another server by the next time. */
  ended(process: ServerProcess): void {
    // A session of the other era that was tried says nothing of the one that holds.
    const isTrial = process.era !== undefined && process.era !== this.#era;
    const isKept = this.#definition.era !== 'auto' || process === this.#silent;
    if (isKept || process.alive || process.probing || isTrial) return;
    if (this.#pool.processes.every((one) => !one.alive)) this.#era = undefined;
  }

  async #ask(): Promise<void> {
    try {
      const process: ServerProcess = this.#pool.startSpare({
        onLate: (verdict) => {
          this.#learn(verdict);
          // There is another in its place by now.
          this.#pool.retire(process, 'it answered too late what it speaks');
        },
      });
      const verdict = await process.verdict;
      // A process that was ended, or could not be started, has said nothing.
      const isOurDoing = verdict?.era === 'legacy' && verdict.by === 'end' && !process.isOnItsOwn;
      if (verdict === undefined || isOurDoing) return;
      this.#learn(verdict);
      if (verdict.era === 'modern' || verdict.by === 'answer') return;
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
    this.#era = verdict.era;
    if (verdict.era === 'modern' && verdict.alsoLegacy) this.#alsoLegacy = true;
    else if (changed) this.#alsoLegacy = undefined;
    if (!changed) return;
    const text = `speaks MCP of the ${verdict.era} era${becauseOf(verdict)}`;
    this.#emit({ level: 'info', text, server: this.#definition.name });
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
