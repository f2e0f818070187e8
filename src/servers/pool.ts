import type { ServerDefinition } from '../config/definition.js';
import { type Message, paramsOf } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import type { ChildExit } from '../process/child.js';
import type { Clock } from '../relay/clock.js';
import type { Link } from '../relay/link.js';
import { ServerProcess } from './server-process.js';
import {
  EVERYBODY,
  ownInitialize,
  type Placement,
  PROXY_ITSELF,
  place,
  type SharedPlacement,
} from './sharing.js';

/** Processes that one server definition may have at once: some 50 MB each, so that a machine survives them. */
const MAX_PROCESSES = 100;
/**
 * How long the end of a process that has not answered anything counts as a failed start, in milliseconds:
 * `npx` and its like may download for so long before they find that there is no such package.
 */
export const START_PHASE_MS = 60_000;
/** How long a process that nobody uses stays for the next client, in milliseconds. */
const PROCESS_IDLE_MS = 15 * 60_000;

export interface PoolOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly maxProcesses?: number;
  readonly processIdleMs?: number;
}

/** How the last process that ended on its own did so. */
export interface LastExit {
  readonly at: number;
  readonly pid: number | undefined;
  readonly exit: ChildExit;
  readonly text: string;
  readonly stderr: readonly string[];
}

/** All places for processes are taken. `message` says so to the client. */
export class AtCapacity extends Error {}

/** The processes of one server definition: started, shared out by the sharing rule, ended. */
export class Pool {
  readonly definition: ServerDefinition;
  /**
   * How the start went. It failed where the process could not be started, or ended within
   * `START_PHASE_MS` before it answered anything and before a client came; else all is well with it.
   */
  readonly started: Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>;
  readonly #options: PoolOptions;
  readonly #processes = new Set<ServerProcess>();
  readonly #profiles = new Map<string, ServerProcess>();
  readonly #handshakes = new WeakMap<ServerProcess, Promise<string>>();
  readonly #idleTimers = new Map<ServerProcess, () => void>();
  readonly #retiring = new Map<ServerProcess, Promise<void>>();
  #heard: (outcome: { ok: true } | { ok: false; reason: string }) => void = () => {};
  #cancelStartPhase: () => void = () => {};
  /** Whether a client came: from then on an end may be its doing, and tells nothing of the start. */
  #used = false;
  #spare: ServerProcess | undefined;
  #lastExit: LastExit | undefined;
  /** What went wrong last, until a process works again. */
  #failure: string | undefined;
  #stopping = false;

  constructor(definition: ServerDefinition, options: PoolOptions) {
    this.definition = definition;
    this.#options = options;
    this.started = new Promise((resolve) => {
      this.#heard = (outcome) => {
        this.#cancelStartPhase();
        resolve(outcome);
      };
    });
  }

  get processes(): readonly ServerProcess[] {
    return [...this.#processes];
  }

  get lastExit(): LastExit | undefined {
    return this.#lastExit;
  }

  /** Why the state is `failed`; undefined where it is not. */
  get failure(): string | undefined {
    return this.state === 'failed' ? this.#failure : undefined;
  }

  get inFlight(): number {
    let sum = 0;
    for (const process of this.#processes) sum += process.inFlight;
    return sum;
  }

  get state(): 'starting' | 'ready' | 'failed' {
    if (this.processes.some((process) => process.alive)) return 'ready';
    if (this.#processes.size > 0) return 'starting';
    return this.#failure === undefined ? 'ready' : 'failed';
  }

  /** Starts the first process, so that a wrong command is told early and the first client does not wait. */
  start(): void {
    this.#cancelStartPhase = this.#options.clock.after(START_PHASE_MS, () => this.#heard({ ok: true }));
    try {
      if (this.definition.sharing === 'shared') this.#withHandshake(EVERYBODY);
      else this.#spare = this.#startProcess();
    } catch (error) {
      // Whatever is wrong with this server, the others are served.
      this.#failure = this.#tellFailure(error);
      this.#heard({ ok: false, reason: this.#failure });
    }
  }

  /**
   * The link of a new session. Throws `AtCapacity`.
   *
   * @param initialize the client's `initialize`, which the session sends on this link next
   */
  open(initialize: Message): Link {
    this.#used = true;
    const placement = place(this.definition.sharing, paramsOf(initialize));
    if (placement !== EVERYBODY) return this.#processFor(placement).attach();
    return (this.#profiles.get(EVERYBODY.profile) ?? this.#withHandshake(EVERYBODY)).attach();
  }

  /** The link of a request that comes with no handshake. Rejects where the server can't be had. */
  async openWithoutHandshake(): Promise<Link> {
    this.#used = true;
    const placement = this.definition.sharing === 'shared' ? EVERYBODY : PROXY_ITSELF;
    return (await this.#ready(placement)).attach();
  }

  async stop(text: string): Promise<void> {
    this.#stopping = true;
    this.#cancelStartPhase();
    await Promise.all([...this.processes.map((process) => process.stop(text)), ...this.#retiring.values()]);
  }

  /** Kills at once what has not ended yet. After `stop`, which settles then. */
  killNow(): void {
    for (const { child } of [...this.#processes, ...this.#retiring.keys()]) child.killNow();
  }

  /** The process of a profile whose handshake the proxy does itself, once that is done. */
  async #ready(placement: SharedPlacement): Promise<ServerProcess> {
    const process = this.#profiles.get(placement.profile) ?? this.#withHandshake(placement);
    await this.#handshakes.get(process);
    return process;
  }

  #withHandshake(placement: SharedPlacement): ServerProcess {
    const process = this.#take();
    const handshake = process.assign(placement).initialize(ownInitialize(placement));
    this.#profiles.set(placement.profile, process);
    this.#handshakes.set(process, handshake);
    handshake.catch((error: unknown) => {
      if (process.ended || !this.#processes.has(process)) return; // its end is told by itself
      this.#failure = this.#tellFailure(error);
      this.#retire(process, 'the handshake failed');
    });
    return process;
  }

  #processFor(placement: Placement): ServerProcess {
    if (placement.kind === 'own') {
      const process = this.#take();
      process.assign(placement);
      return process;
    }
    const existing = this.#profiles.get(placement.profile);
    if (existing) return existing;
    const process = this.#take();
    process.assign(placement);
    this.#profiles.set(placement.profile, process);
    return process;
  }

  /** The process that was started ahead, else a new one. */
  #take(): ServerProcess {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare && !spare.ended) return spare;
    const max = this.#options.maxProcesses ?? MAX_PROCESSES;
    if (this.#processes.size >= max && !this.#endOneIdle()) {
      throw new AtCapacity(
        `server "${this.definition.name}" already has ${max} processes, each in use by a client; try again later`,
      );
    }
    return this.#startProcess();
  }

  #endOneIdle(): boolean {
    const idle = this.processes.find((process) => process.sessions === 0 && process.placement !== EVERYBODY);
    if (!idle) return false;
    this.#retire(idle, 'its place was needed');
    return true;
  }

  #startProcess(): ServerProcess {
    if (this.#stopping) throw new AtCapacity('the proxy is stopping');
    const { clock, emit } = this.#options;
    const process: ServerProcess = new ServerProcess({
      definition: this.definition,
      clock,
      emit,
      onAlive: () => {
        this.#failure = undefined;
        this.#heard({ ok: true });
      },
      onPorts: (count) => this.#portsChanged(process, count),
      onExit: (exit, text) => this.#exited(process, exit, text),
    });
    this.#processes.add(process);
    return process;
  }

  #portsChanged(process: ServerProcess, count: number): void {
    this.#idleTimers.get(process)?.();
    this.#idleTimers.delete(process);
    if (count > 0 || process.ended || process.placement === EVERYBODY) return;
    if (process.placement?.kind === 'own') {
      this.#retire(process, 'its client has gone');
      return;
    }
    const idle = this.#options.processIdleMs ?? PROCESS_IDLE_MS;
    const cancel = this.#options.clock.after(idle, () => this.#retire(process, 'nobody used it'));
    this.#idleTimers.set(process, cancel);
  }

  /** Ends a process that is no longer needed: that is no failure, so nothing is kept of it. */
  #retire(process: ServerProcess, why: string): void {
    this.#remove(process);
    this.#options.emit({
      level: 'debug',
      text: `ends process ${process.child.pid ?? '?'}: ${why}`,
      server: this.definition.name,
    });
    this.#retiring.set(
      process,
      process.stop(why).finally(() => this.#retiring.delete(process)),
    );
  }

  #remove(process: ServerProcess): void {
    this.#processes.delete(process);
    if (this.#spare === process) this.#spare = undefined;
    for (const [profile, other] of this.#profiles) if (other === process) this.#profiles.delete(profile);
    this.#idleTimers.get(process)?.();
    this.#idleTimers.delete(process);
  }

  #exited(process: ServerProcess, exit: ChildExit, text: string): void {
    const wanted = !this.#processes.has(process) || this.#stopping;
    this.#remove(process);
    if (wanted) return;
    const { child } = process;
    this.#failure = text;
    this.#lastExit = { at: Date.now(), pid: child.pid, exit, text, stderr: child.stderrTail() };
    const neverStarted = exit.kind === 'unspawnable' || !this.#used;
    if (!process.alive && neverStarted) this.#heard({ ok: false, reason: text });
    this.#options.emit({ level: 'error', text, server: this.definition.name });
  }

  #tellFailure(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    this.#options.emit({ level: 'error', text, server: this.definition.name });
    return text;
  }
}
