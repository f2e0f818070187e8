/** Starts the built command as users do. */
import { join } from 'node:path';
import { end, type Program, type StartOptions, start } from './processes.js';
import type { Scope } from './scope.js';

const ROOT = join(import.meta.dirname, '../../..');
/** The command under test; MCP_PROXY_BIN names another build of it, such as an installed one. */
export const PROXY = process.env.MCP_PROXY_BIN ?? join(ROOT, 'bin/mcp-proxy.cjs');
const SERVERS = join(ROOT, 'test/fixtures/servers');

/** The fixture server of the legacy era: words of a command. */
export const LEGACY_SERVER = [process.execPath, join(SERVERS, 'legacy-everything.mjs')] as const;
/** The fixture servers that speak the modern era, by itself and beside the legacy one. */
export const MODERN_SERVER = [process.execPath, join(SERVERS, 'modern-server.mjs')] as const;
export const DUAL_SERVER = [process.execPath, join(SERVERS, 'dual-server.mjs')] as const;
/** Fixture servers written by hand, of one era each. */
export const MODERN_RAW = [process.execPath, join(SERVERS, 'modern-raw.mjs')] as const;
export const LEGACY_RAW = [process.execPath, join(SERVERS, 'legacy-raw.mjs')] as const;
const LEGACY_HTTP = join(SERVERS, 'legacy-http.mjs');

export interface StartedProxy {
  readonly program: Program;
  readonly url: string;
  /** The URLs of a named server; `default` is the command line's. */
  of(name: string): { readonly mcp: string; readonly sse: string };
}

interface Listening {
  readonly event: 'listening';
  readonly url: string;
  readonly servers: readonly { readonly name: string; readonly mcp: string; readonly sse: string }[];
}

/** Server mode on a free port. `args` are all words but `--port`. */
export async function startProxy(
  scope: Scope,
  args: readonly string[],
  options?: StartOptions,
): Promise<StartedProxy> {
  const program = scope.add(
    start(process.execPath, [PROXY, '--log-format', 'text', '--port', '0', ...args], options),
    end,
  );
  const listening = await program.line('stderr', parseListening);
  return {
    program,
    url: listening.url,
    of: (name) => {
      const found = listening.servers.find((server) => server.name === name);
      if (found === undefined) throw new Error(`the proxy serves no server of the name ${name}`);
      return found;
    },
  };
}

/** What the proxy's own line of JSON says on stderr. */
export function parseListening(line: string): Listening | undefined {
  return line.startsWith('{"event":"listening"') ? JSON.parse(line) : undefined;
}

export interface HttpServer {
  readonly mcp: string;
  readonly sse: string;
  /** The requests that came, with their headers and bodies, and the sessions that are open. */
  seen(): Promise<{ seen: SeenRequest[]; open: string[] }>;
  /** Waits until so many GET streams of /mcp have been opened since the start. */
  streams(count: number): Promise<void>;
  /** Forgets all sessions, as a restart does. */
  forget(): Promise<void>;
  /** Breaks the connections of all calls that are open. */
  drop(): Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** When it came, in milliseconds of the server's own clock. */
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: { readonly method?: string } | undefined;
}

/** The fixture server over HTTP, made with the official SDK. */
export async function startHttpServer(
  scope: Scope,
  env: Readonly<Record<string, string>> = {},
): Promise<HttpServer> {
  const program = scope.add(start(process.execPath, [LEGACY_HTTP], { env }), end);
  const port = await program.line('stdout', (line) => (/^\d+$/.test(line) ? line : undefined));
  const base = `http://127.0.0.1:${port}`;
  return {
    mcp: `${base}/mcp`,
    sse: `${base}/sse`,
    seen: async () => (await fetch(`${base}/seen`)).json(),
    streams: async (count) => void (await fetch(`${base}/streams?count=${count}`)).text(),
    drop: async () => void (await fetch(`${base}/drop`)).text(),
    forget: async () => void (await fetch(`${base}/forget`)).text(),
  };
}

export interface ModernHttpServer {
  readonly mcp: string;
  /** The requests that came, with their headers and bodies. */
  seen(): Promise<{ seen: Omit<SeenRequest, 'at' | 'path'>[] }>;
  /** Breaks the connections of all answers that are open. */
  drop(): Promise<void>;
}

/** A fixture server that speaks the modern era, over HTTP. */
export async function startModernServer(
  scope: Scope,
  env: Readonly<Record<string, string>> = {},
  [command, ...args]: typeof MODERN_SERVER | typeof DUAL_SERVER = MODERN_SERVER,
): Promise<ModernHttpServer> {
  const program = scope.add(start(command, args, { env: { ...env, HTTP: '1' } }), end);
  const port = await program.line('stdout', (line) => (/^\d+$/.test(line) ? line : undefined));
  const base = `http://127.0.0.1:${port}`;
  return {
    mcp: `${base}/mcp`,
    seen: async () => (await fetch(`${base}/seen`)).json(),
    drop: async () => void (await fetch(`${base}/drop`)).text(),
  };
}
