import {
  DEFAULT_SERVER,
  type ServerDefinition,
  type Sharing,
  type UpstreamEra,
} from '../config/definition.js';
import type { TlsOptions } from '../http/tls.js';
import type { InspectOptions } from '../http/traffic.js';
import type { ProxyOptions } from '../proxy.js';
import { authOptions } from './auth-options.js';
import { isOn, lastValue, namesOf, pairs } from './given.js';
import { limits } from './limits.js';
import { namedServers } from './named-servers.js';
import type { LogOptions } from './options.js';
import { looksLikeOrigin, normalOrigin } from './origins.js';
import type { GivenOption } from './split.js';
import { UsageError } from './usage-error.js';
import { basePath, choice, headerNames, host, hostName, port, seconds, variableName } from './values.js';

/** What server mode needs to begin; without the servers of the file, if there is one. */
export interface ServerOptions extends ProxyOptions, LogOptions {}

/** The file that names the servers, and what holds for each where the file does not say it. */
export interface ServerFile {
  readonly path: string;
  readonly passEnvironment: boolean;
  readonly sharing: Sharing;
  readonly era: UpstreamEra;
}

const SHARING = ['auto', 'shared', 'session'] as const;
export const UPSTREAM_ERAS = ['auto', 'legacy', 'modern'] as const;

/**
 * @param command the default server's command with its arguments; empty: there is no default server
 * @param env for `MCP_PROXY_API_KEYS`
 * Throws `UsageError`. Adds to the warnings what is ignored or doubtful.
 */
export async function serverOptions(
  given: readonly GivenOption[],
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  log: LogOptions,
  warnings: string[],
): Promise<{ readonly options: ServerOptions; readonly file: ServerFile | undefined }> {
  const ignored = namesOf(given, 'client');
  if (ignored.length > 0) {
    warnings.push(`Ignored, because the first argument is no URL (server mode): ${ignored.join(', ')}.`);
  }
  const common = {
    passEnvironment: isOn(given, 'pass-environment'),
    sharing: choice('--sharing', lastValue(given, 'sharing') ?? 'auto', SHARING),
    era: choice('--upstream-era', lastValue(given, 'upstream-era') ?? 'auto', UPSTREAM_ERAS),
  };
  const path = lastValue(given, 'named-server-config');
  if (path === '') throw new UsageError('--named-server-config is empty');
  const strings = pairs(given, 'named-server');
  if (path !== undefined && strings.length > 0) {
    warnings.push('--named-server is ignored, because --named-server-config is given.');
  }
  const named = path === undefined ? await namedServers(strings, common, warnings) : [];
  const defaultServer = defaultDefinition(given, command, common, warnings);
  const options = {
    host: replaced(given, 'host', 'sse-host', host, warnings) ?? '127.0.0.1',
    port: replaced(given, 'port', 'sse-port', port, warnings) ?? 0,
    defaultServer,
    namedServers: [],
    auth: authOptions(given, env),
    tls: tls(given),
    allowUnauthenticated: isOn(given, 'allow-unauthenticated'),
    allowOrigins: origins(given, warnings),
    allowHosts: hosts(given),
    exposeHeaders: exposed(given),
    basePath: basePath(lastValue(given, 'base-path') ?? ''),
    inspect: inspect(given),
    stateless: isOn(given, 'stateless'),
    pollAfter: seconds('--poll-after', lastValue(given, 'poll-after') ?? '0'),
    limits: limits(given),
    logHeads: log.logLevel === 'debug',
    ...log,
  };
  const clash = nameClash(options, named);
  if (clash !== undefined) throw new UsageError(clash);
  return {
    options: { ...options, namedServers: named },
    file: path === undefined ? undefined : { path, ...common },
  };
}

/** Why these servers cannot be served along with the default one; undefined where they can. */
export function nameClash(
  { defaultServer }: Pick<ServerOptions, 'defaultServer'>,
  named: readonly ServerDefinition[],
): string | undefined {
  if (defaultServer === undefined || named.every(({ name }) => name !== DEFAULT_SERVER)) return undefined;
  return `a named server cannot be called "${DEFAULT_SERVER}" where the command line has a default server; rename it`;
}

function defaultDefinition(
  given: readonly GivenOption[],
  [command, ...args]: readonly string[],
  common: Pick<ServerDefinition, 'passEnvironment' | 'sharing' | 'era'>,
  warnings: string[],
): ServerDefinition | undefined {
  const env = pairs(given, 'env').map(([key, value]) => [variableName('--env', key), value] as const);
  if (command === undefined) {
    const idle = namesOf(given, 'default-server');
    if (idle.length > 0) {
      warnings.push(`Ignored, because there is no default server that they are for: ${idle.join(', ')}.`);
    }
    return undefined;
  }
  return {
    name: DEFAULT_SERVER,
    command,
    args,
    env: Object.fromEntries(env),
    cwd: lastValue(given, 'cwd') || undefined,
    ...common,
  };
}

/** The value of an option that has a deprecated name too; the new name wins. */
function replaced<T>(
  given: readonly GivenOption[],
  id: string,
  oldId: string,
  read: (name: string, value: string) => T,
  warnings: string[],
): T | undefined {
  const [value, old] = [lastValue(given, id), lastValue(given, oldId)];
  if (old !== undefined) {
    const both = value === undefined ? '' : ` It is ignored here, because --${id} is given.`;
    warnings.push(`--${oldId} is deprecated; use --${id}.${both}`);
  }
  if (value !== undefined) return read(`--${id}`, value);
  return old === undefined ? undefined : read(`--${oldId}`, old);
}

/** Files of TLS, which are read later; undefined: none. */
function tls(given: readonly GivenOption[]): TlsOptions | undefined {
  const [cert, key, clientCa] = ['tls-cert', 'tls-key', 'tls-client-ca'].map((id) => lastValue(given, id));
  for (const [name, value] of Object.entries({ cert, key, 'client-ca': clientCa })) {
    if (value === '') throw new UsageError(`--tls-${name} is empty`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--tls-cert and --tls-key are given both or not at all');
  }
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa };
  if (clientCa !== undefined) throw new UsageError('--tls-client-ca needs --tls-cert and --tls-key');
  return undefined;
}

/** Whether messages are kept, and who sees those of others. */
function inspect(given: readonly GivenOption[]): InspectOptions | undefined {
  const access = given.filter(({ id }) => id === 'inspect-access').map(({ values: [value = ''] }) => value);
  for (const one of access) {
    if (!/^(?:key|token|client|certificate):./.test(one)) {
      throw new UsageError(
        `--inspect-access ${JSON.stringify(one)}: somebody is named as key:NAME, token:ISSUER SUBJECT or certificate:SUBJECT`,
      );
    }
  }
  if (isOn(given, 'inspect')) return { access };
  if (access.length > 0) throw new UsageError('--inspect-access needs --inspect');
  return undefined;
}

function origins(given: readonly GivenOption[], warnings: string[]): string[] {
  const words = given.flatMap(({ id, values }) => (id === 'allow-origin' ? values : []));
  for (const word of words) {
    if (looksLikeOrigin(word)) continue;
    const meant = 'an origin is written https://host or https://host:port, without a path';
    warnings.push(
      `--allow-origin: no page comes from "${word}": ${meant}. Where it is part of the command, put -- before the command.`,
    );
  }
  return [...new Set(words.map(normalOrigin))];
}

function hosts(given: readonly GivenOption[]): string[] {
  return given
    .filter(({ id }) => id === 'allow-host')
    .map(({ values: [value = ''] }) => hostName('--allow-host', value));
}

function exposed(given: readonly GivenOption[]): string[] {
  const names = given
    .filter(({ id }) => id === 'expose-header')
    .flatMap(({ values: [value = ''] }) => headerNames('--expose-header', value));
  return names.filter((name) => name.toLowerCase() !== 'mcp-session-id');
}
