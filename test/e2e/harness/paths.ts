/** The ways from a client to a server that the tests take: who stands in between, over which transports. */
import type { Need } from '../cases/case.js';
import type { Connect, Target } from './client.js';
import {
  DUAL_SERVER,
  LEGACY_SERVER,
  MODERN_SERVER,
  PROXY,
  startHttpServer,
  startModernServer,
  startProxy,
} from './proxy.js';
import type { Scope } from './scope.js';
import { connectV1 } from './sdk-v1.js';
import { connectV2 } from './sdk-v2.js';

export const SDKS: readonly (readonly [string, Connect])[] = [
  ['SDK v1', connectV1],
  ['SDK v2', connectV2],
];

/** The official clients that speak an era. */
export function sdksOf(era: Eras['client']): typeof SDKS {
  return era === 'modern' ? [['SDK v2', connectV2]] : SDKS;
}

/** What the ends of a path speak. */
export interface Eras {
  readonly client: 'legacy' | 'modern';
  readonly server: 'legacy' | 'modern';
}

const LEGACY: Eras = { client: 'legacy', server: 'legacy' };
const MODERN: Eras = { client: 'modern', server: 'modern' };

export interface Path {
  readonly name: string;
  readonly eras: Eras;
  /** Where the client finds its era out, instead of being told. */
  readonly negotiates?: boolean;
  /** What this way does not have, so that cases which need it are left out. */
  readonly without?: readonly Need[];
  /** Starts what stands on the way; a client connects to the target. */
  open(scope: Scope): Promise<Opened>;
}

interface Opened {
  readonly target: Target;
  /** Resolves when the server can send on its own to the first `clients` that have connected. */
  ready(clients: number): Promise<void>;
}

interface ServerMode {
  /** Words for the proxy that go before the server's command. */
  readonly options?: readonly string[];
  readonly eras?: Eras;
  /** The server speaks both eras. */
  readonly dual?: boolean;
  readonly negotiates?: boolean;
  readonly without?: readonly Need[];
}

interface ClientMode {
  /** How the server is told to behave, and what that is called. */
  readonly env?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly client?: Eras['client'];
  readonly negotiates?: boolean;
  readonly without?: readonly Need[];
}

interface ModernClientMode extends Pick<ClientMode, 'negotiates' | 'without'> {
  readonly dual?: boolean;
}

const nothingToAwait = async (): Promise<void> => undefined;

/** No proxy: shows that the tests ask what is right. */
export const DIRECT: Path = {
  name: 'no proxy',
  eras: LEGACY,
  open: async () => ({ target: { kind: 'stdio', command: [...LEGACY_SERVER] }, ready: nothingToAwait }),
};

export const DIRECT_MODERN: Path = {
  name: 'no proxy, modern, stdio',
  eras: MODERN,
  open: async () => ({ target: { kind: 'stdio', command: [...MODERN_SERVER] }, ready: nothingToAwait }),
};

export const DIRECT_MODERN_HTTP: Path = {
  name: 'no proxy, modern, HTTP',
  eras: MODERN,
  open: async (scope) => {
    const { mcp } = await startModernServer(scope);
    return { target: { kind: 'streamable', url: mcp }, ready: nothingToAwait };
  },
};

/** The SDK's own translation inside of a server: shows what a legacy client can have of a modern server. */
export const DIRECT_DUAL: Path = {
  name: 'no proxy, legacy client, dual server',
  eras: { client: 'legacy', server: 'modern' },
  open: async () => ({ target: { kind: 'stdio', command: [...DUAL_SERVER] }, ready: nothingToAwait }),
};

/** client → mcp-proxy --port → stdio server. */
export function serverMode(kind: 'streamable' | 'sse', mode: ServerMode = {}): Path {
  const { eras = LEGACY, options = [], negotiates = false, without = [] } = mode;
  return {
    name: named('server mode', kind, mode),
    eras,
    negotiates,
    without,
    open: async (scope) => {
      const proxy = await startProxy(scope, [...options, '--', ...serverOf(mode)]);
      return { target: { kind, url: urlOf(proxy.of('default'), kind) }, ready: nothingToAwait };
    },
  };
}

/** client → mcp-proxy URL → mcp-proxy --port → stdio server. */
export function chained(kind: 'streamable' | 'sse', mode: ServerMode = {}): Path {
  const { eras = LEGACY, options = [], without = [] } = mode;
  return {
    name: named('chained', kind, mode),
    eras,
    without,
    open: async (scope) => {
      const proxy = await startProxy(scope, [...options, '--', ...serverOf(mode)]);
      const url = urlOf(proxy.of('default'), kind);
      return { target: { kind: 'stdio', command: [process.execPath, PROXY, url] }, ready: nothingToAwait };
    },
  };
}

/** client → mcp-proxy URL → a server of the legacy era over HTTP, made with the official SDK. */
export function clientMode(
  kind: 'streamable' | 'sse',
  { env = {}, name = '', client = 'legacy', negotiates = false, without = [] }: ClientMode = {},
): Path {
  const eras: Eras = { client, server: 'legacy' };
  return {
    name: `client mode, ${kind}${name}${erasText(eras, { negotiates })}`,
    eras,
    negotiates,
    without,
    open: async (scope) => {
      const server = await startHttpServer(scope, env);
      return {
        target: { kind: 'stdio', command: [process.execPath, PROXY, urlOf(server, kind)] },
        ready: (clients) => (kind === 'sse' ? nothingToAwait() : server.streams(clients)),
      };
    },
  };
}

/** client → mcp-proxy URL → a modern server over HTTP, made with the official SDK. */
export function clientModeModern(
  client: Eras['client'],
  { dual = false, negotiates = false, without = [] }: ModernClientMode = {},
): Path {
  const eras: Eras = { client, server: 'modern' };
  return {
    name: `client mode${erasText(eras, { dual, negotiates })}`,
    eras,
    negotiates,
    without,
    open: async (scope) => {
      const { mcp } = await startModernServer(scope, {}, dual ? DUAL_SERVER : MODERN_SERVER);
      return { target: { kind: 'stdio', command: [process.execPath, PROXY, mcp] }, ready: nothingToAwait };
    },
  };
}

function serverOf({ eras = LEGACY, dual = false }: ServerMode): readonly [string, ...string[]] {
  if (dual) return DUAL_SERVER;
  return eras.server === 'modern' ? MODERN_SERVER : LEGACY_SERVER;
}

function named(
  what: string,
  kind: string,
  { eras = LEGACY, options = [], without = [], ...more }: ServerMode,
): string {
  const unaskable = without.includes('asking') ? ['to who cannot be asked'] : [];
  return [`${what}, ${kind}`, ...options, ...unaskable].join(' ') + erasText(eras, more);
}

function erasText(
  { client, server }: Eras,
  { dual = false, negotiates = false }: { readonly dual?: boolean; readonly negotiates?: boolean } = {},
): string {
  if (client === 'legacy' && server === 'legacy') return '';
  return `, ${client} client${negotiates ? ' by negotiation' : ''}, ${dual ? 'dual' : server} server`;
}

function urlOf(urls: { readonly mcp: string; readonly sse: string }, kind: 'streamable' | 'sse'): string {
  return kind === 'sse' ? urls.sse : urls.mcp;
}
