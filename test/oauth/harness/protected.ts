/** Servers that people sign in to, and `mcp-proxy URL` in front of them with a browser without a screen. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, start } from '../../e2e/harness/processes.js';
import { startHttpServer, startModernServer } from '../../e2e/harness/proxy.js';
import { RawStdio } from '../../e2e/harness/raw-stdio.js';
import type { Scope } from '../../e2e/harness/scope.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures');
const PROTECTED = join(FIXTURES, 'servers/protected.mjs');
export const BROWSER = join(FIXTURES, 'browser.mjs');

type Env = Readonly<Record<string, string>>;

/** What came to the authorization server and to the guard. */
interface Seen {
  readonly authorizations: number;
  readonly registrations: number;
  /** The grant types of the requests for tokens. */
  readonly tokens: readonly string[];
  /** Which kinds of tokens were to be taken back. */
  readonly revoked: readonly string[];
  /** Requests for MCP that were refused, and that were let through. */
  readonly refused: number;
  readonly taken: number;
  /** Of the authorization requests. */
  readonly scopes: readonly string[];
  /** Codes, verifiers, refresh tokens and secrets that it was sent. */
  readonly secrets: readonly string[];
  /** Requests that came with a proof of a key. */
  readonly proofs: number;
}

export interface Protected {
  readonly mcp: string;
  readonly issuer: string;
  seen(): Promise<Seen>;
  /** Tells it to do something: `revoke`, `forget`, `remember`, `unregister`, `refuse`. */
  tell(what: string): Promise<void>;
}

export async function startProtected(
  scope: Scope,
  env: Env = {},
  era: 'legacy' | 'modern' = 'legacy',
): Promise<Protected> {
  const upstream = era === 'legacy' ? await startHttpServer(scope) : await startModernServer(scope);
  const UPSTREAM = new URL(upstream.mcp).origin;
  const program = scope.add(start(process.execPath, [PROTECTED], { env: { UPSTREAM, ...env } }), end);
  const { mcp, issuer, control } = JSON.parse(
    await program.line('stdout', (line) => (line.startsWith('{') ? line : undefined)),
  );
  return {
    mcp,
    issuer,
    seen: async () => (await fetch(`${control}/seen`)).json(),
    tell: async (what) => void (await (await fetch(`${control}/${what}`)).text()),
  };
}

/** One person at one machine: where credentials are kept, and which windows were opened. */
export class Person {
  readonly directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-oauth-'));
  readonly file = join(this.directory, 'credentials.json');
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
    scope.add(this, async () => rmSync(this.directory, { recursive: true, force: true }));
  }

  get env(): Env {
    return {
      BROWSER,
      BROWSER_LOG: join(this.directory, 'windows'),
      MCP_PROXY_CREDENTIALS_FILE: this.file,
      API_ACCESS_TOKEN: '',
    };
  }

  /** The URLs that a browser was opened with. */
  windows(): string[] {
    const path = join(this.directory, 'windows');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** What is kept of sign-ins, by name. */
  kept(): Readonly<Record<string, unknown>> {
    const { entries } = JSON.parse(readFileSync(this.file, 'utf8'));
    return Object.fromEntries(
      Object.entries(entries).map(([name, text]) => [name.split(' ')[0], JSON.parse(String(text))]),
    );
  }

  start(url: string, args: readonly string[] = [], env: Env = {}): RawStdio {
    return new RawStdio(this.#scope, url, args, { ...this.env, ...env });
  }
}
