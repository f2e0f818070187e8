/** A remote server in a process of its own, which can be killed and started again on its port. */
import { join } from 'node:path';
import { end, type Program, start } from '../../e2e/harness/processes.js';
import type { Scope } from '../../e2e/harness/scope.js';

const FAULTY = join(import.meta.dirname, '../../fixtures/servers/remote-faulty.mjs');

/** Switches of the fixture, as its header tells them. */
export type Knobs = Readonly<Partial<Record<'ERA' | 'HOLD' | 'REFUSE' | 'IDS' | 'REDIRECT', string>>>;

/** What the server tells of itself. `got`: a message came; `did`: a call had its effect. */
interface Entry {
  readonly port?: number;
  readonly got?: string;
  readonly did?: string;
  readonly key?: string;
  readonly after?: string;
}

export class Remote {
  readonly port: number;
  readonly #scope: Scope;
  /** One after the other, on the same port. */
  readonly #programs: Program[];

  private constructor(scope: Scope, port: number, program: Program) {
    this.#scope = scope;
    this.port = port;
    this.#programs = [program];
  }

  static async start(scope: Scope, knobs: Knobs = {}): Promise<Remote> {
    const { program, port } = await begin(scope, knobs);
    return new Remote(scope, port, program);
  }

  /** Kills it, at once and without a word. Settles when nothing listens any more. */
  async kill(): Promise<void> {
    this.#program.kill('SIGKILL');
    await this.#program.ended;
  }

  async restart(knobs: Knobs = {}): Promise<void> {
    const { program } = await begin(this.#scope, { ...knobs, PORT: String(this.port) });
    this.#programs.push(program);
  }

  /** Settles when the process that runs now has got a message: by its method, and the key of the call. */
  got(method: string, key?: string): Promise<void> {
    return this.#told((entry) => entry.got === method && entry.key === key);
  }

  /** The same, when it has done a call. */
  did(key: string): Promise<void> {
    return this.#told((entry) => entry.did !== undefined && entry.key === key);
  }

  async #told(fits: (entry: Entry) => boolean): Promise<void> {
    await this.#program.line('stdout', (line) => (fits(JSON.parse(line)) ? true : undefined));
  }

  /** How often all of them together got a message. */
  count(method: string, key?: string): number {
    return this.entries().filter((entry) => entry.got === method && (key === undefined || entry.key === key))
      .length;
  }

  /** How often all of them together did a call. */
  done(key: string): number {
    return this.entries().filter((entry) => entry.did !== undefined && entry.key === key).length;
  }

  entries(): Entry[] {
    return this.#programs.flatMap((program) =>
      program
        .stdout()
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Entry => JSON.parse(line)),
    );
  }

  get #program(): Program {
    const program = this.#programs.at(-1);
    if (program === undefined) throw new Error('no server was started');
    return program;
  }
}

async function begin(scope: Scope, knobs: object): Promise<{ program: Program; port: number }> {
  const program = scope.add(start(process.execPath, [FAULTY], { env: { ...knobs } }), end);
  const port = await program.line('stdout', (line) => (JSON.parse(line) as Entry).port);
  return { program, port };
}
