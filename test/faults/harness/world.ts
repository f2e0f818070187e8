/** What a fault happens in: the built command, its servers, clients on the process that breaks, and others. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { type StartedProxy, startProxy } from '../../e2e/harness/proxy.js';
import type { Message } from '../../e2e/harness/raw-http.js';
import type { Scope } from '../../e2e/harness/scope.js';
import { exchange } from '../../http/harness/http.js';
import { type Child, Children } from './children.js';
import { type FaultClient, type Identity, type Reach, SseClient, StreamableClient } from './client.js';

/** The server that a test breaks. */
export const BREAKABLE = join(import.meta.dirname, '../../fixtures/servers/breakable.mjs');
const ASKABLE = { sampling: {}, elicitation: {}, roots: { listChanged: true } };

/** Which clients share the process that breaks. */
export interface Arrangement {
  readonly name: 'own' | 'alike' | 'shared';
  readonly title: string;
  readonly sharing: 'auto' | 'shared';
  /** The clients on it. */
  readonly clients: readonly Identity[];
  /** A client on another process of the same server, where there can be one. */
  readonly neighbour: Identity | undefined;
}

export const ARRANGEMENTS: readonly Arrangement[] = [
  {
    name: 'own',
    title: 'a process of its own',
    sharing: 'auto',
    clients: [{ name: 'one', capabilities: ASKABLE }],
    neighbour: { name: 'next door', capabilities: ASKABLE },
  },
  {
    name: 'alike',
    title: 'a process of three clients that look alike',
    sharing: 'auto',
    clients: Array.from({ length: 3 }, () => ({ name: 'alike', capabilities: {} })),
    neighbour: { name: 'different', capabilities: {} },
  },
  {
    name: 'shared',
    title: 'a process of all clients',
    sharing: 'shared',
    clients: ['one', 'two', 'three'].map((name) => ({ name, capabilities: ASKABLE })),
    neighbour: undefined,
  },
];

/** How the clients reach the proxy. */
interface Transport {
  readonly title: string;
  readonly Client: new (reach: Reach, identity: Identity) => FaultClient;
}

export const STREAMABLE: Transport = { title: 'Streamable HTTP', Client: StreamableClient };
export const SSE: Transport = { title: 'HTTP+SSE', Client: SseClient };

export interface WorldOptions {
  /** Words for the proxy that go before the server's command. */
  readonly options?: readonly string[];
  /** The server is started by a shell that stays, as `npx` does. */
  readonly wrapped?: boolean;
  /** How the first processes of the server behave. */
  readonly plans?: Children['plans'];
  /** No client has begun yet. */
  readonly isEmpty?: boolean;
  /** The process that breaks is the only one of its server. */
  readonly isAlone?: boolean;
}

export interface Place {
  readonly scope: Scope;
  readonly arrangement: Arrangement;
  readonly transport: Transport;
}

/** A server in `/status`. */
export interface ServerStatus {
  readonly state: string;
  readonly reason: string | null;
  readonly restarts: number;
  readonly last_exit: Readonly<Record<string, unknown>> | null;
  readonly processes: readonly { readonly pid: number; readonly sessions: number }[];
  readonly sessions: readonly unknown[];
  readonly requests_in_flight: number;
}

export class World {
  readonly place: Place;
  readonly proxy: StartedProxy;
  readonly children: Children;
  /** The clients on the process that breaks, and those elsewhere. */
  readonly clients: FaultClient[] = [];
  readonly others: FaultClient[] = [];
  #child: Child | undefined;
  #rounds = 0;
  readonly #isAlone: boolean;
  /** The processes of the others. */
  readonly #pids = new Map<FaultClient, unknown>();

  private constructor(place: Place, proxy: StartedProxy, children: Children, isAlone: boolean) {
    this.place = place;
    this.#isAlone = isAlone;
    this.proxy = proxy;
    this.children = children;
  }

  static async open(place: Place, { options = [], ...more }: WorldOptions = {}): Promise<World> {
    const children = await Children.listen(place.scope);
    children.plans.push(...(more.plans ?? []));
    const command = (name: string) => [process.execPath, BREAKABLE, String(children.port), name];
    // The second command keeps the shell from becoming the server.
    const shell = ['sh', '-c', `${quoted(command('default'))}; exit $?`];
    const proxy = await startProxy(place.scope, [
      ...['--sharing', place.arrangement.sharing, '--named-server', 'other', quoted(command('other'))],
      ...options,
      '--',
      ...(more.wrapped === true ? shell : command('default')),
    ]);
    const world = new World(place, proxy, children, more.isAlone === true);
    if (more.isEmpty !== true) await world.begin();
    return world;
  }

  /** Lets the clients begin. */
  async begin(): Promise<void> {
    const { clients, neighbour } = this.place.arrangement;
    for (const identity of clients) this.clients.push(await this.client(identity).begin());
    const { pid } = await this.first.call('x/pid');
    this.#child = await this.children.byPid(Number(pid));
    if (neighbour !== undefined && !this.#isAlone) this.others.push(await this.client(neighbour).begin());
    this.others.push(await this.client({ name: 'elsewhere', capabilities: {} }, 'other').begin());
    for (const other of this.others) this.#pids.set(other, (await other.call('x/pid')).pid);
  }

  /** A client of a server that has not begun yet. */
  client(identity: Identity, server = 'default', more: Pick<Reach, 'agent'> = {}): FaultClient {
    return new this.place.transport.Client({ ...this.proxy.of(server), ...more }, identity);
  }

  get first(): FaultClient {
    const [first] = this.clients;
    if (first === undefined) throw new Error('no client has begun');
    return first;
  }

  /** The process that the clients are on. */
  get child(): Child {
    if (this.#child === undefined) throw new Error('no client has begun');
    return this.#child;
  }

  /** Breaks the process as `kill -9` does; `replaced` settles with the next one that starts. */
  async kill(): Promise<{ readonly replaced: Promise<Child> }> {
    const replaced = this.children.started(this.children.servers.length);
    replaced.catch(() => undefined);
    await this.child.kill();
    return { replaced };
  }

  /** Sends the same from each client, and settles with all answers once they came. */
  all(method: string, params: object = {}): Promise<Message[]> {
    return Promise.all(this.clients.map((client) => client.ask(method, params).answer));
  }

  /**
   * Each client sends something and is answered by this process, wherever it was before. Then everything that it
   * was sent before that is known here.
   */
  async works(on: Child): Promise<void> {
    this.#rounds += 1;
    const params = { round: this.#rounds };
    for (const { result, error } of await this.all('x/pid', params)) {
      expect(error).toBeUndefined();
      expect(result).toEqual({ pid: on.pid });
    }
    await on.heard('x/pid', this.clients.length, params);
    this.#child = on;
  }

  async status(name = 'default'): Promise<ServerStatus> {
    const { servers } = JSON.parse((await exchange(`${this.proxy.url}/status`)).body);
    return servers.find((server: { readonly name: string }) => server.name === name);
  }

  /**
   * What holds after every fault: each request was answered once, streams are open, nobody elsewhere has noticed,
   * and no process is left at the end.
   */
  async settle(): Promise<void> {
    expect((await this.status()).requests_in_flight).toBe(0);
    for (const client of [...this.clients, ...this.others]) {
      await client.call('x/pid');
      expect(client.listening, `the stream of ${client.identity.name} is open`).toBe(true);
      expect(client.strays, `answers that ${client.identity.name} did not ask for`).toEqual([]);
    }
    for (const other of this.others) {
      expect(other.unasked, `what ${other.identity.name} heard`).toEqual([]);
      expect((await other.call('x/pid')).pid).toBe(this.#pids.get(other));
    }
    await this.close();
  }

  /** SIGTERM, and nothing is left. */
  async close(): Promise<void> {
    this.proxy.program.kill('SIGTERM');
    expect(await this.proxy.program.ended).toEqual({ code: 0, signal: null });
    await this.nothingLeft();
  }

  async nothingLeft(): Promise<void> {
    await Promise.all(this.children.all.map((child) => child.dead()));
  }
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

/** The error of a request whose process has ended, as its client is to see it. */
export function lossOf(
  child: Child,
  how: { readonly exitCode: number } | { readonly signal: string },
): object {
  const told = 'signal' in how ? how.signal : `exit code ${how.exitCode}`;
  return {
    code: -32603,
    message: expect.stringMatching(new RegExp(`"default"[\\s\\S]*${told}`)),
    data: { server: 'default', ...how, stderr: expect.arrayContaining([`this is process ${child.pid}`]) },
  };
}
