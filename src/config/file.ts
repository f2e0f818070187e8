import { ConfigError } from './config-error.js';
import type { ServerDefinition } from './definition.js';
import { type Document, type Member, type Place, parseJson, type Value } from './json.js';
import type { ServerLimits } from './limits.js';
import type { ServerEntry } from './schema.js';
import { refuseName } from './server-name.js';
import type { Template, Templates } from './template.js';
import { expand, secretsTaken } from './variables.js';

/** What holds for a server where the file does not say it. */
export type ServerDefaults = Pick<ServerDefinition, 'passEnvironment' | 'sharing' | 'era'>;

export interface ServerFileContents {
  /** In the order of the file. */
  readonly servers: readonly ServerDefinition[];
  /** What is doubtful, for people. No values are shown. */
  readonly warnings: readonly string[];
  /** What is left out because the file says so. */
  readonly notes: readonly string[];
}

/** By these the proxy finds out who asks: what is shown to it is not for its servers (`basic/authorization`, "Token Handling"). */
const OWN_HEADERS: ReadonlySet<string> = new Set(['header:authorization', 'header:x-api-key']);
/** More faults than this are counted, not shown. */
const MAX_FAULTS = 20;

/**
 * Reads the servers of a configuration file: the `mcpServers` section that MCP clients have.
 *
 * @param path shown in messages
 * @param env for `${NAME}` in values
 * Throws `ConfigError` with every fault: a file that is wrong gives no server at all. Servers that are left
 * out (`disabled`, `enabled: false`, or a `url` and no `command`) are not looked at any further.
 */
export async function loadServerFile(
  path: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  defaults: ServerDefaults,
): Promise<ServerFileContents> {
  // Editors on Windows write a byte order mark.
  const document = await parseJson(path, text.replace(/^\uFEFF/, ''));
  const reader = new Reader(document, env, defaults);
  await reader.read();
  const { faults, servers, warnings, notes } = reader;
  if (faults.length === 0) return { servers, warnings, notes };
  const more = faults.length - MAX_FAULTS;
  const shown = faults.slice(0, MAX_FAULTS).join('\n');
  throw new ConfigError(more > 0 ? `${shown}\n… and ${more} more` : shown);
}

class Reader {
  readonly faults: string[] = [];
  readonly servers: ServerDefinition[] = [];
  readonly warnings: string[] = [];
  readonly notes: string[] = [];
  readonly #document: Document;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #defaults: ServerDefaults;

  constructor(
    document: Document,
    env: Readonly<Record<string, string | undefined>>,
    defaults: ServerDefaults,
  ) {
    this.#document = document;
    this.#env = env;
    this.#defaults = defaults;
  }

  async read(): Promise<void> {
    const { root } = this.#document;
    if (root.type !== 'object')
      return this.#fault(root, '', 'the file must hold an object: { "mcpServers": { … } }');
    let servers: Value | undefined;
    for (const member of this.#unique(root, '')) {
      if (member.key === 'mcpServers') servers = member.value;
      else if (member.key !== '$schema') this.#warn(member, '', `unknown key "${member.key}"`);
    }
    if (servers === undefined) return this.#fault(root, '', 'the key "mcpServers" is missing');
    if (servers.type !== 'object')
      return this.#fault(servers, '', 'mcpServers must be an object, with a key for each server');
    for (const member of this.#unique(servers, '')) await this.#server(member);
  }

  async #server({ key: name, value, offset }: Member): Promise<void> {
    const label = `server "${name}": `;
    if (value.type !== 'object') return this.#fault(value, label, 'must be an object');
    const { serverSchema, SERVER_KEYS, switchesSchema } = await import('./schema.js');
    const switches = switchesSchema.safeParse(value.plain);
    if (!switches.success) return this.#faults(switches.error.issues, value, offset, label);
    if (switches.data.disabled === true || switches.data.enabled === false) {
      this.notes.push(`${this.#document.at({ offset })}: ${label}left out, because it is disabled`);
      return;
    }
    const has = (key: string): boolean => value.members.some((member) => member.key === key);
    if (has('url') && !has('command')) {
      return this.#warn(
        { offset },
        label,
        'left out: it has a url and no command, and servers at URLs cannot be served yet',
      );
    }
    const refusal = refuseName(name);
    if (refusal !== undefined) this.#fault({ offset }, label, refusal);
    for (const { key, offset: at } of this.#unique(value, label)) {
      if (!SERVER_KEYS.has(key)) this.#warn({ offset: at }, label, `unknown key "${key}"`);
    }
    const parsed = serverSchema.safeParse(value.plain);
    if (!parsed.success) return this.#faults(parsed.error.issues, value, offset, label);
    const { command, args, env, cwd, sharing, upstreamEra, access, transportType, url } = parsed.data;
    if (url !== undefined) this.#warn({ offset }, label, 'its url is ignored, because it has a command');
    if (transportType !== undefined && transportType !== 'stdio') {
      this.#warn({ offset }, label, 'its transportType is ignored: a command is always spoken to on stdio');
    }
    const take = (text: string, ...path: PropertyKey[]): string => this.#expand(text, value, path, label);
    const templates = this.#templates(parsed.data, value, label);
    const secrets = [command, cwd ?? '', ...args].flatMap((text) => secretsTaken(text, this.#env));
    const definition: ServerDefinition = {
      name,
      command: take(command, 'command'),
      args: args.map((arg, index) => take(arg, 'args', index)),
      env: Object.fromEntries(Object.entries(env).map(([key, one]) => [key, take(one, 'env', key)])),
      cwd: (cwd && take(cwd, 'cwd')) || undefined,
      passEnvironment: this.#defaults.passEnvironment,
      sharing: sharing ?? this.#defaults.sharing,
      era: upstreamEra ?? this.#defaults.era,
      access,
      templates,
      secrets: secrets.length === 0 ? undefined : secrets,
      ...limitsIn(parsed.data),
    };
    if (definition.command === '') this.#fault(find(value, ['command']) ?? value, label, 'command is empty');
    for (const key of Object.keys(env)) {
      if (key !== '' && !key.includes('=')) continue;
      this.#fault(
        find(value, ['env', key]) ?? value,
        label,
        'env: the name of a variable cannot be empty or have a "=" in it',
      );
    }
    this.servers.push(definition);
  }

  /** What of `args` and `env` a request completes; undefined: nothing. */
  #templates({ args, env }: ServerEntry, server: Value, label: string): Templates | undefined {
    const read = <K extends PropertyKey>(entries: [K, string][], at: string): Map<K, Template> => {
      const templates = new Map<K, Template>();
      for (const [key, text] of entries) {
        const { template } = expand(text, this.#env);
        if (template === undefined) continue;
        templates.set(key, template);
        if (!template.some((part) => typeof part !== 'string' && OWN_HEADERS.has(part.name))) continue;
        const place = find(server, [at, key]) ?? server;
        this.#fault(
          place,
          label,
          `${dotted([at, key])}: this header is for the proxy itself; take another one`,
        );
      }
      return templates;
    };
    const found = { args: read([...args.entries()], 'args'), env: read(Object.entries(env), 'env') };
    return found.args.size + found.env.size === 0 ? undefined : found;
  }

  #expand(text: string, server: Value, path: readonly PropertyKey[], label: string): string {
    const { text: result, unset, odd, template } = expand(text, this.#env);
    const place = find(server, path) ?? server;
    if (template !== undefined && path[0] !== 'args' && path[0] !== 'env') {
      this.#fault(place, label, `${dotted(path)}: only args and env may take something from a request`);
    }
    for (const name of unset) {
      this.#fault(
        place,
        label,
        `${dotted(path)}: the environment variable ${name} is not set; set it, give a default (\${${name}:-…}), or write $\${${name}} for the text itself`,
      );
    }
    if (odd) this.#warn(place, label, `${dotted(path)}: a "\${" begins no variable and is left as it is`);
    return result;
  }

  /** The last member of each key, in the order of the file, with a warning for those that do not hold. */
  #unique(value: Value, label: string): Member[] {
    const last = new Map(value.members.map((member) => [member.key, member]));
    for (const member of value.members) {
      const holds = last.get(member.key);
      if (holds === undefined || holds === member) continue;
      this.#warn(
        member,
        label,
        `"${member.key}" is there again at ${this.#document.at(holds)}; the last one holds`,
      );
    }
    return [...last.values()].sort((a, b) => a.offset - b.offset);
  }

  #faults(
    issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
    server: Value,
    offset: number,
    label: string,
  ): void {
    for (const { path, message } of issues) {
      this.#fault(find(server, path) ?? { offset }, label, `${dotted(path)} ${message}`);
    }
  }

  #fault(place: Place, label: string, text: string): void {
    this.faults.push(`${this.#document.at(place)}: ${label}${text}`);
  }

  #warn(place: Place, label: string, text: string): void {
    this.warnings.push(`${this.#document.at(place)}: ${label}${text}`);
  }
}

function find(value: Value, path: readonly PropertyKey[]): Value | undefined {
  let found: Value | undefined = value;
  for (const step of path) {
    found =
      typeof step === 'number'
        ? found?.items[step]
        : found?.members.findLast(({ key }) => key === step)?.value;
  }
  return found;
}

/** What an entry says of its server's limits, in milliseconds where it has seconds. */
function limitsIn({
  timeout,
  maxTimeout,
  startTimeout,
  processIdle,
  maxProcesses,
  maxInFlight,
  maxLine,
}: ServerEntry): ServerLimits {
  return {
    timeout: milliseconds(timeout),
    maxTimeout: milliseconds(maxTimeout),
    startTimeout: milliseconds(startTimeout),
    processIdleMs: milliseconds(processIdle),
    maxProcesses,
    maxInFlight,
    maxLine,
  };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.ceil(seconds * 1000);
}

/** `args[1]`, `env.KEY`. */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
}
