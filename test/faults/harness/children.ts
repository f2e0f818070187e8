/** The processes of the server that a test breaks (test/fixtures/servers/breakable.mjs): each reports here. */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Message } from '../../e2e/harness/raw-http.js';
import type { Scope } from '../../e2e/harness/scope.js';
import { Watch } from './watch.js';

/** How a process behaves from its start on. */
export interface Plan {
  /** Where it ends by itself, and how: an exit code, or killed. */
  readonly die?: 'start' | 'handshake';
  readonly code?: number | 'SIGKILL';
  readonly stderr?: readonly string[];
  /** It answers `initialize` when it is released. */
  readonly hold?: boolean;
  readonly capabilities?: Readonly<Record<string, unknown>>;
}

interface Hello {
  readonly pid: number;
  /** Which server it is of. */
  readonly name: string;
  readonly role: 'server' | 'grandchild';
  /** When it began to run, in milliseconds since 1970. */
  readonly at: number;
}

export class Child {
  readonly pid: number;
  readonly name: string;
  readonly role: Hello['role'];
  readonly at: number;
  /** What it was sent, in its order. */
  readonly told: Message[] = [];
  readonly did = new Set<string>();
  readonly #socket: Socket;
  readonly #watch = new Watch();
  #dead = false;

  constructor({ pid, name, role, at }: Hello, socket: Socket) {
    this.pid = pid;
    this.name = name;
    this.role = role;
    this.at = at;
    this.#socket = socket;
    socket.once('close', () => {
      this.#dead = true;
      this.#watch.wake();
    });
  }

  report({ told, did }: { readonly told?: Message; readonly did?: string }): void {
    if (told !== undefined) this.told.push(told);
    if (did !== undefined) this.did.add(did);
    this.#watch.wake();
  }

  get alive(): boolean {
    return !this.#dead;
  }

  /** The messages of a method that it was sent. */
  of(method: string): Message[] {
    return this.told.filter((message) => message.method === method);
  }

  /** Settles when it was sent so many messages of a method, with these params. Rejects where it ends before. */
  async heard(method: string, count = 1, params?: object): Promise<void> {
    const text = JSON.stringify(params);
    const fits = (message: Message) => params === undefined || JSON.stringify(message.params) === text;
    await this.#watch.until(`${count} ${method} at process ${this.pid}`, () => {
      if (this.of(method).filter(fits).length >= count) return true;
      if (this.#dead) throw new Error(`process ${this.pid} ended before it was sent ${count} ${method}`);
      return undefined;
    });
  }

  async has(what: string): Promise<void> {
    await this.#watch.until(`${what} of process ${this.pid}`, () => this.did.has(what) || undefined);
  }

  async dead(): Promise<void> {
    await this.#watch.until(`the end of process ${this.pid} (${this.role})`, () => this.#dead || undefined);
  }

  /** kill -9. Settles when it is gone. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.dead();
  }

  /** Sees to it that it is gone, whatever became of the test. */
  discard(): void {
    if (!this.#dead) process.kill(this.pid, 'SIGKILL');
    this.#socket.destroy();
  }

  /** Lets it answer `initialize`. */
  release(): void {
    this.#socket.write('release\n');
  }
}

export class Children {
  readonly port: number;
  /** All that ever reported, in the order of their starts. */
  readonly all: Child[] = [];
  /** How the next processes of the default server behave, one each, and then all others. */
  readonly plans: Plan[] = [];
  usual: Plan = {};
  readonly #watch = new Watch();

  private constructor(port: number) {
    this.port = port;
  }

  static async listen(scope: Scope): Promise<Children> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const children = new Children(address.port);
    server.on('connection', (socket) => children.#take(socket));
    scope.add(children, async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      // A test that is about them has awaited their end, and failed; what it left must not outlive it.
      for (const child of children.all) child.discard();
      await closed;
    });
    return children;
  }

  #take(socket: Socket): void {
    let child: Child | undefined;
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      const report = JSON.parse(line);
      if (child !== undefined) return child.report(report);
      child = new Child(report.hello, socket);
      this.all.push(child);
      if (child.role === 'server') {
        const plan = (child.name === 'default' ? this.plans.shift() : undefined) ?? this.usual;
        socket.write(`${JSON.stringify(child.name === 'default' ? plan : {})}\n`);
      }
      this.#watch.wake();
    });
  }

  /** The processes of the default server, in the order of their starts. */
  get servers(): Child[] {
    return this.all.filter(({ name, role }) => name === 'default' && role === 'server');
  }

  /** Settles with a process of the default server once so many others have started before it. */
  started(before: number): Promise<Child> {
    return this.#watch.until(`start ${before + 1} of the server`, () => this.servers[before]);
  }

  byPid(pid: number): Promise<Child> {
    return this.#watch.until(`process ${pid}`, () => this.all.find((child) => child.pid === pid));
  }
}
