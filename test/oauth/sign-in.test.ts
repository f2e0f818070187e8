/** A person signs in to a remote server: the built command, a real authorization server, a browser without a screen. */
import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../e2e/harness/listen.js';
import { start } from '../e2e/harness/processes.js';
import { startHttpServer } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { req } from '../requirements.js';
import { guards } from '../security.js';
import { BROWSER, Person, startProtected } from './harness/protected.js';

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'a client', version: '1' },
};

const scope = new Scope();
afterEach(() => scope.end());

/** A remote server by hand. */
async function serve(listener: (origin: string) => RequestListener): Promise<string> {
  const server = createServer();
  const origin = await listen(scope, server);
  server.on('request', listener(origin));
  return origin;
}

describe('a server that people sign in to', () => {
  it(`${req('auth.client.resource-metadata', 'auth.client.pkce', 'auth.client.redirect-loopback')} is signed in to once, and then serves its client`, async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp);
    expect((await client.begin()).result).toMatchObject({ protocolVersion: '2025-11-25' });
    expect((await client.call(1, 'add', { a: 2, b: 3 })).result).toBeDefined();
    const [window = ''] = person.windows();
    expect(person.windows()).toHaveLength(1);
    const asked = new URL(window).searchParams;
    expect(asked.get('resource')).toBe(server.mcp);
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    expect(asked.get('scope')?.split(' ')).toContain('mcp:read');
    expect(await server.seen()).toMatchObject({ registrations: 1, authorizations: 1 });
  });

  it('serves a modern client', async () => {
    const server = await startProtected(scope, {}, 'modern');
    const client = new Person(scope).start(server.mcp);
    const answer = await client.modern('tools/call', { name: 'add', arguments: { a: 2, b: 3 } }, { id: 1 });
    expect(answer.result).toMatchObject({ resultType: 'complete' });
  });

  it('serves a legacy client of a modern server', async () => {
    const server = await startProtected(scope, {}, 'modern');
    const client = new Person(scope).start(server.mcp);
    expect((await client.begin()).result).toBeDefined();
    expect((await client.call(1, 'add', { a: 2, b: 3 })).result).toBeDefined();
  });

  it(`${req('auth.client.static')} is met as a client that is registered there`, async () => {
    const server = await startProtected(scope, { NO_REGISTRATION: '1' });
    const person = new Person(scope);
    const nobody = person.start(server.mcp);
    expect((await nobody.begin()).error?.message).toMatch(/registers nobody by itself.*--client-id/);
    const client = person.start(server.mcp, [
      '--client-id',
      'known',
      '--client-secret',
      'known-secret-value',
    ]);
    expect((await client.begin()).result).toBeDefined();
    expect(new URL(person.windows()[0] ?? '').searchParams.get('client_id')).toBe('known');
  });

  it(`${req('auth.client.step-up', 'auth.client.step-up-limit')} asks for more scopes when a call needs them, once`, async () => {
    const server = await startProtected(scope, { WRITE_TOOL: 'echo' });
    const person = new Person(scope);
    const client = person.start(server.mcp);
    await client.begin();
    expect((await client.call(1, 'echo', { text: 'x' })).result).toBeDefined();
    expect(person.windows()).toHaveLength(2);
    const { scopes } = await server.seen();
    expect(scopes[1]?.split(' ')).toEqual(expect.arrayContaining(['mcp:read', 'mcp:write']));
  });

  it('gets a new token when it takes the old one no more, without asking anybody', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp);
    await client.begin();
    await server.tell('revoke');
    const answers = await Promise.all([1, 2, 3].map((id) => client.call(id, 'add', { a: id, b: 1 })));
    for (const { result } of answers) expect(result).toBeDefined();
    expect(person.windows()).toHaveLength(1);
    expect((await server.seen()).tokens).toEqual(['authorization_code', 'refresh_token']);
  });

  it('is signed in to again where the new token is refused, too', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp);
    await client.begin();
    await server.tell('forget');
    expect((await client.call(1, 'add', { a: 1, b: 1 })).result).toBeDefined();
    expect(person.windows()).toHaveLength(2);
  });

  it('takes none of the time of requests while somebody signs in', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp, ['--request-timeout', '2'], { BROWSER_WAIT: '4000' });
    await client.begin();
    await server.tell('forget');
    expect((await client.call(1, 'add', { a: 1, b: 1 })).result).toBeDefined();
    expect(person.windows()).toHaveLength(2);
  });

  it('comes back to the port that was registered, and says so where that is in use', async () => {
    const server = await startProtected(scope, { NO_REGISTRATION: '1' });
    const taken = Number(new URL(await serve(() => (_request, response) => void response.end())).port);
    const known = ['--client-id', 'known', '--client-secret', 'known-secret-value', '--redirect-port'];
    const nobody = new Person(scope);
    const { error } = await nobody.start(server.mcp, [...known, String(taken)]).begin();
    expect(error?.message).toMatch(`port ${taken} (--redirect-port) is in use`);
    expect(nobody.windows()).toEqual([]);
    await scope.end();
    const again = await startProtected(scope, { NO_REGISTRATION: '1' });
    const person = new Person(scope);
    expect((await person.start(again.mcp, [...known, String(taken)]).begin()).result).toBeDefined();
    const asked = new URL(person.windows()[0] ?? '').searchParams;
    expect(asked.get('redirect_uri')).toBe(`http://127.0.0.1:${taken}/callback`);
  });

  it('gets a new token before the old one ends', async () => {
    const server = await startProtected(scope, { TTL: '8' });
    const person = new Person(scope);
    const client = person.start(server.mcp);
    await client.begin();
    const renewed = async (): Promise<boolean> => (await server.seen()).tokens.includes('refresh_token');
    let id = 0;
    await expect
      .poll(
        async () => {
          id += 1;
          expect((await client.call(id, 'add', { a: 1, b: 1 })).result).toBeDefined();
          return renewed();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(true);
    // Those that began without a token, and nobody later.
    expect((await server.seen()).refused).toBeLessThanOrEqual(2);
    expect(person.windows()).toHaveLength(1);
  });
});

describe('while nobody has signed in', () => {
  it('initialize waits for a limit, and then says what to do; the sign-in goes on', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp, ['--sign-in-timeout', '1'], { BROWSER_STAY: '1' });
    const told = /wants you to sign in\. Open this in a browser.*: (http\S+)$/;
    let url: string | undefined;
    // On a busy machine the first may fail before it is known where to sign in.
    for (let id = 1; url === undefined; id++) {
      client.write({ id, method: 'initialize', params: INITIALIZE });
      const { error } = await client.answer(id);
      expect(error?.message).toMatch(/wants you to sign in/);
      url = told.exec(error?.message ?? '')?.[1];
    }
    expect(url).toBe(person.windows()[0]);
    // The person comes at last, to the window that is still open.
    expect(await start(process.execPath, [BROWSER, url], { env: { BROWSER_STAY: '' } }).ended).toMatchObject({
      code: 0,
    });
    client.write({ id: 'again', method: 'initialize', params: INITIALIZE });
    expect((await client.answer('again')).result).toBeDefined();
    expect(person.windows()).toHaveLength(1);
  });

  it('the URL is printed where no browser is to be opened', async () => {
    const server = await startProtected(scope, { NO_DEVICE: '1' });
    const person = new Person(scope);
    const client = person.start(server.mcp, [
      '--no-browser',
      '--sign-in-timeout',
      '1',
      '--log-level',
      'error',
    ]);
    // Somebody else: of several programs of one person only one asks.
    const other = new Person(scope);
    const none = other.start(server.mcp, ['--sign-in-timeout', '1'], { BROWSER: 'none' });
    for (const { program, begun } of [client, none].map((one) => ({
      program: one.program,
      begun: one.begin(),
    }))) {
      await program.line('stderr', (line) =>
        /wants you to sign in\. Open in a browser on this machine: http/.test(line) ? true : undefined,
      );
      expect((await begun).error).toBeDefined();
    }
    expect([...person.windows(), ...other.windows()]).toEqual([]);
  });

  it('a sign-in that is refused is told, and not begun again at once', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp, [], { BROWSER_DENY: '1' });
    expect((await client.begin()).error?.message).toMatch(/sign-in was refused \(access_denied\)/);
    client.write({ id: 7, method: 'tools/list' });
    expect((await client.answer(7)).error?.message).toMatch(/access_denied/);
    expect(person.windows()).toHaveLength(1);
  });
});

describe('what is no sign-in', () => {
  it('a 401 of a server that nobody can sign in to is told in words', async () => {
    const paths: (string | undefined)[] = [];
    const origin = await serve(() => (request, response) => {
      paths.push(request.url);
      response.writeHead(request.url === '/mcp' ? 401 : 404).end('a key, please');
    });
    const client = new Person(scope).start(`${origin}/mcp`);
    const { error } = await client.begin();
    expect(error?.message).toMatch(/HTTP status 401: a key, please It wants credentials/);
  });

  it.each([
    ['a header', ['--headers', 'Authorization', 'Bearer given-by-hand'], {}],
    ['the environment', [], { API_ACCESS_TOKEN: 'given-by-hand' }],
  ])('a token from %s that is refused', async (_, args, env) => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp, args, env);
    expect((await client.begin()).error?.message).toMatch(/HTTP status 401/);
    expect(person.windows()).toEqual([]);
    expect((await server.seen()).registrations).toBe(0);
  });

  it('a server without a guard loads nothing of it', async () => {
    const { mcp } = await startHttpServer(scope);
    // The loader tells which modules are loaded.
    const client = new Person(scope).start(mcp, [], { NODE_DEBUG: 'module' });
    await client.begin();
    expect(client.program.stderr()).toMatch(/dist\/connect\.cjs/);
    expect(client.program.stderr()).not.toMatch(/dist\/sign-in-/);
  });
});

describe('an authorization server that is not to be trusted', () => {
  const metadata =
    (origin: string, more: object): RequestListener =>
    (request, response) => {
      const { url = '' } = request;
      if (url === '/mcp') {
        response.writeHead(401, {
          'www-authenticate': `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
        });
        response.end();
        return;
      }
      const documents: Readonly<Record<string, object>> = {
        '/.well-known/oauth-protected-resource/mcp': {
          resource: `${origin}/mcp`,
          authorization_servers: [origin],
        },
        '/.well-known/oauth-authorization-server': {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
          ...more,
        },
      };
      const document = documents[url];
      response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    };

  it.each<[string, object, RegExp]>([
    ['opens a program', { authorization_endpoint: 'file:///usr/bin/id' }, /is not https/],
    ['runs a script', { authorization_endpoint: 'javascript:alert(1)' }, /./],
    ['has no TLS', { authorization_endpoint: 'http://authority.example/authorize' }, /is not https/],
    ['gets tokens without TLS', { token_endpoint: 'http://authority.example/token' }, /is not https/],
    ['is somebody else', { issuer: 'https://honest.example' }, /that of another one \(`issuer`\)/],
    ['protects no codes', { code_challenge_methods_supported: undefined }, /PKCE/],
  ])(
    `${guards('oauth.endpoints')} ${req('auth.client.https', 'auth.client.pkce-refused', 'auth.client.issuer-identical')} is not followed where it %s`,
    async (_, more, reason) => {
      const origin = await serve((own) => metadata(own, more));
      const person = new Person(scope);
      const client = person.start(`${origin}/mcp`);
      const { error } = await client.begin();
      expect(error?.message).toMatch(/Nobody could sign in/);
      expect(error?.message).toMatch(reason);
      expect(person.windows()).toEqual([]);
    },
  );

  it(`${guards('oauth.identity')} ${req('auth.client.no-other-tokens')} is not followed where the server takes itself for another`, async () => {
    const origin = await serve((own) => (request, response) => {
      if (request.url !== '/.well-known/oauth-protected-resource/mcp') metadata(own, {})(request, response);
      else
        response.end(
          JSON.stringify({ resource: 'https://honest.example/mcp', authorization_servers: [own] }),
        );
    });
    const client = new Person(scope).start(`${origin}/mcp`);
    expect((await client.begin()).error?.message).toMatch(/that of another server \(`resource`\)/);
  });
});
