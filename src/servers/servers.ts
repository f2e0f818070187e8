import type { ServerDefinition } from '../config/definition.js';
import { ClientServers } from './client-servers.js';
import type { Server } from './server.js';

/** The servers of all definitions. */
export class Servers {
  readonly default: Server | undefined;
  readonly named: ReadonlyMap<string, Server>;
  /** For the definitions that a client's request completes; the server of such a one is never started itself. */
  readonly #ofClients = new Map<Server, ClientServers>();

  constructor(
    own: ServerDefinition | undefined,
    named: readonly ServerDefinition[],
    make: (definition: ServerDefinition) => Server,
  ) {
    this.default = own && make(own);
    this.named = new Map(named.map((definition) => [definition.name, make(definition)]));
    for (const server of this.configured) {
      const { definition, pool } = server;
      if (definition.templates === undefined) continue;
      const most = pool.limits.maxProcesses;
      this.#ofClients.set(server, new ClientServers(definition, definition.templates, { most, make }));
    }
  }

  /** One for each definition. */
  get configured(): Server[] {
    return [...(this.default ? [this.default] : []), ...this.named.values()];
  }

  /** The same, and those of clients. */
  get all(): Server[] {
    return [...this.configured, ...[...this.#ofClients.values()].flatMap(({ all }) => all)];
  }

  /** Where each client has a server of its own. */
  ofClients(server: Server): ClientServers | undefined {
    return this.#ofClients.get(server);
  }

  /** Starts those that need not wait for a client. Returns them. */
  start(): Server[] {
    const started = this.configured.filter((server) => !this.#ofClients.has(server));
    for (const server of started) server.start();
    return started;
  }
}
