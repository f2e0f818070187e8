import { describe, expect, it } from 'vitest';
import { type CommandLine, parseCommandLine } from '../../../src/cli/options.js';
import { req } from '../../requirements.js';

type Env = Readonly<Record<string, string>>;

async function parse(argv: string | readonly string[], env: Env = {}): Promise<CommandLine> {
  return parseCommandLine(typeof argv === 'string' ? argv.split(' ').filter(Boolean) : argv, env);
}

async function client(argv: string | readonly string[], env: Env = {}) {
  const line = await parse(argv, env);
  if (line.mode !== 'client') throw new Error(`is ${line.mode}: ${'text' in line ? line.text : ''}`);
  return line;
}

async function server(argv: string | readonly string[], env: Env = {}) {
  const line = await parse(argv, env);
  if (line.mode !== 'server') throw new Error(`is ${line.mode}: ${'text' in line ? line.text : ''}`);
  return line;
}

async function refusal(argv: string | readonly string[], env: Env = {}): Promise<string> {
  const line = await parse(argv, env);
  if (line.mode !== 'usage-error') throw new Error(`is ${line.mode}`);
  return line.text;
}

describe('the mode', () => {
  it.each(['http://host/sse', 'https://host/mcp', '--debug https://host', '-- https://host', 'HTTPS://host'])(
    'is client mode for a URL: %s',
    async (line) => {
      expect((await parse(line)).mode).toBe('client');
    },
  );

  it.each(['npx -y server', 'ftp://host', 'server https://host', 'httpx://y', '--named-server a b'])(
    'is server mode for anything else: %s',
    async (line) => {
      expect((await parse(line)).mode).toBe('server');
    },
  );

  it.each(['', '--port 8080', '--', '--env A B'])(
    'is a usage error without anything to do: "%s"',
    async (line) => {
      const text = await refusal(line);
      expect(text).toMatch(/^usage: mcp-proxy \[options\] \[command_or_url\] \[args \.\.\.\]\n/);
      expect(text).toMatch(/error: nothing to do/);
    },
  );

  it('takes an empty command as none, as scripts with an empty variable expect', async () => {
    expect((await server(['--named-server', 'a', 'b', ''])).options.defaultServer).toBeUndefined();
    expect(await refusal([''])).toMatch(/nothing to do/);
    expect(await refusal(['', 'a'])).toMatch(/the command is empty/);
  });

  it('shows help and version', async () => {
    expect(await parse('--version')).toEqual({
      mode: 'version',
      text: expect.stringMatching(/^mcp-proxy \d+\.\d+\.\d+\S*\n$/),
    });
    expect((await parse('-h')).mode).toBe('help');
  });
});

describe('SSE_URL', () => {
  const env = { SSE_URL: 'http://old/sse' };

  it('stands in for a missing first argument, with a warning', async () => {
    const { options, warnings } = await client('--debug', env);
    expect(options.url.href).toBe('http://old/sse');
    expect(warnings).toEqual([expect.stringContaining('SSE_URL')]);
  });

  it.each(['npx server', '--named-server a b', '--named-server-config f.json'])(
    'is nothing beside %s',
    async (line) => {
      const { options, warnings } = await server(line, env);
      expect(options.defaultServer?.command).toBe(line.startsWith('npx') ? 'npx' : undefined);
      expect(warnings).toEqual([]);
    },
  );

  it('counts as missing when it is empty', async () => {
    expect(await refusal('', { SSE_URL: '' })).toMatch(/nothing to do/);
  });
});

describe('logout', () => {
  it('takes the URL of a remote server', async () => {
    expect(await parse('logout https://host/mcp')).toEqual({
      mode: 'logout',
      url: new URL('https://host/mcp'),
    });
  });

  it.each(['logout', 'logout server', 'logout https://host more'])('takes nothing else: %s', async (line) => {
    expect(await refusal(line)).toMatch(/put -- before it/);
  });

  it.each(['-- logout', '--port 1 logout'])(
    'is a command where it is not the first word: %s',
    async (line) => {
      expect((await server(line)).options.defaultServer).toMatchObject({ command: 'logout' });
    },
  );
});

describe('client mode', () => {
  it('has defaults', async () => {
    expect(await client('https://host/mcp')).toEqual({
      mode: 'client',
      options: {
        url: new URL('https://host/mcp'),
        headers: [],
        transport: 'auto',
        era: 'auto',
        signIn: {
          client: {},
          keyFile: undefined,
          redirectPort: undefined,
          browser: true,
          device: false,
          timeout: 50_000,
        },
        verify: true,
        logLevel: 'info',
        logFormat: 'auto',
      },
      warnings: [],
    });
  });

  it('takes headers in their order', async () => {
    const { options } = await client([
      '-H',
      'X-A',
      '1',
      'https://h',
      '--headers',
      'x-a',
      '-2',
      '-H',
      'Y',
      '',
    ]);
    expect(options.headers).toEqual([
      ['X-A', '1'],
      ['x-a', '-2'],
      ['Y', ''],
    ]);
  });

  it.each(['auto', 'sse', 'streamablehttp'])('takes --transport %s', async (transport) => {
    expect((await client(`--transport ${transport} https://h`)).options.transport).toBe(transport);
  });

  it('refuses another transport', async () => {
    expect(await refusal('--transport http https://h')).toMatch(
      /--transport is one of auto, sse, streamablehttp/,
    );
  });

  it('makes a header of API_ACCESS_TOKEN', async () => {
    const { options } = await client('-H X-A 1 https://h', { API_ACCESS_TOKEN: 'tok\n' });
    expect(options.headers).toEqual([
      ['X-A', '1'],
      ['Authorization', 'Bearer tok'],
    ]);
    expect((await client('https://h', { API_ACCESS_TOKEN: '' })).options.headers).toEqual([]);
  });

  it.each(['Authorization', 'authorization', 'AUTHORIZATION'])('prefers an explicit %s', async (name) => {
    const { options } = await client(['-H', name, 'Basic x', 'https://h'], { API_ACCESS_TOKEN: 'tok' });
    expect(options.headers).toEqual([[name, 'Basic x']]);
  });

  it('never shows the value of a header', async () => {
    for (const argv of [
      ['-H', 'Authorization: Bearer hunter2', 'https://h'],
      ['-H', 'Authorization: Bearer hunter2', 'x', 'https://h'],
      ['-H', 'Authorization=hunter2', 'x', 'https://h'],
      ['-H', 'Authorization', 'hunter2\r\nX: y', 'https://h'],
    ]) {
      const text = await refusal(argv);
      expect(text).toContain('Authorization');
      expect(text).not.toContain('hunter2');
    }
    expect(await refusal('https://h', { API_ACCESS_TOKEN: 'hun\nter2' })).not.toContain('ter2');
  });

  it('takes client credentials', async () => {
    const { options } = await client('--client-id i --client-secret s --token-url https://t/token https://h');
    expect(options.credentials).toEqual({
      clientId: 'i',
      clientSecret: 's',
      tokenUrl: new URL('https://t/token'),
    });
  });

  it.each([
    ['--client-id i --token-url https://t', '--client-secret missing'],
    ['--client-secret s --token-url https://t', '--client-id missing'],
    ['--client-secret s', '--client-secret belongs together with --client-id'],
    ['--client-id= --client-secret s --token-url https://t', '--client-id missing'],
  ])('refuses incomplete credentials: %s', async (given, message) => {
    expect(await refusal(`${given} https://h`)).toContain(message);
  });

  it('takes three empty ones as none: a script’s empty variables', async () => {
    const { options } = await client('--client-id= --client-secret= --token-url= https://h');
    expect(options).not.toHaveProperty('credentials');
    expect(options.signIn?.client).toEqual({});
  });

  it(`${req('auth.client.document-url')} lets a person sign in, as a client that may be registered, unless it has credentials of its own`, async () => {
    const signIn = async (line: string) => (await client(`${line} https://h`)).options.signIn;
    expect(await signIn('--client-id i --client-secret s --no-browser --sign-in-timeout 2.5')).toEqual({
      client: { clientId: 'i', clientSecret: 's' },
      keyFile: undefined,
      redirectPort: undefined,
      browser: false,
      device: false,
      timeout: 2500,
    });
    const document = 'https://app.example/client.json';
    expect((await signIn(`--client-metadata-url ${document}`))?.client).toEqual({ metadataUrl: document });
    expect(await signIn('--client-id i --client-secret s --token-url https://t')).toBeUndefined();
    expect(await signIn('--client-id i --client-key-file k.pem --device')).toMatchObject({
      keyFile: 'k.pem',
      device: true,
    });
    expect(await refusal('--client-key-file k.pem https://h')).toMatch(/--client-id, which is missing/);
    for (const wrong of ['http://app.example/client.json', 'https://app.example', 'nowhere']) {
      expect(await refusal(`--client-metadata-url ${wrong} https://h`)).toMatch(
        /is an https URL with a path/,
      );
    }
    expect(await refusal('--sign-in-timeout 0 https://h')).toMatch(/more than 0/);
    expect(await signIn('--redirect-port 3334')).toMatchObject({ redirectPort: 3334 });
    for (const port of ['0', 'x', '70000']) {
      expect(await refusal(`--redirect-port ${port} https://h`)).toMatch(/--redirect-port is a whole number/);
    }
  });

  it('lets a token in a file say who it is, in one way', async () => {
    const signIn = async (line: string) => (await client(`${line} https://h`)).options.signIn;
    expect((await signIn('--client-id i --assertion-file t'))?.client).toEqual({
      clientId: 'i',
      assertion: 't',
    });
    const idp = '--client-id i --id-token-file t --idp-token-url https://idp/token --idp-client-id j';
    const assertion = { tokenUrl: new URL('https://idp/token'), clientId: 'j', idTokenFile: 't' };
    expect((await signIn(idp))?.client).toEqual({ clientId: 'i', assertion });
    expect((await signIn(`${idp} --idp-client-secret-file s`))?.client).toEqual({
      clientId: 'i',
      assertion: { ...assertion, secretFile: 's' },
    });
    for (const [line, words] of [
      ['--assertion-file t', '--assertion-file belongs together with --client-id, which is missing'],
      ['--id-token-file t', '--id-token-file belongs together with --client-id, which is missing'],
      ['--client-id i --id-token-file t --idp-client-id j', 'belongs together with --idp-token-url'],
      ['--client-id i --id-token-file t --idp-token-url https://idp', '--idp-client-id'],
      ['--client-id i --idp-client-id j', '--idp-client-id needs --id-token-file'],
      ['--client-id i --idp-client-secret-file j', '--idp-client-secret-file needs --id-token-file'],
      [idp.replace('https', 'http'), '--idp-token-url is an https URL'],
      [`${idp} --assertion-file t`, '--assertion-file and --id-token-file are two ways; give one of them'],
      ['--client-id i --assertion-file t --client-key-file k', 'are two ways'],
      ['--client-id i --client-secret s --token-url https://t --assertion-file t', 'are two ways'],
    ]) {
      expect(await refusal(`${line} https://h`), line).toContain(words);
    }
  });

  it.each([
    ['', true],
    ['--verify-ssl', true],
    ['--verify-ssl true', true],
    ['--verify-ssl YES', true],
    ['--verify-ssl 1', true],
    ['--verify-ssl on', true],
    ['--verify-ssl false', false],
    ['--verify-ssl no', false],
    ['--verify-ssl 0', false],
    ['--verify-ssl Off', false],
    ['--verify-ssl /etc/ca.pem', '/etc/ca.pem'],
    ['--no-verify-ssl', false],
    ['--no-verify-ssl --verify-ssl', true],
    ['--verify-ssl --no-verify-ssl', false],
  ])('checks certificates: "%s" is %s', async (given, verify) => {
    expect((await client(`${given} https://h`)).options.verify).toBe(verify);
  });

  it('refuses an empty --verify-ssl', async () => {
    expect(await refusal('--verify-ssl= https://h')).toMatch(/--verify-ssl/);
  });

  it('refuses URLs that are none, without showing them', async () => {
    expect(await refusal('http://')).toMatch(/the first argument is no valid http or https URL/);
    expect(await refusal('https://u:hunter2@[nonsense/')).not.toContain('hunter2');
    expect(await refusal('--client-id i --client-secret s --token-url nowhere https://h')).toMatch(
      /--token-url/,
    );
  });

  it('names the options of server mode that it ignores', async () => {
    const { warnings } = await client(
      '--port 1 -e A B --env C D --cwd /nowhere --allow-origin * --no-stateless --named-server a bad" https://h',
    );
    expect(warnings).toEqual([
      expect.stringContaining('--port, -e, --env, --cwd, --allow-origin, --no-stateless, --named-server.'),
    ]);
  });

  it('says that words after the URL are ignored, without showing them', async () => {
    const { warnings } = await client('https://h secret words');
    expect(warnings).toEqual(['Ignored: what follows the URL (2 words).']);
  });
});

describe('server mode', () => {
  it('has defaults', async () => {
    expect(await server('npx -y server')).toEqual({
      mode: 'server',
      options: {
        host: '127.0.0.1',
        port: 0,
        defaultServer: {
          name: 'default',
          command: 'npx',
          args: ['-y', 'server'],
          env: {},
          cwd: undefined,
          passEnvironment: false,
          sharing: 'auto',
          era: 'auto',
        },
        namedServers: [],
        auth: {},
        allowUnauthenticated: false,
        allowOrigins: [],
        allowHosts: [],
        exposeHeaders: [],
        basePath: '',
        stateless: false,
        pollAfter: 0,
        limits: {},
        logLevel: 'info',
        logFormat: 'auto',
        logHeads: false,
      },
      file: undefined,
      warnings: [],
    });
  });

  it.each([
    ['--port 8080', 8080],
    ['--port 0', 0],
    ['--port 65535', 65535],
    ['--sse-port 8080', 8080],
    ['--sse-port 1 --port 2', 2],
    ['--port 2 --sse-port 1', 2],
    ['--port 1 --port 2', 2],
  ])('listens on a port: %s', async (given, port) => {
    expect((await server(`${given} npx`)).options.port).toBe(port);
  });

  it.each(['65536', 'x', '8o80', '80.5', '-1', ''])('refuses the port "%s"', async (port) => {
    expect(await refusal(['--port', port, 'npx'])).toMatch(/--port is a whole number/);
    expect(await refusal(['--sse-port', port, 'npx'])).toMatch(/--sse-port is a whole number/);
  });

  it.each([
    ['--host 0.0.0.0', '0.0.0.0'],
    ['--host ::1', '::1'],
    ['--host [::1]', '::1'],
    ['--sse-host a', 'a'],
    ['--sse-host a --host b', 'b'],
  ])('listens on an address: %s', async (given, host) => {
    expect((await server(`${given} npx`)).options.host).toBe(host);
  });

  it('takes keys from a file and from the environment', async () => {
    const line = await parseCommandLine(['--api-key-file', 'f', '--allow-unauthenticated', 'npx'], {
      MCP_PROXY_API_KEYS: 'ann:k',
    });
    expect(line).toMatchObject({
      options: { auth: { apiKeyFile: 'f', apiKeys: 'ann:k' }, allowUnauthenticated: true },
    });
    expect(await refusal(['--api-key-file', '', 'npx'])).toMatch(/--api-key-file is empty/);
  });

  it('takes the files of TLS', async () => {
    expect((await server('--tls-cert c --tls-key k --tls-client-ca a npx')).options.tls).toEqual({
      cert: 'c',
      key: 'k',
      clientCa: 'a',
    });
    expect((await server('npx')).options.tls).toBeUndefined();
    expect(await refusal(['--tls-cert', 'c', 'npx'])).toMatch(/both or not at all/);
    expect(await refusal(['--tls-client-ca', 'a', 'npx'])).toMatch(/needs --tls-cert/);
    expect(await refusal(['--tls-cert', '', '--tls-key', 'k', 'npx'])).toMatch(/--tls-cert is empty/);
  });

  it('takes access tokens of an issuer', async () => {
    const line = await server(
      '--auth-issuer https://i.example/a --auth-audience https://a.example --auth-audience api://b --required-scope s:1 --required-scope s2 --auth-introspection-url https://i.example/ask --auth-client-id c --auth-client-secret-file f npx',
    );
    expect(line.options.auth?.tokens).toEqual({
      issuer: 'https://i.example/a',
      audiences: ['https://a.example', 'api://b'],
      requiredScopes: ['s:1', 's2'],
      introspection: { url: 'https://i.example/ask', client: { id: 'c', secretFile: 'f' } },
    });
    expect((await server('--auth-issuer http://localhost:1 npx')).options.auth?.tokens).toEqual({
      issuer: 'http://localhost:1',
      audiences: [],
      requiredScopes: [],
      introspection: undefined,
    });
  });

  it.each([
    ['--auth-issuer http://i.example', /--auth-issuer is an https URL/],
    ['--auth-issuer https://u:p@i.example', /--auth-issuer is an https URL/],
    ['--auth-issuer https://i.example/?x', /--auth-issuer is an https URL/],
    ['--auth-issuer x', /--auth-issuer is an https URL/],
    ['--auth-audience x', /--auth-audience needs --auth-issuer/],
    ['--required-scope x', /--required-scope needs --auth-issuer/],
    ['--auth-issuer https://i.example --required-scope a"b', /--required-scope is one scope/],
    ['--auth-issuer https://i.example --auth-introspection-url http://i.example', /is an https URL/],
    ['--auth-issuer https://i.example --auth-client-id c', /both or not at all/],
    [
      '--auth-issuer https://i.example --auth-client-id c --auth-client-secret-file f',
      /needs --auth-introspection-url/,
    ],
  ])('refuses what cannot be used of that: %s', async (given, words) => {
    expect(await refusal([...given.split(' '), 'npx'])).toMatch(words);
  });

  it('warns of the deprecated names', async () => {
    expect((await server('--sse-port 1 --sse-host h npx')).warnings).toEqual([
      '--sse-host is deprecated; use --host.',
      '--sse-port is deprecated; use --port.',
    ]);
    expect((await server('--sse-port 1 --port 2 npx')).warnings).toEqual([
      expect.stringContaining('ignored'),
    ]);
  });

  it('gives environment and directory to the default server only', async () => {
    const { options } = await server('-e A 1 --env B --x -e A 2 --cwd /tmp --named-server n cat npx');
    expect(options.defaultServer).toMatchObject({ env: { A: '2', B: '--x' }, cwd: '/tmp' });
    expect(options.namedServers).toMatchObject([{ env: {}, cwd: undefined }]);
  });

  it('warns of them where there is no default server', async () => {
    const { warnings } = await server('-e A 1 --cwd /tmp --named-server n cat');
    expect(warnings).toEqual([expect.stringMatching(/no default server.*-e, --cwd/)]);
  });

  it('says how --env is written, without showing the value', async () => {
    for (const line of ['-e TOKEN=hunter2 npx server', '--env TOKEN=hunter2 npx']) {
      const text = await refusal(line);
      expect(text).toContain('--env TOKEN VALUE');
      expect(text).not.toContain('hunter2');
    }
  });

  it('passes the environment and the sharing to every server', async () => {
    const line = '--pass-environment --sharing session --named-server n cat npx';
    const { options } = await server(line);
    const expected = { passEnvironment: true, sharing: 'session', era: 'auto' };
    expect(options.defaultServer).toMatchObject(expected);
    expect(options.namedServers).toMatchObject([expected]);
    expect(
      (await server('--pass-environment --no-pass-environment npx')).options.defaultServer,
    ).toMatchObject({
      passEnvironment: false,
    });
    expect(await refusal('--sharing none npx')).toMatch(/--sharing is one of auto, shared, session/);
  });

  it('adds origins up, in the spelling of browsers', async () => {
    const { options, warnings } = await server(
      '--allow-origin https://A.example/ https://b:443 --allow-origin http://c:8080 https://b null -- npx',
    );
    expect(options.allowOrigins).toEqual(['https://a.example', 'https://b', 'http://c:8080', 'null']);
    expect(warnings).toEqual([]);
    expect((await server('npx --allow-origin=*')).options.allowOrigins).toEqual(['*']);
  });

  it('warns of an origin that no page has', async () => {
    const { options, warnings } = await server('--named-server n x --allow-origin https://a/path npx');
    expect(options.allowOrigins).toEqual(['https://a/path', 'npx']);
    expect(warnings).toEqual([
      expect.stringContaining('"https://a/path"'),
      expect.stringContaining('put -- before the command'),
    ]);
  });

  it('answers to more host names', async () => {
    const { options } = await server(['--allow-host', 'Tools.Example', '--allow-host', '*', 'npx']);
    expect(options.allowHosts).toEqual(['tools.example', '*']);
    for (const wrong of ['https://tools.example', 'tools.example:8080', '', 'a b']) {
      expect(await refusal(['--allow-host', wrong, 'npx']), wrong).toMatch(/--allow-host/);
    }
  });

  it('exposes headers', async () => {
    const { options } = await server([
      ...[
        '--expose-header',
        'X-A',
        '--expose-header',
        'X-B, X-C',
        '--expose-header',
        'mcp-session-id',
        'npx',
      ],
    ]);
    expect(options.exposeHeaders).toEqual(['X-A', 'X-B', 'X-C']);
    expect(await refusal(['--expose-header', 'no header', 'npx'])).toMatch(/--expose-header/);
  });

  it.each([
    ['/tools', '/tools'],
    ['/a/b/', '/a/b'],
    ['/', ''],
  ])('is shown under a path: %s', async (given, basePath) => {
    expect((await server(`--base-path ${given} npx`)).options.basePath).toBe(basePath);
  });

  it.each(['tools', '//host', '/a?b', '/a b', '/a\\b'])('refuses the path "%s"', async (path) => {
    expect(await refusal(['--base-path', path, 'npx'])).toMatch(/--base-path is a path/);
  });

  it.each([
    ['', false],
    ['--stateless', true],
    ['--stateless --no-stateless', false],
    ['--no-stateless --stateless', true],
  ])('is stateless: "%s" is %s', async (given, stateless) => {
    expect((await server(`${given} npx`)).options.stateless).toBe(stateless);
  });

  it.each([
    ['0', 0],
    ['2', 2000],
    ['0.25', 250],
    ['.5', 500],
  ])('makes clients poll after %s s', async (given, ms) => {
    expect((await server(`--poll-after ${given} npx`)).options.pollAfter).toBe(ms);
  });

  it.each(['-1', 'x', '1e3', '2147484', 'Infinity'])(
    'refuses to make them poll after "%s"',
    async (given) => {
      expect(await refusal(`--poll-after ${given} npx`)).toMatch(/--poll-after is a number of seconds/);
    },
  );

  it.each([
    ['--max-body 10MB', { maxBody: 10_000_000 }],
    ['--max-body 1.5kb', { maxBody: 1500 }],
    ['--max-body 1048576', { maxBody: 1_048_576 }],
    ['--max-line 64MiB', { maxLine: 67_108_864 }],
    ['--max-line 500MB', { maxLine: 500_000_000 }],
    ['--max-sessions 7', { maxSessions: 7 }],
    ['--max-connections 8', { maxConnections: 8 }],
    ['--max-processes 2', { maxProcesses: 2 }],
    ['--max-in-flight 10', { maxInFlight: 10 }],
    ['--request-timeout 30', { timeout: 30_000 }],
    ['--request-timeout 0', { timeout: 0 }],
    ['--max-request-timeout 600', { maxTimeout: 600_000 }],
    ['--start-timeout .5', { startTimeout: 500 }],
    ['--session-idle 0', { sessionIdleMs: 0 }],
    ['--process-idle 60', { processIdleMs: 60_000 }],
    ['--stop-timeout 30', { stopMs: 30_000 }],
    ['--stop-timeout 0', { stopMs: 0 }],
  ])('has a limit: %s', async (given, limits) => {
    expect((await server(`${given} npx`)).options.limits).toEqual(limits);
  });

  it.each([
    ['--max-body', '0'],
    ['--max-body', '1M'],
    ['--max-body', '64 MiB x'],
    ['--max-line', '501MB'],
    ['--max-line', '1GiB'],
    ['--max-line', ''],
    ['--max-sessions', '0'],
    ['--max-connections', '0'],
    ['--max-processes', '1.5'],
    ['--max-in-flight', '-1'],
    ['--request-timeout', '2147484'],
    ['--max-request-timeout', 'x'],
    ['--start-timeout', '0'],
    ['--session-idle', '-1'],
    ['--process-idle', '1e3'],
    ['--stop-timeout', '3601'],
  ])('refuses the limit %s "%s"', async (name, value) => {
    expect(await refusal([name, value, 'npx'])).toContain(`${name} is a`);
  });

  it('names the options of client mode that it ignores', async () => {
    const { warnings } = await server('-H A secret --transport sse --no-verify-ssl --client-id i npx');
    expect(warnings).toEqual([expect.stringContaining('-H, --transport, --no-verify-ssl, --client-id.')]);
    expect(warnings.join()).not.toContain('secret');
  });
});

describe('the log level', () => {
  it.each([
    ['', 'info'],
    ['--log-level DEBUG', 'debug'],
    ['--log-level Info', 'info'],
    ['--log-level warning', 'warning'],
    ['--log-level ERROR', 'error'],
    ['--log-level CRITICAL', 'error'],
    ['--debug', 'debug'],
    ['--debug --log-level ERROR', 'debug'],
    ['--debug --no-debug', 'info'],
    ['--no-debug --log-level ERROR', 'error'],
  ])('"%s" is %s', async (given, level) => {
    expect((await server(`${given} npx`)).options.logLevel).toBe(level);
    expect((await client(`${given} https://h`)).options.logLevel).toBe(level);
  });

  it.each(['loud', 'constructor', ''])('refuses "%s"', async (level) => {
    expect(await refusal(['--log-level', level, 'npx'])).toMatch(/--log-level is one of/);
  });
});
