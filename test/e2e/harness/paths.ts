/** The ways from a client to a server that the tests take: who stands in between, over which transports. */
import type { Connect, Target } from './client.js';
import { LEGACY_SERVER, PROXY, startHttpServer, startProxy } from './proxy.js';
import type { Scope } from './scope.js';
import { connectV1 } from './sdk-v1.js';
import { connectV2 } from './sdk-v2.js';

export const SDKS: readonly (readonly [string, Connect])[] = [
  ['SDK v1', connectV1],
  ['SDK v2', connectV2],
];

export interface Path {
  readonly name: string;
  /** Starts what stands on the way; a client connects to the target. */
  open(scope: Scope): Promise<Opened>;
}

interface Opened {
  readonly target: Target;
  /** Resolves when the server can send on its own to the first `clients` that have connected. */
  ready(clients: number): Promise<void>;
}

/** Words for the proxy that go before the server's command. */
interface ServerMode {
  readonly options?: readonly string[];
}

const nothingToAwait = async (): Promise<void> => undefined;

/** No proxy: shows that the tests ask what is right. */
export const DIRECT: Path = {
  name: 'no proxy',
  open: async () => ({ target: { kind: 'stdio', command: [...LEGACY_SERVER] }, ready: nothingToAwait }),
};

/** client → mcp-proxy --port → stdio server. */
export function serverMode(kind: 'streamable' | 'sse', { options = [] }: ServerMode = {}): Path {
  return {
    name: `server mode, ${kind} ${options.join(' ')}`.trim(),
    open: async (scope) => {
      const proxy = await startProxy(scope, [...options, '--', ...LEGACY_SERVER]);
      return { target: { kind, url: urlOf(proxy.of('default'), kind) }, ready: nothingToAwait };
    },
  };
}

/** client → mcp-proxy URL → a server made with the official SDK. */
export function clientMode(
  kind: 'streamable' | 'sse',
  env: Readonly<Record<string, string>> = {},
  name = '',
): Path {
  return {
    name: `client mode, ${kind}${name}`,
    open: async (scope) => {
      const server = await startHttpServer(scope, env);
      return {
        target: { kind: 'stdio', command: [process.execPath, PROXY, urlOf(server, kind)] },
        ready: (clients) => (kind === 'sse' ? nothingToAwait() : server.streams(clients)),
      };
    },
  };
}

/** client → mcp-proxy URL → mcp-proxy --port → stdio server. */
export function chained(kind: 'streamable' | 'sse', { options = [] }: ServerMode = {}): Path {
  return {
    name: `chained, ${kind} ${options.join(' ')}`.trim(),
    open: async (scope) => {
      const proxy = await startProxy(scope, [...options, '--', ...LEGACY_SERVER]);
      const url = urlOf(proxy.of('default'), kind);
      return { target: { kind: 'stdio', command: [process.execPath, PROXY, url] }, ready: nothingToAwait };
    },
  };
}

function urlOf(urls: { readonly mcp: string; readonly sse: string }, kind: 'streamable' | 'sse'): string {
  return kind === 'sse' ? urls.sse : urls.mcp;
}
