/** One process of a server definition: its pipes, its one end, and how it is brought about. */
import type { ChildProcess } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import spawn from 'cross-spawn';
import type { ServerDefinition } from '../config/definition.js';
import type { ChildExit } from './child-exit.js';
import { spawnFailure } from './command.js';
import { childEnvironment } from './environment.js';
import { maskOf } from './secrets.js';
import { realTime, type Schedule, Shutdown } from './shutdown.js';
import { StderrLines } from './stderr-lines.js';
import { ProcessTree } from './tree.js';

export { type ChildExit, describeExit } from './child-exit.js';

/**
 * From the end of a process until its pipes count as read to their end. Usually they end with it; a
 * descendant that left the tree may hold them open for ever. Longer than leftovers take to be ended.
 */
const LAST_OUTPUT_MS = 1500;

export interface Child {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Wall-clock time, milliseconds since 1970. */
  readonly startedAt: number;
  readonly stdin: Writable;
  /** Whoever takes the child reads this to its end, or destroys it. Errors on it are taken care of here. */
  readonly stdout: Readable;
  /**
   * How it ended. Never rejects. Settles when both output pipes were read to their end, or at the latest
   * `LAST_OUTPUT_MS` after the process ended.
   */
  readonly exit: Promise<ChildExit>;
  /** To be called where it has written something: what it starts while it is at work is looked for sooner. */
  active(): void;
  /** The last lines of stderr, oldest first; bounded, without control characters, masked. */
  stderrTail(): readonly string[];
  /** Ends it in steps (shutdown.ts), with all that it started. Settles when that is done. */
  stop(): Promise<ChildExit>;
  /** Kills it at once, with all that it started. */
  killNow(): void;
}

export interface ChildOptions {
  /** Takes each line of stderr as plain text, without its end; the values of `env` and secret arguments are masked. */
  readonly onStderr?: (line: string) => void;
  readonly schedule?: Schedule;
}

/**
 * Starts a process, without a shell. Never throws: one that can't be started has the exit `unspawnable`.
 */
export function startChild(definition: ServerDefinition, options: ChildOptions = {}): Child {
  let child: ChildProcess;
  try {
    child = spawn(definition.command, [...definition.args], {
      cwd: definition.cwd,
      env: childEnvironment(definition),
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that everything in it can be ended with one signal, and so that
      // Ctrl-C in the proxy's terminal reaches the proxy only, which then ends its children in order.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
  } catch (error) {
    return neverStarted(Promise.resolve(unspawnable(definition, error)));
  }
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined || !stdin || !stdout || !stderr) {
    return neverStarted(
      new Promise((resolve) => {
        child.once('error', (error) => resolve(unspawnable(definition, error)));
      }),
    );
  }
  return new RunningChild(definition, child, { pid, stdin, stdout, stderr }, options);
}

interface Parts {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

class RunningChild implements Child {
  readonly pid: number;
  readonly startedAt = Date.now();
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly exit: Promise<ChildExit>;
  readonly #stopped: Promise<ChildExit>;
  readonly #stderr: Readable;
  readonly #lines: StderrLines;
  readonly #shutdown: Shutdown;
  readonly #schedule: Schedule;
  readonly #tree: ProcessTree;
  #settle: (exit: ChildExit) => void = () => undefined;
  #ended: ChildExit | undefined;
  #cancelLastOutput: () => void = () => undefined;

  constructor(definition: ServerDefinition, child: ChildProcess, parts: Parts, options: ChildOptions) {
    this.pid = parts.pid;
    this.stdin = parts.stdin;
    this.stdout = parts.stdout;
    this.#stderr = parts.stderr;
    this.#schedule = options.schedule ?? realTime;
    this.#lines = new StderrLines(options.onStderr ?? (() => undefined), maskOf(definition));
    this.exit = new Promise((resolve) => {
      this.#settle = resolve;
    });

    const tree = new ProcessTree(parts.pid);
    this.#tree = tree;
    const target = {
      closeStdin: () => {
        tree.remember();
        this.stdin.end();
      },
      signal: (signal: 'SIGTERM' | 'SIGKILL') => tree.signal(signal),
      alive: () => tree.alive(),
    };
    let gone: () => void = () => undefined;
    this.#stopped = new Promise<void>((resolve) => {
      gone = resolve;
    }).then(() => this.exit);
    this.#shutdown = new Shutdown(
      target,
      () => {
        tree.release();
        // Only where SIGKILL had no effect in time: whoever waits must not wait for a process that hangs.
        this.#end({ kind: 'killed', signal: 'SIGKILL' });
        gone();
      },
      this.#schedule,
    );

    // A broken pipe is the child's end seen from one side; the end itself is what gets told.
    for (const pipe of [this.stdin, this.stdout, this.#stderr]) pipe.on('error', () => undefined);
    this.#stderr.on('data', (chunk: Buffer) => this.#lines.push(chunk));
    this.#stderr.once('end', () => this.#lines.end());

    const leaderEnded = (exit: ChildExit): void => {
      this.#end(exit);
      tree.leaderEnded();
      this.#shutdown.leaderEnded();
    };
    child.once('exit', (code, signal) => {
      leaderEnded(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal });
    });
    child.on('error', (error) => {
      // On Windows a missing command is told after the start, in place of the exit (cross-spawn). Any
      // other error comes from a signal that could not be sent, and is no end.
      if ('syscall' in error && String(error.syscall).startsWith('spawn')) {
        leaderEnded(unspawnable(definition, error));
      }
    });
    child.once('close', () => this.#outputEnded());
  }

  active(): void {
    this.#tree.active();
  }

  stderrTail(): readonly string[] {
    return this.#lines.tail();
  }

  stop(): Promise<ChildExit> {
    this.#shutdown.stop();
    return this.#stopped;
  }

  killNow(): void {
    this.#shutdown.killNow();
  }

  /** The first end that is told holds. */
  #end(exit: ChildExit): void {
    if (this.#ended !== undefined) return;
    this.#ended = exit;
    this.stdin.destroy();
    this.#cancelLastOutput = this.#schedule(() => this.#outputEnded(), LAST_OUTPUT_MS);
  }

  #outputEnded(): void {
    if (this.#ended === undefined) return;
    this.#cancelLastOutput();
    if (!this.#stderr.readableEnded) {
      this.#lines.end();
      this.#stderr.destroy();
    }
    this.#settle(this.#ended);
  }
}

function unspawnable(definition: ServerDefinition, error: unknown): ChildExit {
  const mask = maskOf(definition);
  return { kind: 'unspawnable', reason: mask(spawnFailure(definition, error)) };
}

function neverStarted(exit: Promise<ChildExit>): Child {
  const stdin = new PassThrough();
  stdin.resume();
  return {
    pid: undefined,
    startedAt: Date.now(),
    stdin,
    stdout: new PassThrough().end(),
    exit,
    active: () => undefined,
    stderrTail: () => [],
    stop: () => exit,
    killNow: () => undefined,
  };
}
