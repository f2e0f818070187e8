import type { ServerDefinition } from '../config/definition.js';
import { type HeldLimits, limitsOf, type ServerLimits } from '../config/limits.js';
import type { Verdict } from '../eras/probe.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { ChildExit } from '../process/child.js';
import type { Clock } from '../relay/clock.js';
import type { CloseReason } from '../relay/link.js';
import { AtCapacity, SOON } from './at-capacity.js';
import { Health, type ServerState } from './health.js';
import { Leaving } from './leaving.js';
import { ServerProcess } from './server-process.js';
import { EVERYBODY } from './sharing.js';
import { START_PHASE_MS, type StartOutcome, StartPhase } from './start-phase.js';
import type { Yielding } from './yielding.js';

/** How long a process that was started ahead of need waits for it, in milliseconds. */
const AHEAD_MS = 60_000;

/** The limits are those of servers whose definitions say nothing of them. */
export interface PoolOptions extends ServerLimits {
  readonly clock: Clock;
  readonly emit: Emit;
  /**
   * A process is gone, or is about to go: nobody is to be sent to it any more.
   *
   * @param isLoss it ended by itself
   */
  readonly onRemoved?: (process: ServerProcess, isLoss: boolean) => void;
  /** A process has ended by itself, and that was told. */
  readonly onLost?: () => void;
}

/** The processes of one server definition: started, counted, ended, and what became of them. */
export class Pool {
  readonly definition: ServerDefinition;
  readonly limits: HeldLimits;
  readonly health: Health;
  readonly #options: PoolOptions;
  readonly #processes = new Set<ServerProcess>();
  readonly #idleTimers = new Map<ServerProcess, () => void>();
  readonly #leaving = new Leaving();
  readonly #start = new StartPhase();
  /** Processes that have ended, and whose clients may not have heard of it yet. */
  readonly #ended = new Set<ServerProcess>();
  #spare: ServerProcess | undefined;
  #yielding: Yielding | undefined;
  #stopping = false;

  constructor(definition: ServerDefinition, options: PoolOptions) {
    this.definition = definition;
    this.limits = limitsOf(definition, options);
    this.#options = options;
    this.health = new Health(options.clock);
  }

  /**
   * How the start went. It failed where the process could not be started, or ended within
   * `START_PHASE_MS` before it answered anything (docs/architecture.md, "The first process"), and no other
   * one is there that still may; else all is well with it.
   */
  get started(): Promise<StartOutcome> {
    return this.#start.outcome;
  }

  get processes(): readonly ServerProcess[] {
    return [...this.#processes];
  }

  /** What went wrong, as long as nothing works; undefined where all is well. */
  get failure(): string | undefined {
    return this.state === 'ready' ? undefined : this.health.failure;
  }

  /** Requests whose answer is waited for, be it the news that there will be none. */
  get inFlight(): number {
    let sum = 0;
    for (const process of this.#processes) sum += process.inFlight;
    for (const process of this.#ended) {
      if (process.inFlight === 0) this.#ended.delete(process);
      sum += process.inFlight;
    }
    return sum;
  }

  get state(): ServerState {
    return this.health.state(this.processes);
  }

  /**
   * Starts the first process, so that a wrong command is told early and the first client does not wait.
   *
   * @param first what is done with it
   */
  start(first: () => void): void {
    this.#start.begin(this.#options.clock);
    try {
      first();
    } catch (error) {
      this.failed(error); // whatever is wrong with this server, the others are served
    }
  }

  /** The process that was started ahead, else a new one. Throws `AtCapacity`. */
  take(): ServerProcess {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare && !spare.ended) return spare;
    return this.#startProcess(undefined);
  }

  /** Says which processes in use can be had where there is no place for another. */
  makesRoomBy(yielding: Yielding): void {
    this.#yielding = yielding;
  }

  /** Throws `AtCapacity` where `take` would. */
  checkRoom(): void {
    if (this.#stopping) throw new AtCapacity('the proxy is stopping');
    if (this.#spare !== undefined) return;
    const { name } = this.definition;
    if (this.#isFull && this.#idle() === undefined) {
      const ms = this.#yielding?.inMs;
      const text = `server "${name}" already has ${this.limits.maxProcesses} processes, each in use by a client; try again later`;
      if (ms !== 0) throw new AtCapacity(text, ms === undefined ? SOON : Math.ceil(ms / 1000));
    }
    const text = `too many processes of server "${name}" are on their way out; try again later`;
    if (this.#leaving.isFull) throw new AtCapacity(text, SOON);
  }

  /** A process that is not the one that was started ahead. Throws `AtCapacity`. */
  startOther(): ServerProcess {
    return this.#startProcess(undefined);
  }

  /**
   * Starts a process for whoever comes next, unless there is one. Throws `AtCapacity`.
   *
   * @param probe asks it which era it speaks
   */
  startSpare(probe?: { readonly onLate: (verdict: Verdict) => void }): ServerProcess {
    const there = this.#spare;
    if (there !== undefined && !there.ended) {
      if (probe === undefined || there.verdict !== undefined) return there;
      this.retire(there, 'one is needed that is asked what it speaks');
    }
    const spare = this.#startProcess(probe);
    this.#spare = spare;
    return spare;
  }

  /**
   * Starts a process in place of one that does not answer, which gets so much longer to do it as a start may
   * take, in case that it does by then.
   */
  replaceSpare(silent: ServerProcess): void {
    if (this.#spare === silent) this.#spare = undefined;
    this.#options.clock.after(START_PHASE_MS, () => this.retire(silent, 'it did not answer what it speaks'));
    this.startSpare();
  }

  /** Starts a process for whoever comes next, where there is room for it; it ends if nobody comes for a while. */
  startAhead(): void {
    if (this.#stopping || this.#spare !== undefined || this.#isFull) return;
    const spare = this.startSpare();
    this.#options.clock.after(AHEAD_MS, () => {
      if (this.#spare === spare) this.retire(spare, 'nobody came for it');
    });
  }

  /** Takes note of what went wrong with the server, or a process of `owner`, and tells it. */
  failed(error: unknown, owner?: string): void {
    const text = wordsOf(error);
    this.health.failed(text, owner);
    this.#start.heard({ ok: false, reason: text });
    this.#options.emit({ level: 'error', text, server: this.definition.name });
  }

  has(process: ServerProcess): boolean {
    return this.#processes.has(process);
  }

  /** Ends a process that is no longer needed: that is no failure, so nothing is kept of it. */
  retire(process: ServerProcess, why: string): void {
    if (!this.#processes.has(process)) return;
    this.#remove(process, false);
    const text = `ends process ${process.child.pid ?? '?'}: ${why}`;
    this.#options.emit({ level: 'debug', text, server: this.definition.name });
    this.#leaving.end(process, { kind: 'stopping', text: why });
  }

  async stop(text: string): Promise<void> {
    this.#stopping = true;
    this.#start.cancel();
    this.health.restarts.stop();
    await Promise.all([
      ...this.processes.map((process) => process.stop({ kind: 'stopping', text })),
      this.#leaving.allGone(),
    ]);
  }

  /** Kills at once what has not ended yet. After `stop`, which settles then. */
  killNow(): void {
    for (const { child } of [...this.#processes, ...this.#leaving.processes]) child.killNow();
  }

  get #isFull(): boolean {
    return this.#processes.size >= this.limits.maxProcesses;
  }

  /** One that could make place for another. */
  #idle(): ServerProcess | undefined {
    // One whose handshake is under way is waited for, although its session is yet to come.
    return this.processes.find(
      ({ sessions, inFlight, placement }) => sessions === 0 && inFlight === 0 && placement !== EVERYBODY,
    );
  }

  #startProcess(probe: { readonly onLate: (verdict: Verdict) => void } | undefined): ServerProcess {
    this.checkRoom();
    if (this.#isFull) {
      const other = this.#idle() ?? this.#yielding?.take();
      if (other) this.retire(other, 'its place was needed');
    }
    const { clock, emit } = this.#options;
    const process: ServerProcess = new ServerProcess({
      definition: this.definition,
      limits: this.limits,
      clock,
      emit,
      probe,
      onAlive: () => {
        this.health.works();
        this.#start.heard({ ok: true });
      },
      onPorts: (count) => this.#portsChanged(process, count),
      onExit: (exit, text) => this.#exited(process, exit, text),
      onSilent: (reason) => this.#silent(process, reason),
    });
    this.#processes.add(process);
    this.#armIdle(process);
    this.health.started();
    return process;
  }

  #portsChanged(process: ServerProcess, count: number): void {
    this.#idleTimers.get(process)?.();
    this.#idleTimers.delete(process);
    if (count > 0 || process.ended) return;
    if (process.placement?.kind === 'own') this.retire(process, 'its client has gone');
    else this.#armIdle(process);
  }

  /** Ends a process that nobody comes for, once that has lasted. */
  #armIdle(process: ServerProcess): void {
    const idle = this.limits.processIdleMs;
    if (idle === Number.POSITIVE_INFINITY) return;
    const cancel = this.#options.clock.after(idle, () => {
      // Its first answer is still to come, for whoever waits for it.
      if (process.probing || process.inFlight > 0) this.#armIdle(process);
      else this.retire(process, 'nobody used it');
    });
    this.#idleTimers.set(process, cancel);
  }

  /** A process that has not come to its first answer is given up, and no other tried until somebody asks. */
  #silent(process: ServerProcess, reason: CloseReason): void {
    if (!this.#processes.has(process)) return;
    this.health.silent(process, reason.text);
    this.#remove(process, true);
    this.#options.emit({ level: 'error', text: reason.text, server: this.definition.name });
    this.#leaving.end(process, reason);
    // Those that nobody uses yet would fare no better, and nobody is to wait for one of them.
    for (const one of this.processes) {
      if (!one.alive && one.placement === undefined) this.retire(one, 'the server does not answer');
    }
  }

  #remove(process: ServerProcess, isLoss: boolean): void {
    this.#processes.delete(process);
    if (this.#spare === process) this.#spare = undefined;
    this.#idleTimers.get(process)?.();
    this.#idleTimers.delete(process);
    this.#options.onRemoved?.(process, isLoss);
  }

  #exited(process: ServerProcess, exit: ChildExit, text: string): void {
    const wanted = !this.#processes.has(process) || this.#stopping;
    // Some servers end when they are asked what they do not know (2026-07-28, `basic/transports/stdio`):
    // that is an answer. A process that can't be started says nothing of the sort.
    const isAnswer = process.probing && exit.kind !== 'unspawnable';
    if (!wanted && !isAnswer) this.health.lost(process, exit, text);
    this.#remove(process, !wanted);
    if (wanted || isAnswer) return;
    if (process.inFlight > 0) this.#ended.add(process);
    if (!process.alive && this.#processes.size === 0) this.#start.heard({ ok: false, reason: text });
    this.#options.emit({ level: 'error', text, server: this.definition.name });
    this.#options.onLost?.();
  }
}
