// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested here.
/** Server mode: nothing that is secret leaves the proxy to a person. The built command, with all of them at once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { start as startProgram } from '../e2e/harness/processes.js';
import { PROXY, startProxy } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { initializeBody, post, requestBody } from '../http/harness/client.js';
import { type Answer, exchange } from '../http/harness/http.js';
import { PlayedIssuer } from '../http/harness/issuer.js';
import { META, modernHeaders } from '../http/harness/modern.js';
import { guards } from '../security.js';
import { Canaries } from './canaries.js';

const LEAKY = join(import.meta.dirname, '../fixtures/servers/leaky.mjs');

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

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

it(`${guards('secrets.server-mode')} what clients send, what definitions hold, what the authorization server is told`, async () => {
  const canaries = new Canaries();
  const issuer = scope.add(await PlayedIssuer.start(), (one) => one.stop());
  // It repeats in words what it was sent.
  issuer.instead = (request, response) => {
    if (request.url !== '/introspect') return false;
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`no: ${request.headers.authorization} ${body} ${decodeURIComponent(body)}`);
    });
    return true;
  };
  const key = canaries.new('key');
  const env = {
    MCP_PROXY_API_KEYS: `ann:${key}`,
    FROM_ENV: canaries.new('environment'),
    // Nothing in its looks, nor before it, says that it is one.
    FROM_ENV_PLAIN: canaries.new('environment in an argument', ''),
  };
  const servers = file(
    'servers.json',
    JSON.stringify({
      mcpServers: {
        own: {
          command: process.execPath,
          args: [
            LEAKY,
            '--password',
            canaries.new('argument of an option'),
            `--token=${canaries.new('attached argument')}`,
            `https://user:${canaries.new('password in a URL', 'x')}@host.example/`,
            `https://host.example/mcp?api_key=${canaries.new('query of a URL', 'x')}`,
            '${FROM_ENV_PLAIN}',
            '${header:X-Api-Token}',
          ],
          env: { CANARY_GIVEN: canaries.new('env'), CANARY_FROM: '${FROM_ENV}' },
          cwd: directory,
        },
      },
    }),
  );
  const proxy = await startProxy(
    scope,
    [
      '--debug',
      '--named-server-config',
      servers,
      '--auth-issuer',
      issuer.url,
      '--auth-introspection-url',
      `${issuer.url}/introspect?key=${canaries.new('query of the introspection URL', 'x')}`.replace(
        /\?.*/,
        '',
      ),
      '--auth-client-id',
      'proxy',
      '--auth-client-secret-file',
      file('secret', canaries.new('introspection secret')),
    ],
    { env },
  );
  const { mcp, sse } = proxy.of('own');
  const answers: Answer[] = [];
  const take = async (answer: Promise<Answer>): Promise<Answer> => {
    answers.push(await answer);
    return answer;
  };
  const bad = [
    { authorization: `Bearer ${canaries.new('wrong key')}` },
    { authorization: `Basic ${Buffer.from(`me:${canaries.new('password')}`).toString('base64')}` },
    { authorization: canaries.new('no scheme') },
    { 'x-api-key': canaries.new('wrong X-API-Key') },
    { 'x-api-key': key, authorization: `Bearer ${canaries.new('contradiction')}` },
    { cookie: `session=${canaries.new('cookie of somebody unknown')}` },
    // Asked about, and so repeated by the authorization server.
    { authorization: `Bearer ${canaries.new('token', '.')}` },
  ];
  for (const headers of bad) {
    for (const url of [mcp, sse, `${proxy.url}/status`, `${proxy.url}/nothing`]) {
      await take(exchange(`${url}?access_token=${canaries.new('query', 'x')}`, { headers }));
      await take(post(url, initializeBody(), { headers }));
    }
  }
  const good = {
    authorization: `Bearer ${key}`,
    cookie: `session=${canaries.new('cookie')}`,
    'x-api-token': canaries.new('value of a request'),
    'x-other': canaries.new('header that nobody needs'),
  };
  const opened = await post(mcp, initializeBody(), { headers: good });
  expect(opened.status, opened.body).toBe(200);
  const session = {
    ...good,
    'mcp-session-id': canaries.add('session id', String(opened.headers['mcp-session-id'])),
  };
  const gone = await take(post(mcp, requestBody(1, 'x/exit'), { headers: session }));
  expect(JSON.parse(gone.body)).toMatchObject({ error: { data: { exitCode: 3 } } });
  expect(gone.body).toContain('I know ***');
  await take(post(mcp, '{"jsonrpc":"2.0","id":1,"method":', { headers: session }));
  await take(post(mcp, requestBody(1, 'ping'), { headers: { ...session, 'mcp-protocol-version': 'x' } }));
  await take(
    post(mcp, requestBody(1, 'ping'), {
      headers: { ...good, 'mcp-session-id': canaries.new('no session', 'x') },
    }),
  );
  await take(post(mcp, requestBody(1, 'ping'), { headers: { ...session, 'x-api-token': '-' } }));
  const name = canaries.new('name of a tool', 'x');
  await post(mcp, requestBody(2, 'tools/call', { name, arguments: { name } }), { headers: session });
  // The log has it at --debug; the metrics have no method that a client has made up.
  const chosen = new Canaries();
  await post(mcp, requestBody(3, chosen.new('method', 'x'), {}), { headers: session });
  const modern = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x/exit', params: { _meta: META } });
  await take(post(mcp, modern, { headers: { ...modernHeaders('x/exit'), ...good } }));
  await take(exchange(`${proxy.url}/servers/none/mcp`, { headers: good }));
  const status = await take(
    exchange(`${proxy.url}/status?key=${canaries.new('query of status', 'x')}`, { headers: good }),
  );
  expect(status.status).toBe(200);
  const metrics = await take(
    exchange(`${proxy.url}/metrics?key=${canaries.new('query of metrics', 'x')}`, { headers: good }),
  );
  expect(chosen.in(metrics.body)).toEqual([]);
  expect(metrics.body).toMatch(/^mcp_server_operation_duration_seconds_count\{server="own"/m);
  expect(status.body).toContain('I know ***');
  proxy.program.kill('SIGTERM');
  await proxy.program.ended;
  expect(canaries.in(JSON.stringify(answers)), 'in answers').toEqual([]);
  const told = proxy.program.stderr();
  expect(told).toContain('I know ***');
  expect(told).toMatch(/access tokens can't be checked/);
  expect(canaries.in(told), 'in the log').toEqual([]);
  expect(proxy.program.stdout()).toBe('');
});

it.each<[string, (canary: (name: string, middle?: string) => string) => readonly string[]]>([
  ['a command that is not there', (canary) => ['/no/such/command', '--token', canary('argument')]],
  ['a command that can not be run', (canary) => ['/', `--api-key=${canary('argument')}`]],
  [
    'one that ends',
    (canary) => [
      '-e',
      'CANARY_GIVEN',
      canary('env'),
      '--',
      process.execPath,
      '-e',
      'process.stderr.write(process.env.CANARY_GIVEN)',
    ],
  ],
  ['env in one word', (canary) => ['-e', `KEY=${canary('env')}`, 'x']],
  ['an unknown option', (canary) => [`--api-keys=${canary('value')}`, 'x']],
  [
    'keys that are none',
    (canary) => ['--api-key-file', file('keys', `ann:${canary('a')} ${canary('b')}\n`), 'x'],
  ],
  [
    'a client secret that is a file',
    (canary) => ['--auth-client-secret-file', file('s', canary('secret')), 'x'],
  ],
  [
    'a file that is no JSON',
    (canary) => ['--named-server-config', file('f', `{"mcpServers": {"a": {"env": {"K": ${canary('env')}`)],
  ],
  [
    'a file of wrong types',
    (canary) => [
      '--named-server-config',
      file(
        'g',
        JSON.stringify({
          mcpServers: {
            a: {
              command: 'x',
              args: [{ token: canary('arg') }],
              env: { K: [canary('env')] },
              timeout: canary('t'),
            },
          },
        }),
      ),
    ],
  ],
  [
    'a named server that cannot be split',
    (canary) => ['--named-server', 'a', `x --token '${canary('argument', 'x')}`],
  ],
  [
    'an issuer with a password',
    (canary) => ['--auth-issuer', `https://me:${canary('password', 'x')}@host.example`, 'x'],
  ],
  ['a key in the wrong place', (canary) => ['--api-key', canary('key'), 'x']],
])(`${guards('secrets.server-mode')} a start that fails: %s`, async (_, args) => {
  const canaries = new Canaries();
  const words = args((name, middle) => canaries.new(name, middle));
  const program = startProgram(process.execPath, [PROXY, '--debug', '--port', '0', ...words]);
  const { code } = await program.ended;
  expect(code, program.stderr()).not.toBe(0);
  expect(program.stderr()).not.toBe('');
  expect(canaries.in(program.stderr()), program.stderr()).toEqual([]);
});
