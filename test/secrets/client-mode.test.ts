/** Client mode: nothing that is secret leaves the proxy to a person, also where the other side repeats it. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { listen } from '../e2e/harness/listen.js';
import { end, start as startProgram } from '../e2e/harness/processes.js';
import { PROXY } from '../e2e/harness/proxy.js';
import { RawStdio } from '../e2e/harness/raw-stdio.js';
import { Scope } from '../e2e/harness/scope.js';
import { Person } from '../oauth/harness/protected.js';
import { guards } from '../security.js';
import { Canaries } from './canaries.js';

const scope = new Scope();
afterEach(() => scope.end());

async function serve(listener: (origin: string) => RequestListener): Promise<string> {
  const server = createServer();
  // As a proxy, it opens no tunnel.
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 407 No\r\n\r\n'));
  const origin = await listen(scope, server);
  server.on('request', listener(origin));
  return origin;
}

/** All that came, as it came and in other writings. */
function repeated({ url = '', headers }: IncomingMessage): string {
  const values = Object.values(headers).map(String);
  const words = values.flatMap((value) => value.split(/[ ;]+/));
  const plain = [url, decodeURIComponent(url), ...values, ...words];
  const decoded = words
    .map((word) => Buffer.from(word, 'base64').toString())
    .filter((text) => /^[\x20-\x7e]+$/.test(text));
  return [...plain, ...decoded, ...decoded.map((pair) => pair.slice(pair.indexOf(':') + 1))]
    .flatMap((text) => [text, encodeURIComponent(text), Buffer.from(text).toString('base64')])
    .join('\n');
}

/** Short enough that what is shown of it is not cut before. */
function few(request: IncomingMessage, name: string): string {
  const value = String(request.headers[name] ?? '');
  return `no: ${value.split(' ').at(-1)}`;
}

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

const text =
  (status: number, what: (request: IncomingMessage) => string, type = 'text/plain'): Behaviour =>
  (request, response) =>
    void response.writeHead(status, { 'content-type': type }).end(what(request));

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  '401': text(401, repeated),
  '403 of a token': text(403, (request) => few(request, 'authorization')),
  '400 of a key': text(400, (request) => few(request, 'x-key')),
  '404 of a cookie': text(
    404,
    (request) => `no session ${/session=([^;]*)/.exec(String(request.headers.cookie))?.[1]}`,
  ),
  '429': text(429, repeated),
  '500 with markup': text(500, (request) => `<html><b>${repeated(request)}</b></html>`, 'text/html'),
  'a page': text(200, (request) => `<html><p>${few(request, 'x-key')}</p></html>`, 'text/html'),
  'JSON that is no MCP': text(
    200,
    (request) => JSON.stringify({ said: repeated(request) }),
    'application/json',
  ),
  'an error of MCP with a status': text(
    400,
    (request) => {
      const message = `bad ${few(request, 'x-key')}`;
      return JSON.stringify({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32000, message, data: repeated(request) },
      });
    },
    'application/json',
  ),
  'a redirect to another': (request, response) =>
    void response
      .writeHead(307, { location: `http://other.example/?to=${encodeURIComponent(few(request, 'x-key'))}` })
      .end(),
  'the end of the connection': (_request, response) => void response.destroy(),
};

it.each(Object.keys(BEHAVIOURS))(
  `${guards('secrets.client-mode')} headers, cookies and what stands in the URL, with a server that answers with %s`,
  async (name) => {
    const canaries = new Canaries();
    const origin = await serve(() => BEHAVIOURS[name] ?? (() => undefined));
    const url = new URL(`${origin}/mcp?api_key=${encodeURIComponent(canaries.new('query'))}`);
    url.password = canaries.new('password', 'x');
    url.username = 'me';
    const ways = [
      ['--headers', 'Authorization', `Bearer ${canaries.new('token')}`],
      [
        '--headers',
        'Authorization',
        `Basic ${Buffer.from(`me:${canaries.new('own password')}`).toString('base64')}`,
      ],
      [],
    ];
    // One that breaks connections is tried for 10 s each time.
    for (const given of name === 'the end of the connection' ? ways.slice(0, 1) : ways) {
      const client = new RawStdio(scope, url.href, [
        '--debug',
        ...given,
        '--headers',
        'X-Key',
        canaries.new('header'),
        '--headers',
        'Cookie',
        `lang=en; session=${canaries.new('cookie', '/+=')}; x=y`,
      ]);
      client.write({ id: 'init', method: 'initialize', params: INITIALIZE });
      await client.answer('init');
      client.write({ id: 1, method: 'tools/list' });
      await client.answer(1);
      await end(client.program);
      expect(canaries.in(client.program.stdout()), client.program.stdout()).toEqual([]);
      expect(canaries.in(client.program.stderr()), client.program.stderr()).toEqual([]);
    }
  },
);

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'a client', version: '1' },
};

it.each([
  ['user:', (password: string) => `user:${password}@`],
  ['', (token: string) => `${token}@`],
])(`${guards('secrets.client-mode')} the credentials of a proxy on the way, as %s`, async (_, user) => {
  const canaries = new Canaries();
  const forward = await serve(() => (request, response) => {
    response.writeHead(407, { 'content-type': 'text/plain' }).end(repeated(request));
  });
  const secret = canaries.new('proxy', 'x');
  for (const remote of ['http://remote.example/mcp', 'https://remote.example/mcp']) {
    const through = forward.replace('//', `//${user(secret)}`);
    const env = { HTTP_PROXY: through, HTTPS_PROXY: through, NO_PROXY: '', no_proxy: '' };
    const client = new RawStdio(scope, remote, ['--debug'], env);
    client.write({ id: 'init', method: 'initialize', params: INITIALIZE });
    expect((await client.answer('init')).error).toBeDefined();
    await end(client.program);
    expect(canaries.in(client.program.stdout() + client.program.stderr()), client.program.stderr()).toEqual(
      [],
    );
  }
});

it(`${guards('secrets.client-mode')} a client's secret for its token endpoint`, async () => {
  const canaries = new Canaries();
  const secret = canaries.new('client secret');
  const token = canaries.new('access token', '.');
  let asked = 0;
  const origin = await serve(() => async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.url !== '/token') {
      response.writeHead(401, { 'content-type': 'text/plain' }).end(repeated(request));
      return;
    }
    asked++;
    const said = {
      error: 'invalid_request',
      error_description: `${repeated(request)} ${body} ${decodeURIComponent(body)}`,
    };
    const good = {
      access_token: token,
      token_type: 'Bearer',
      id_token: canaries.new(`id token ${asked}`, '.'),
    };
    response.writeHead(asked % 2 === 1 ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(asked % 2 === 1 ? good : said));
  });
  const args = ['--debug', '--client-id', 'me', '--client-secret', secret, '--token-url', `${origin}/token`];
  const client = new RawStdio(scope, `${origin}/mcp`, args);
  for (const id of ['init', 'again', 'more']) {
    client.write({ id, method: 'initialize', params: INITIALIZE });
    expect((await client.answer(id)).error).toBeDefined();
  }
  await end(client.program);
  expect(asked).toBeGreaterThan(1);
  expect(canaries.in(client.program.stdout() + client.program.stderr()), client.program.stderr()).toEqual([]);
});

it.each([
  ['what it is told in errors', false],
  ['what it is told as the name of an error', true],
])(
  `${guards('secrets.client-mode')} all that a sign-in comes to, where the authorization server repeats %s`,
  async (_, isName) => {
    const canaries = new Canaries();
    const given = {
      client_secret: canaries.new('registered secret', '-'),
      registration_access_token: canaries.new('registration token', '-'),
      access_token: canaries.new('access token', '-'),
      refresh_token: canaries.new('refresh token', '-'),
      id_token: canaries.new('id token', '.'),
      code: canaries.new('code', '-'),
    };
    const all = Object.values(given).join(' ');
    let tokens = 0;
    const json = (response: ServerResponse, status: number, value: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const origin = await serve((own) => async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { pathname, searchParams } = new URL(request.url ?? '', own);
      if (pathname === '/.well-known/oauth-protected-resource/mcp') {
        json(response, 200, { resource: `${own}/mcp`, authorization_servers: [own] });
      } else if (pathname === '/.well-known/oauth-authorization-server') {
        json(response, 200, {
          issuer: own,
          authorization_endpoint: `${own}/authorize`,
          token_endpoint: `${own}/token`,
          registration_endpoint: `${own}/register`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
          token_endpoint_auth_methods_supported: ['client_secret_basic'],
        });
      } else if (pathname === '/register') {
        json(response, 201, { ...JSON.parse(body), ...given, client_id: 'it' });
      } else if (pathname === '/authorize') {
        const back = new URL(searchParams.get('redirect_uri') ?? '');
        back.searchParams.set('code', given.code);
        back.searchParams.set('state', searchParams.get('state') ?? '');
        response.writeHead(302, { location: back.href }).end();
      } else if (pathname === '/token' && ++tokens === 1) {
        json(response, 200, { ...given, token_type: 'Bearer', expires_in: 3600 });
      } else if (pathname === '/token') {
        const words = `${repeated(request)} ${body} ${decodeURIComponent(body)} ${all}`;
        json(response, 400, {
          error: isName ? given.access_token : 'invalid_scope',
          error_description: words,
        });
      } else if (/"id":"?(init|1)"?,/.test(body) && request.headers.authorization !== undefined) {
        // Taken once, refused later.
        const { id, method } = JSON.parse(body);
        const result = {
          protocolVersion: '2025-11-25',
          capabilities: {},
          serverInfo: { name: 's', version: '1' },
        };
        json(response, 200, {
          jsonrpc: '2.0',
          id,
          ...(method === 'initialize' ? { result } : { result: {} }),
        });
      } else if (request.headers.authorization !== undefined && !body.includes('"id"'))
        response.writeHead(202).end();
      else {
        response.writeHead(401, {
          'www-authenticate': `Bearer resource_metadata="${own}/.well-known/oauth-protected-resource/mcp", error="invalid_token", error_description="${all}"`,
          'content-type': 'text/plain',
        });
        response.end(`${repeated(request)} ${all}`);
      }
    });
    const person = new Person(scope);
    const client = person.start(`${origin}/mcp`, ['--debug', '--sign-in-timeout', '20']);
    expect((await client.begin()).result).toBeDefined();
    const pages = person.windows().length;
    expect(pages).toBe(1);
    client.write({ id: 2, method: 'tools/list' });
    expect((await client.answer(2)).error).toBeDefined();
    await end(client.program);
    const kept = JSON.stringify(person.kept());
    expect(canaries.in(kept)).toEqual(expect.arrayContaining(['access token', 'registered secret']));
    const said = client.program.stdout() + client.program.stderr();
    expect(tokens).toBeGreaterThan(1);
    expect(canaries.in(said), said).toEqual([]);
  },
);

it(`${guards('secrets.client-mode')} the key that a token is bound to, and a client's own`, async () => {
  const { startProtected } = await import('../oauth/harness/protected.js');
  const canaries = new Canaries();
  const server = await startProtected(scope, { DPOP: '1', ECHO: '1' });
  const person = new Person(scope);
  const client = person.start(server.mcp, ['--debug', '--sign-in-timeout', '3']);
  expect((await client.begin()).result).toBeDefined();
  const grant: unknown = person.kept().grant;
  const { key } = Object(grant);
  canaries.add('key', String(Object(key).d));
  await server.tell('revoke');
  await server.tell('refuse');
  expect((await client.call(1, 'add', { a: 1, b: 1 })).error).toBeDefined();
  await end(client.program);
  for (const [at, secret] of (await server.seen()).secrets.entries()) canaries.add(`sent ${at}`, secret);
  const said = client.program.stdout() + client.program.stderr();
  expect(canaries.in(said), said).toEqual([]);
});

it.each<[string, (canaries: Canaries) => readonly string[]]>([
  ['a URL that is none', (canaries) => [`http://me:${canaries.new('password', 'x')}@host.example:99999/mcp`]],
  [
    'a header in one word',
    (canaries) => ['http://127.0.0.1:1/', '--headers', `Authorization: Bearer ${canaries.new('token')}`, 'x'],
  ],
  [
    'a header that cannot be sent',
    (canaries) => ['http://127.0.0.1:1/', '--headers', 'X-Key', `a\n${canaries.new('header')}`],
  ],
  [
    'an option that is none',
    (canaries) => ['http://127.0.0.1:1/', `--client-secrets=${canaries.new('secret')}`],
  ],
  [
    'a secret without a client',
    (canaries) => ['http://127.0.0.1:1/', '--client-secret', canaries.new('secret')],
  ],
  [
    'a token URL with a password',
    (canaries) => [
      'http://127.0.0.1:1/',
      '--token-url',
      `ftp://me:${canaries.new('password', 'x')}@host.example/`,
      '--client-id',
      'x',
      '--client-secret',
      canaries.new('secret'),
    ],
  ],
])(`${guards('secrets.client-mode')} a start that fails: %s`, async (_, args) => {
  const canaries = new Canaries();
  const program = startProgram(process.execPath, [PROXY, '--debug', ...args(canaries)]);
  expect((await program.ended).code).toBe(2);
  expect(program.stderr()).not.toBe('');
  expect(canaries.in(program.stderr()), program.stderr()).toEqual([]);
});

it(`${guards('secrets.client-mode')} a remote that is not there, or whose certificate is not trusted`, async () => {
  const canaries = new Canaries();
  const tls = scope.add(
    startProgram(process.execPath, [join(import.meta.dirname, '../fixtures/servers/remote-tls.mjs')]),
    end,
  );
  const port = await tls.line('stdout', (line) => /\d+/.exec(line)?.[0]).catch(() => '1');
  for (const host of [
    'http://me:SECRET@127.0.0.1:1/mcp?key=SECRET',
    `https://me:SECRET@127.0.0.1:${port}/mcp?key=SECRET`,
  ]) {
    const url = host.replaceAll('SECRET', () => canaries.new('in the URL', 'x'));
    const client = new RawStdio(scope, url, ['--debug', '--headers', 'X-Key', canaries.new('header')]);
    client.write({ id: 'init', method: 'initialize', params: INITIALIZE });
    expect((await client.answer('init')).error).toBeDefined();
    await end(client.program);
    expect(canaries.in(client.program.stdout() + client.program.stderr()), client.program.stderr()).toEqual(
      [],
    );
  }
});
