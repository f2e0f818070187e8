import type { ServerDefinition } from '../config/definition.js';
import type { Emit } from '../observability/events.js';
import { valueMask } from '../observability/mask.js';
import { type Child, type ChildExit, describeExit, startChild } from '../process/child.js';
import type { Clock } from '../relay/clock.js';
import { Correlation } from '../relay/correlation.js';
import type { Link } from '../relay/link.js';
import { StdioUpstream } from '../transports/stdio/upstream.js';
import type { Placement } from './sharing.js';

export interface ServerProcessOptions {
  readonly definition: ServerDefinition;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly onAlive: () => void;
  readonly onPorts: (count: number) => void;
  readonly onExit: (exit: ChildExit, text: string) => void;
}

/** One running process of a server definition and the sessions that use it. */
export class ServerProcess {
  readonly child: Child;
  readonly #upstream: StdioUpstream;
  readonly #options: ServerProcessOptions;
  #correlation: Correlation | undefined;
  #placement: Placement | undefined;
  #alive = false;
  #ended = false;

  constructor(options: ServerProcessOptions) {
    const { definition } = options;
    this.#options = options;
    // What is told of it may show what it writes.
    const mask = valueMask(Object.values(definition.env));
    const emit: Emit = (event) => options.emit({ ...event, text: mask(event.text) });
    this.child = startChild(definition, {
      onStderr: (line) => emit({ level: 'info', text: line, server: definition.name }),
    });
    this.#upstream = new StdioUpstream(this.child, definition, emit);
    void this.child.exit.then((exit) => {
      this.#ended = true;
      options.onExit(exit, describeExit(definition, exit, this.child.stderrTail()));
    });
  }

  /** Whether the server has sent anything yet. */
  get alive(): boolean {
    return this.#alive;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Undefined while it is not handed to anybody. */
  get placement(): Placement | undefined {
    return this.#placement;
  }

  get sessions(): number {
    return this.#correlation?.sessions ?? 0;
  }

  get inFlight(): number {
    return this.#correlation?.inFlight ?? 0;
  }

  /** Says who is to use this process. Once, before the first session. */
  assign(placement: Placement): Correlation {
    const { definition, clock, emit, onPorts } = this.#options;
    this.#placement = placement;
    this.#correlation = new Correlation(this.#upstream, {
      server: definition.name,
      era: 'legacy',
      exclusive: placement.kind === 'own',
      timeout: definition.timeout,
      clock,
      emit,
      onPorts,
      onAlive: () => {
        this.#alive = true;
        this.#options.onAlive();
      },
    });
    return this.#correlation;
  }

  /** A new session's link to this process. */
  attach(): Link {
    if (!this.#correlation) throw new TypeError('a process is assigned before sessions use it');
    return this.#correlation.attach();
  }

  /** Ends the process and everything it has started; its sessions are told. */
  async stop(text: string): Promise<void> {
    this.#ended = true;
    this.#correlation?.close({ kind: 'stopping', text });
    await this.child.stop();
  }
}
