import { createHash } from 'node:crypto';
import type { ServerDefinition } from '../config/definition.js';
import { fill, type Templates } from '../config/template.js';
import { AtCapacity } from './at-capacity.js';
import type { Server } from './server.js';

/** One server for those whose requests have the same values. */
export interface ClientServer {
  readonly server: Server;
  /** Tells it from the others, and nobody what the values are. */
  readonly key: string;
}

/**
 * A server definition that a client's request completes: each set of values has a server of its own, with its own
 * processes, which are started when somebody comes with them and not before.
 */
export class ClientServers {
  readonly #definition: ServerDefinition;
  readonly templates: Templates;
  readonly #most: number;
  readonly #make: (definition: ServerDefinition) => Server;
  readonly #servers = new Map<string, Server>();

  /**
   * @param most how many there may be at once
   * @param make a server that is not started
   */
  constructor(
    definition: ServerDefinition,
    templates: Templates,
    { most, make }: { readonly most: number; readonly make: (definition: ServerDefinition) => Server },
  ) {
    this.#definition = definition;
    this.templates = templates;
    this.#most = most;
    this.#make = make;
  }

  get all(): Server[] {
    return [...this.#servers.values()];
  }

  /** The server for these values, by their names. Throws `AtCapacity`. */
  for(values: ReadonlyMap<string, string>): ClientServer {
    const key = createHash('sha256')
      .update(JSON.stringify([...values].sort()))
      .digest('base64url');
    const known = this.#servers.get(key);
    if (known !== undefined) return { server: known, key };
    this.#forgetUnused();
    if (this.#servers.size >= this.#most) {
      throw new AtCapacity(`server "${this.#definition.name}" has as many clients as it may have`);
    }
    const server = this.#make(filled(this.#definition, this.templates, values));
    this.#servers.set(key, server);
    return { server, key };
  }

  /** Those whose processes have ended for want of use, and that nobody could come back to. */
  #forgetUnused(): void {
    for (const [key, server] of this.#servers) if (server.unused) this.#servers.delete(key);
  }
}

function filled(
  definition: ServerDefinition,
  { args, env }: Templates,
  values: ReadonlyMap<string, string>,
): ServerDefinition {
  return {
    ...definition,
    args: definition.args.map((arg, index) => {
      const template = args.get(index);
      return template === undefined ? arg : fill(template, values);
    }),
    env: Object.fromEntries(
      Object.entries(definition.env).map(([key, value]) => {
        const template = env.get(key);
        return [key, template === undefined ? value : fill(template, values)];
      }),
    ),
    templates: undefined,
    filled: [...values.values()],
  };
}
