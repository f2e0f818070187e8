/** The official client gets in by itself, through a real authorization server, and calls. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  auth,
  Client,
  type OAuthClientInformationMixed,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guards } from '../security.js';
import { end, start } from './harness/processes.js';
import { LEGACY_SERVER, MODERN_SERVER, type StartedProxy, startProxy } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

const ISSUER = join(import.meta.dirname, '../fixtures/servers/authorization-server.mjs');
const CALLBACK = 'http://127.0.0.1:9/callback';

let scope: Scope;
let directory: string;
beforeEach(() => {
  scope = new Scope();
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await scope.end();
  rmSync(directory, { recursive: true });
});

async function startIssuer(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const program = scope.add(start(process.execPath, [ISSUER], { env }), end);
  return program.line('stdout', (line) => (line.startsWith('http') ? line : undefined));
}

/** A client's memory, and a browser that does what it is told. */
class Person implements OAuthClientProvider {
  readonly redirectUrl = CALLBACK;
  readonly seen: URL[] = [];
  callback: URL | undefined;
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  #discovered: OAuthDiscoveryState | undefined;
  #code: string | undefined;

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'a test',
      application_type: 'native',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    return randomUUID();
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  /** Follows redirects with cookies, as a browser does, until it is sent back to the client. */
  async redirectToAuthorization(url: URL): Promise<void> {
    this.seen.push(url);
    const cookies = new Map<string, string>();
    let at = url;
    for (let step = 0; step < 10 && !at.href.startsWith(CALLBACK); step++) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
      for (const one of answer.headers.getSetCookie()) {
        const [name = '', value = ''] = one.split(';', 1)[0]?.split(/=(.*)/s) ?? [];
        cookies.set(name, value);
      }
      const next = answer.headers.get('location');
      if (next === null) throw new Error(`${at.pathname}: ${answer.status} ${await answer.text()}`);
      at = new URL(next, at);
    }
    this.#code = at.searchParams.get('code') ?? undefined;
    this.callback = at;
  }

  /** What the browser was sent back with. */
  get answer(): URLSearchParams {
    return this.callback?.searchParams ?? new URLSearchParams();
  }

  get code(): string {
    if (this.#code === undefined) throw new Error(`no code: ${this.callback?.href}`);
    return this.#code;
  }

  get access(): string {
    return this.#tokens?.access_token ?? '';
  }
}

/** The whole way in, with nothing known before but the server's URL. */
async function connect(url: string, person: Person): Promise<Client> {
  const client = new Client({ name: 'e2e', version: '1' });
  const first = new StreamableHTTPClientTransport(new URL(url), { authProvider: person });
  await expect(client.connect(first)).rejects.toThrow(UnauthorizedError);
  await first.finishAuth(person.answer);
  await first.close();
  const again = new Client({ name: 'e2e', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await again.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider: person }));
  scope.add(again, (one) => one.close());
  return again;
}

function startGuarded(
  issuer: string,
  args: readonly string[],
  server: readonly string[],
): Promise<StartedProxy> {
  return startProxy(scope, [
    '--auth-issuer',
    issuer,
    '--required-scope',
    'mcp:use',
    ...args,
    '--',
    ...server,
  ]);
}

describe.each([
  ['a legacy server', LEGACY_SERVER],
  ['a modern server', MODERN_SERVER],
])('in front of %s', (_, server) => {
  it(`${guards('token.flow')} the official client finds the issuer, registers, signs in with PKCE, and calls`, async () => {
    const issuer = await startIssuer();
    const proxy = await startGuarded(issuer, [], server);
    const person = new Person();
    const client = await connect(proxy.of('default').mcp, person);
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    const [asked] = person.seen;
    expect(asked?.origin).toBe(issuer);
    expect(asked?.searchParams.get('resource')).toBe(proxy.of('default').mcp);
    expect(asked?.searchParams.get('code_challenge_method')).toBe('S256');
    expect(asked?.searchParams.get('scope')).toContain('mcp:use');
    expect(proxy.program.stderr()).not.toContain(person.access);
  });
});

it(`${guards('token.flow')} a token for one server of the proxy is none for another`, async () => {
  const issuer = await startIssuer();
  const command = LEGACY_SERVER.map((word) => `'${word}'`).join(' ');
  const named = ['--named-server', 'a', command, '--named-server', 'b', command];
  const proxy = await startProxy(scope, ['--auth-issuer', issuer, '--required-scope', 'mcp:use', ...named]);
  const person = new Person();
  const client = await connect(proxy.of('a').mcp, person);
  expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  const headers = { authorization: `Bearer ${person.access}` };
  const statuses = [];
  for (const name of ['a', 'b']) statuses.push((await fetch(proxy.of(name).mcp, { headers })).status);
  expect(statuses).toEqual([400, 401]);
});

it(`${guards('token.flow')} a token for somebody else lets nobody in`, async () => {
  const issuer = await startIssuer({ AUDIENCE: 'https://other.example' });
  const proxy = await startGuarded(issuer, [], LEGACY_SERVER);
  const person = new Person();
  const client = new Client({ name: 'e2e', version: '1' });
  const options = { serverUrl: proxy.of('default').mcp };
  expect(await auth(person, options)).toBe('REDIRECT');
  const iss = person.answer.get('iss') ?? '';
  await auth(person, { ...options, authorizationCode: person.code, iss });
  const transport = new StreamableHTTPClientTransport(new URL(options.serverUrl), {
    requestInit: { headers: { authorization: `Bearer ${person.access}` } },
  });
  const refusal = await client.connect(transport).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(SdkHttpError);
  expect(String(refusal)).toMatch(/401|not good here/);
});

it(`${guards('token.flow')} opaque tokens are asked about at the authorization server`, async () => {
  const issuer = await startIssuer({ FORMAT: 'opaque' });
  const secretFile = join(directory, 'secret');
  writeFileSync(secretFile, 'proxy-secret\n', { mode: 0o600 });
  const asking = ['--auth-introspection-url', `${issuer}/token/introspection`, '--auth-client-id', 'proxy'];
  const proxy = await startGuarded(
    issuer,
    [...asking, '--auth-client-secret-file', secretFile],
    LEGACY_SERVER,
  );
  const person = new Person();
  const client = await connect(proxy.of('default').mcp, person);
  expect(person.access).not.toContain('.');
  expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  expect(proxy.program.stderr()).not.toMatch(/proxy-secret/);
});
