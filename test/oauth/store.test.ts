/** What is kept of a sign-in, and shared by all that run: the built command, several of them. */
import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { end, start } from '../e2e/harness/processes.js';
import { PROXY } from '../e2e/harness/proxy.js';
import type { RawStdio } from '../e2e/harness/raw-stdio.js';
import { Scope } from '../e2e/harness/scope.js';
import { req } from '../requirements.js';
import { guards } from '../security.js';
import { BROWSER, Person, startProtected } from './harness/protected.js';

const scope = new Scope();
afterEach(() => scope.end());

/** Several processes of one person take a while to start on a busy machine. */
const MANY_MS = 120_000;

describe('a sign-in', () => {
  it(`${guards('oauth.kept')} ${req('auth.client.tokens-kept')} is kept for the next start, in a file that only its owner can read`, async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const first = person.start(server.mcp);
    await first.begin();
    expect(statSync(person.file).mode & 0o777).toBe(0o600);
    await end(first.program);
    const { refused } = await server.seen();
    expect((await person.start(server.mcp).begin()).result).toBeDefined();
    expect(await server.seen()).toMatchObject({ refused, authorizations: 1 });
    expect(person.windows()).toHaveLength(1);
  });

  it.skipIf(process.platform === 'win32')(
    `${guards('oauth.kept')} is closed to others where they could get at it, which is told`,
    async () => {
      const server = await startProtected(scope);
      const person = new Person(scope);
      await end((await signedIn(person, server.mcp)).program);
      chmodSync(person.file, 0o644);
      chmodSync(person.directory, 0o777);
      const client = await signedIn(person, server.mcp);
      expect(statSync(person.file).mode & 0o777).toBe(0o600);
      await end(client.program);
      const told = client.program.stderr().match(/Other users of this machine[^\n]*/g);
      expect(told).toEqual([
        expect.stringMatching(/credentials\.json \(mode 0644\); now only its owner can/),
        expect.stringMatching(/may write in .* \(mode 0777\)/),
      ]);
    },
  );

  it('is one for all that start at the same time', { timeout: MANY_MS }, async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const clients = [1, 2, 3].map(() => person.start(server.mcp, [], { BROWSER_WAIT: '1500' }));
    const answers = await Promise.all(clients.map((client) => client.begin()));
    for (const { result } of answers) expect(result).toBeDefined();
    expect(person.windows()).toHaveLength(1);
    expect(await server.seen()).toMatchObject({ registrations: 1, tokens: ['authorization_code'] });
    await server.tell('revoke');
    const calls = await Promise.all(clients.map((client) => client.call(1, 'add', { a: 1, b: 2 })));
    for (const { result } of calls) expect(result).toBeDefined();
    expect((await server.seen()).tokens).toEqual(['authorization_code', 'refresh_token']);
  });

  it('that is refused is refused for all, in one window', { timeout: MANY_MS }, async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const clients = [1, 2].map(() =>
      person.start(server.mcp, [], { BROWSER_WAIT: '3000', BROWSER_DENY: '1' }),
    );
    const answers = await Promise.all(clients.map((client) => client.begin()));
    for (const { error } of answers) expect(error?.message).toMatch(/access_denied|has failed/);
    expect(person.windows()).toHaveLength(1);
  });

  it('that was begun is continued by the next start, in the window that is open', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const first = person.start(server.mcp, [], { BROWSER_STAY: '1' });
    const begun = first.begin();
    const printed = /wants you to sign in\. .*: (http\S+)$/;
    const url = await first.program.line('stderr', (line) => printed.exec(line)?.[1]);
    first.program.kill('SIGKILL');
    await first.program.ended;
    await begun.catch(() => undefined);
    const second = person.start(server.mcp, [], { BROWSER_STAY: '1' });
    const again = second.begin();
    expect(await second.program.line('stderr', (line) => printed.exec(line)?.[1])).toBe(url);
    expect(person.windows()).toEqual([url]);
    await start(process.execPath, [BROWSER, url]).ended;
    expect((await again).result).toBeDefined();
  });

  it.each<[string, (client: RawStdio) => void]>([
    ['its client closes stdin', ({ program }) => program.closeStdin()],
    ['a signal stops it', ({ program }) => program.kill('SIGTERM')],
  ])('that was begun holds nobody up where %s', async (_, stop) => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const first = person.start(server.mcp, ['--sign-in-timeout', '1'], { BROWSER_STAY: '1' });
    const begun = first.begin().catch(() => undefined);
    await first.program.line('stderr', (line) =>
      /wants you to sign in\. A browser/.test(line) ? 1 : undefined,
    );
    await begun;
    stop(first);
    expect(await first.program.ended).toMatchObject({ code: 0 });
    expect(readdirSync(person.directory).sort()).toEqual(['credentials.json', 'windows']);
  });

  it('is told to the client only once the browser can come back', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const first = person.start(server.mcp, [], { BROWSER_STAY: '1' });
    const begun = first.begin().catch(() => undefined);
    const url = await first.program.line(
      'stderr',
      (line) => /wants you to sign in\. .*: (http\S+)$/.exec(line)?.[1],
    );
    first.program.kill('SIGKILL');
    await first.program.ended;
    await begun;
    // The one that was killed holds the lock, for as long as this test takes, and nobody listens.
    const lock = readdirSync(person.directory).find((name) => name.endsWith('.lock')) ?? '';
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(person.directory, lock), later, later);
    const second = person.start(server.mcp, ['--sign-in-timeout', '1'], { BROWSER_STAY: '1' });
    expect((await second.begin()).error?.message).toMatch(/wants you to sign in\. Where is not known yet/);
    expect(person.windows()).toEqual([url]);
  });

  it('is forgotten by logout', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const first = person.start(server.mcp);
    await first.begin();
    await end(first.program);
    expect(Object.keys(person.kept()).sort()).toEqual(['client', 'grant']);
    const logout = async (url: string) => {
      const program = start(process.execPath, [PROXY, 'logout', url], { env: person.env });
      expect(await program.ended).toMatchObject({ code: 0 });
      return program.stderr();
    };
    expect(await logout(server.mcp)).toMatch(/^Forgotten/);
    expect(person.kept()).toEqual({});
    expect(await logout(server.mcp)).toMatch(/^Nothing is kept/);
    expect((await person.start(server.mcp).begin()).result).toBeDefined();
    expect(person.windows()).toHaveLength(2);
  });

  it('is taken back by its authorization server at logout, and opens nothing any more', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp);
    await client.begin();
    const logout = start(process.execPath, [PROXY, 'logout', server.mcp], { env: person.env });
    expect(await logout.ended).toMatchObject({ code: 0 });
    expect(logout.stderr()).toMatch(/^Forgotten.*\nIts authorization server has taken back the tokens\.\n$/);
    expect((await server.seen()).revoked).toEqual(['refresh_token', 'access_token']);
    // The client that still runs has the token yet, which is refused: somebody is asked again.
    const { refused } = await server.seen();
    expect((await client.call(1, 'add', { a: 1, b: 1 })).result).toBeDefined();
    expect((await server.seen()).refused).toBe(refused + 1);
    expect(person.windows()).toHaveLength(2);
  });

  it.each([
    ['none', /its authorization server has no place for that/],
    ['refused', /has refused it \(503, temporarily_unavailable\)/],
    ['silent', /it took longer than 10 s/],
  ])(
    'is forgotten by logout also where it cannot be taken back (%s), which is told',
    async (REVOCATION, words) => {
      const server = await startProtected(scope, { REVOCATION });
      const person = new Person(scope);
      const client = person.start(server.mcp);
      await client.begin();
      await end(client.program);
      const kept = JSON.stringify(person.kept());
      const logout = start(process.execPath, [PROXY, 'logout', server.mcp], { env: person.env });
      // Before anybody is asked.
      await logout.line('stderr', (line) => (line.startsWith('Forgotten') ? line : undefined));
      expect(person.kept()).toEqual({});
      expect(await logout.ended).toMatchObject({ code: 0 });
      expect(logout.stderr()).toMatch(words);
      for (const [token] of kept.matchAll(/[\w-]{40,}/g)) expect(logout.stderr()).not.toContain(token);
    },
  );

  it('that is forgotten by logout is not brought back by a client that still runs', async () => {
    const server = await startProtected(scope, { TTL: '8', REVOCATION: 'none' });
    const person = new Person(scope);
    const client = person.start(server.mcp);
    await client.begin();
    const logout = start(process.execPath, [PROXY, 'logout', server.mcp], { env: person.env });
    expect(await logout.ended).toMatchObject({ code: 0 });
    // The token is good for a while, is not renewed, and then somebody is asked.
    let id = 0;
    await expect
      .poll(
        async () => {
          id += 1;
          expect((await client.call(id, 'add', { a: 1, b: 1 })).result).toBeDefined();
          return (await server.seen()).tokens;
        },
        { timeout: 30_000, interval: 500 },
      )
      .toHaveLength(2);
    expect((await server.seen()).tokens).toEqual(['authorization_code', 'authorization_code']);
    expect(person.windows()).toHaveLength(2);
  });

  it.skipIf(process.platform !== 'linux')('is in the usual file where there is no keychain', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const env = {
      MCP_PROXY_CREDENTIALS_FILE: '',
      XDG_CONFIG_HOME: person.directory,
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${person.directory}/no-bus`,
    };
    await end((await signedIn(person, server.mcp, env)).program);
    const file = join(person.directory, 'mcp-proxy', 'credentials.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('accessToken');
    await signedIn(person, server.mcp, env);
    expect(person.windows()).toHaveLength(1);
  });

  it('of one client is not that of another', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    await person.start(server.mcp).begin();
    const other = person.start(server.mcp, ['--client-id', 'known', '--client-secret', 'known-secret-value']);
    expect((await other.begin()).result).toBeDefined();
    expect(person.windows()).toHaveLength(2);
    expect(person.kept().grant).toMatchObject({ clientId: 'known' });
  });

  it('is begun anew where its file is broken', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    await end((await signedIn(person, server.mcp)).program);
    writeFileSync(person.file, readFileSync(person.file, 'utf8').slice(0, -20));
    expect((await person.start(server.mcp).begin()).result).toBeDefined();
    expect(person.windows()).toHaveLength(2);
  });

  it.skipIf(process.getuid?.() === 0)(
    'is for one run where nothing can be kept, and that is told',
    async () => {
      const server = await startProtected(scope, { NO_DEVICE: '1' });
      const person = new Person(scope);
      chmodSync(person.directory, 0o500);
      const client = person.start(server.mcp, ['--no-browser']);
      const begun = client.begin();
      const url = await client.program.line('stderr', (line) => /machine: (http\S+)/.exec(line)?.[1]);
      await start(process.execPath, [BROWSER, url]).ended;
      expect((await begun).result).toBeDefined();
      expect(client.program.stderr()).toMatch(/is for this run only/);
      chmodSync(person.directory, 0o700);
    },
  );
});

async function signedIn(person: Person, url: string, env: Readonly<Record<string, string>> = {}) {
  const client = person.start(url, [], env);
  expect((await client.begin()).result).toBeDefined();
  return client;
}

describe('no secret of a sign-in is told to anybody', () => {
  it(`${guards('oauth.secrets')} neither in the log nor in an answer, whatever the authorization server says`, async () => {
    const server = await startProtected(scope, { ECHO: '1' });
    const person = new Person(scope);
    const client = person.start(server.mcp, ['--debug', '--sign-in-timeout', '3']);
    await client.begin();
    const { grant } = person.kept();
    await server.tell('forget');
    expect((await client.call(1, 'add', { a: 1, b: 1 })).result).toBeDefined();
    await server.tell('revoke');
    await server.tell('refuse');
    const { error } = await client.call(2, 'add', { a: 1, b: 1 });
    expect(error?.message).toMatch(/Nobody could sign in/);
    const { secrets } = await server.seen();
    const tokens = [grant, person.kept().grant].flatMap((one) => Object.entries(Object(one)));
    const canaries = tokens
      .filter(([name]) => name === 'accessToken' || name === 'refreshToken')
      .map(([, value]) => String(value));
    const all = [...new Set([...secrets, ...canaries])];
    // Codes and verifiers of three sign-ins, refresh tokens, access tokens.
    expect(all.length).toBeGreaterThanOrEqual(9);
    const said = client.program.stdout() + client.program.stderr();
    expect(all.filter((secret) => said.includes(secret))).toEqual([]);
  });
});
