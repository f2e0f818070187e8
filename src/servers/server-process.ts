import type { ServerDefinition } from '../config/definition.js';
import type { HeldLimits } from '../config/limits.js';
import { ProbedLink, type Verdict } from '../eras/probe.js';
import type { Era } from '../eras/versions.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { Emit } from '../observability/events.js';
import { type Child, type ChildExit, describeExit, startChild } from '../process/child.js';
import { describeProcess } from '../process/child-exit.js';
import { maskOf } from '../process/secrets.js';
import type { Clock } from '../relay/clock.js';
import { Correlation, type Joining } from '../relay/correlation.js';
import type { CloseReason, Link } from '../relay/link.js';
import { StdioUpstream } from '../transports/stdio/upstream.js';
import { OWN_INFO } from '../version.js';
import type { Placement } from './sharing.js';

export interface ServerProcessOptions {
  readonly definition: ServerDefinition;
  readonly limits: HeldLimits;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Asks it first which era it speaks. `onLate` is told of an answer that came after its time. */
  readonly probe: { readonly onLate: (verdict: Verdict) => void } | undefined;
  readonly onAlive: () => void;
  readonly onPorts: (count: number) => void;
  readonly onExit: (exit: ChildExit, text: string) => void;
  /** It has not answered in time what it was asked first, and is to be ended for that reason. */
  readonly onSilent: (reason: CloseReason) => void;
}

/** Lines of stderr in the text of a reason; its data holds all that are kept. */
const STDERR_LINES_IN_TEXT = 5;

/** One running process of a server definition and the sessions that use it. */
export class ServerProcess {
  readonly child: Child;
  /** What it speaks, where it was asked. */
  readonly verdict: Promise<Verdict> | undefined;
  /** When it was started, in milliseconds of the clock. */
  readonly since: number;
  readonly #stdio: StdioUpstream;
  readonly #upstream: Link;
  readonly #options: ServerProcessOptions;
  #correlation: Correlation | undefined;
  #placement: Placement | undefined;
  #era: Era | undefined;
  #initialized: Wire | undefined;
  #probing: boolean;
  #alive = false;
  #ended = false;
  #stopped = false;

  constructor(options: ServerProcessOptions) {
    const { definition, limits, clock, probe } = options;
    this.#options = options;
    this.since = clock.now();
    // What is told of it may show what it writes.
    const mask = maskOf(definition);
    const emit: Emit = (event) => options.emit({ ...event, text: mask(event.text) });
    this.child = startChild(definition, {
      onStderr: (text) =>
        emit({ level: 'info', text, server: definition.name, fields: { stream: 'stderr' } }),
    });
    const upstream = new StdioUpstream(this.child, definition, emit, limits.maxLine);
    this.#stdio = upstream;
    this.#probing = probe !== undefined;
    if (probe) {
      const probed = new ProbedLink(upstream, clock, OWN_INFO, probe.onLate);
      this.#upstream = probed;
      this.verdict = probed.verdict.then((verdict) => {
        this.#probing = false;
        if (verdict.era === 'modern' || verdict.by === 'answer' || verdict.by === 'silence') this.#isAlive();
        return verdict;
      });
    } else this.#upstream = upstream;
    void this.child.exit.then((exit) => {
      this.#ended = true;
      options.onExit(exit, describeExit(definition, exit, this.child.stderrTail()));
    });
  }

  /** Whether the server has sent anything yet. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Whether it has not answered yet what it speaks. */
  get probing(): boolean {
    return this.#probing;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether it was started, and its end was not brought about by the proxy. True also while it runs. */
  get isOnItsOwn(): boolean {
    return this.child.pid !== undefined && !this.#stopped;
  }

  /** Whether it runs, and is asked nothing before somebody comes for it. */
  get isWaiting(): boolean {
    return this.isOnItsOwn && !this.#ended && !this.#probing && this.#placement === undefined;
  }

  /** Whether it has ended by itself, after it was asked what it speaks and before any handshake with it was done. */
  get endedOnceAsked(): boolean {
    return this.verdict !== undefined && this.#ended && !this.#stopped && this.facts === undefined;
  }

  /** Undefined while it is not handed to anybody. */
  get placement(): Placement | undefined {
    return this.#placement;
  }

  /** What is spoken with it; undefined while it is not handed to anybody. */
  get era(): Era | undefined {
    return this.#era;
  }

  /** The protocol version that was agreed on with it; undefined before that. */
  get version(): string | undefined {
    return this.#correlation?.version;
  }

  get sessions(): number {
    return this.#correlation?.sessions ?? 0;
  }

  get inFlight(): number {
    return this.#correlation?.inFlight ?? 0;
  }

  /** Whether the server may still be at work for what was given up. */
  get haunted(): boolean {
    return this.#correlation?.haunted ?? false;
  }

  /** The raw result of the handshake that the proxy did or waited for; undefined before that. */
  get initialized(): Wire | undefined {
    return this.#initialized;
  }

  /** What the server has said of itself in any handshake; undefined before one. */
  get facts(): Wire | undefined {
    return this.#correlation?.initialized;
  }

  /** Says who is to use this process, and what is spoken with it. Once, before the first session. */
  assign(placement: Placement, era: Era): void {
    const { definition, limits, clock, emit, onPorts } = this.#options;
    this.#placement = placement;
    this.#era = era;
    if (placement.kind !== 'own') this.#stdio.share();
    this.#correlation = new Correlation(this.#upstream, {
      server: definition.name,
      era,
      exclusive: placement.kind === 'own',
      clients: placement.kind === 'turns' ? 'alike' : 'several',
      ...limits,
      clock,
      emit,
      onPorts,
      onAlive: () => this.#isAlive(),
      onSilent: (method, ms) => this.#isSilent(method, ms),
    });
  }

  /** Sees to it that the handshake is done, if need be in the proxy's own name. Rejects with why it is not. */
  async initialize(params: object): Promise<Wire> {
    const initialized = await this.#assigned().initialize(params);
    if (this.#initialized === undefined) {
      this.#initialized = initialized;
      const text = `process ${this.child.pid ?? '?'} speaks MCP ${this.version ?? 'unknown'}`;
      this.#options.emit({ level: 'info', text, server: this.#options.definition.name });
    }
    return this.#initialized;
  }

  /** A new session's link to this process. */
  attach(joining?: Joining): Link {
    return this.#assigned().attach(joining);
  }

  /** Ends the process and everything it has started; its sessions are told. */
  async stop(reason: CloseReason): Promise<void> {
    this.#ended = true;
    this.#stopped = true;
    this.#correlation?.close(reason);
    await this.child.stop();
  }

  #assigned(): Correlation {
    if (!this.#correlation) throw new TypeError('a process is assigned before sessions use it');
    return this.#correlation;
  }

  /** Returns whether it is given up over that. */
  #isSilent(method: string, ms: number): boolean {
    // One that has answered before is at work for others.
    if (method !== 'initialize' && this.#alive) return false;
    const { definition, onSilent } = this.#options;
    const stderr = this.child.stderrTail();
    const what = `did not answer "${method}" within ${Math.round(ms / 100) / 10} s and was ended`;
    const text = describeProcess(definition, what, stderr.slice(-STDERR_LINES_IN_TEXT));
    onSilent({ kind: 'failed', text, data: { server: definition.name, stderr } });
    return true;
  }

  #isAlive(): void {
    if (this.#alive) return;
    this.#alive = true;
    this.#options.onAlive();
  }
}
