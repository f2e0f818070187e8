/** `mcp-proxy check`, the built command, with servers that are well and servers that are not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { Report, ServerReport } from '../../src/check/report.js';
import { listen } from './harness/listen.js';
import { descendants, end, isAlive, start } from './harness/processes.js';
import { DUAL_SERVER, MODERN_SERVER, PROXY, startHttpServer, startModernServer } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

const ROOT = join(import.meta.dirname, '../..');
const NODE = process.execPath;
const MISBEHAVE = join(ROOT, 'test/fixtures/servers/misbehave.mjs');
const scope = new Scope();
const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-check-'));

afterEach(() => scope.end());
afterAll(() => rmSync(folder, { recursive: true }));

interface Checked {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs it to its end, and sees to it that it leaves nothing behind. */
async function check(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Checked> {
  const program = scope.add(start(NODE, [PROXY, 'check', ...args], { env: { NO_COLOR: '', ...env } }), end);
  const { code } = await program.ended;
  return { code, out: program.stdout(), error: program.stderr() };
}

async function report(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Report> {
  const { code, out } = await check(['--json', ...args], env);
  const document: Report = JSON.parse(out);
  expect(code).toBe(document.ok ? 0 : 1);
  return document;
}

/** The report of one server. */
async function only(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<ServerReport> {
  const { servers } = await report(args, env);
  const [server] = servers;
  expect(servers).toHaveLength(1);
  if (server === undefined) throw new Error('there is no report');
  return server;
}

function official(name: string): string {
  return join(ROOT, `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
}

function file(servers: Readonly<Record<string, object>>): string {
  const path = join(folder, `${Object.keys(servers).join('-').slice(0, 40)}.json`);
  writeFileSync(path, JSON.stringify({ mcpServers: servers }));
  return path;
}

function misbehaving(how: string): object {
  return { command: NODE, args: [MISBEHAVE], env: { MISBEHAVE: how } };
}

function script(text: string): object {
  return { command: NODE, args: ['-e', text] };
}

it('finds the official servers well, and says what they offer', async () => {
  const path = file({
    everything: { command: NODE, args: [official('everything')] },
    files: { command: NODE, args: [official('filesystem'), folder] },
    memory: { command: NODE, args: [official('memory')] },
  });
  const { ok, servers } = await report(['--named-server-config', path]);
  expect(ok).toBe(true);
  expect(servers.map(({ name, verdict, protocolVersion }) => ({ name, verdict, protocolVersion }))).toEqual(
    ['everything', 'files', 'memory'].map((name) => ({ name, verdict: 'ok', protocolVersion: '2025-11-25' })),
  );
  const [everything, files] = servers;
  expect(everything).toMatchObject({ transport: 'stdio', era: 'legacy', startMs: expect.any(Number) });
  expect(everything?.tools?.names).toContain('echo');
  expect(everything?.prompts?.count).toBeGreaterThan(0);
  expect(everything?.resources?.count).toBeGreaterThan(0);
  expect(everything?.resourceTemplates?.count).toBeGreaterThan(0);
  expect(files?.tools?.names).toContain('read_text_file');
  expect(files?.prompts).toBeUndefined();
});

it.each([
  ['a modern server', MODERN_SERVER],
  ['a server of both eras', DUAL_SERVER],
])('meets %s as the proxy does', async (_, command) => {
  const server = await only([...command]);
  expect(server).toMatchObject({ verdict: 'ok', era: 'modern', protocolVersion: '2026-07-28' });
  expect(server.tools?.count).toBeGreaterThan(0);
});

it('writes a table for people, without colours into a pipe, and only that to stdout', async () => {
  const { code, out, error } = await check([NODE, MISBEHAVE]);
  expect({ code, error }).toEqual({ code: 0, error: '' });
  expect(out).toMatch(/^SERVER .*\ndefault +ok +2025-11-25 +stdio +3 +- +- +[\d.]+s\n$/);
});

it('tells of each server that is not well why, and what to do', async () => {
  const path = file({
    good: misbehaving(''),
    typo: { command: 'no-such-command-here', args: [] },
    dies: misbehaving('die-at-start'),
    dead: misbehaving('die-at-initialize'),
    mute: { ...misbehaving('silence'), startTimeout: 1 },
    chatty: misbehaving('noise'),
    prints: { ...script("console.log('hello'); setInterval(() => {}, 1000)"), startTimeout: 4 },
    wants: script("console.error('SOME_API_KEY environment variable is required'); process.exit(1)"),
    nowhere: { command: NODE, args: ['/no/such/server.js'] },
    astray: { command: NODE, args: [], cwd: '/no/such/directory' },
    http: {
      ...script("console.error('listening on http://localhost:3999/mcp'); setInterval(() => {}, 1000)"),
      startTimeout: 4,
    },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file has it
    asked: { command: NODE, args: ['--tenant=${header:X-Tenant}'] },
    off: { command: 'no-such-command-here', disabled: true },
  });
  const { ok, servers } = await report(['--named-server-config', path], { SOME_API_KEY: 'a-secret-value' });
  expect(ok).toBe(false);
  const verdicts = Object.fromEntries(servers.map(({ name, verdict }) => [name, verdict]));
  expect(verdicts).toEqual({
    good: 'ok',
    typo: 'not-found',
    dies: 'ended',
    dead: 'ended',
    mute: 'no-answer',
    chatty: 'ok',
    prints: 'stdout-noise',
    wants: 'variable-missing',
    nowhere: 'package-not-found',
    astray: 'not-startable',
    http: 'wrong-transport',
    asked: 'skipped',
  });
  const of = (name: string): ServerReport | undefined => servers.find((server) => server.name === name);
  expect(of('dies')).toMatchObject({ exit: { code: 3 }, stderr: ['cannot start:', 'the reason'] });
  expect(of('typo')?.reason).toContain('PATH');
  expect(of('chatty')?.notes.join()).toContain('Welcome to misbehave!');
  expect(of('prints')?.reason).toContain('hello');
  expect(of('wants')?.remedy).toContain('SOME_API_KEY is set here');
  expect(JSON.stringify(servers)).not.toContain('a-secret-value');
});

it('escapes, cuts and masks what a server says', async () => {
  const secret = 'sUpErSeCrEt0123';
  const tool = { name: `\u0007\u001b[31mred\u202e ${secret} ${'x'.repeat(5000)}`, inputSchema: {} };
  const text = `
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      const results = {
        initialize: {
          protocolVersion: '2025-11-25', capabilities: { tools: {} },
          serverInfo: { name: process.env.KEY, version: '1\\n2' },
        },
        'tools/list': { tools: [${JSON.stringify(tool)}] },
      };
      if (id === undefined) return;
      const answer = results[method] ? { result: results[method] } : { error: { code: -32601, message: 'no' } };
      console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    });`;
  const server = await only(['--env', 'KEY', secret, '--', NODE, '-e', text]);
  expect(server.verdict).toBe('ok');
  expect(server.serverInfo).toEqual({ name: '***', version: '1 2' });
  const [name = ''] = server.tools?.names ?? [];
  expect(name).toMatch(/^\\x07red\\u202e \*\*\* x+…$/);
  expect(name.length).toBeLessThanOrEqual(200);
});

it('asks for all pages, and not for ever', async () => {
  const endless = (cursor: string): string => `
    let n = 0;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      const results = {
        initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'a', version: '1' } },
      };
      if (id === undefined) return;
      if (method === 'tools/list') results[method] = { tools: [{ name: 't' + n++, inputSchema: {} }], nextCursor: ${cursor} };
      const answer = results[method] ? { result: results[method] } : { error: { code: -32601, message: 'no' } };
      console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    });`;
  const three = await only(['--', NODE, '-e', endless("n < 3 ? 'c' + n : undefined")]);
  expect(three.tools).toMatchObject({ count: 3, names: ['t0', 't1', 't2'], complete: true });
  const many = await only(['--', NODE, '-e', endless("'c' + n")]);
  expect(many).toMatchObject({ verdict: 'ok', tools: { count: 100, complete: false } });
  const circle = await only(['--', NODE, '-e', endless("'same'")]);
  expect(circle).toMatchObject({ verdict: 'list-failed', reason: expect.stringContaining('same cursor') });
});

it('ends what it has started when it is asked to end', async () => {
  const begun = start(NODE, [PROXY, 'check', '--debug', '--pass-environment', NODE, MISBEHAVE], {
    env: { MISBEHAVE: 'silence,grandchild' },
  });
  scope.add(begun, end);
  const pid = await begun.line('stderr', (line) => /grandchild (\d+)/.exec(line)?.[1]);
  const started = descendants(begun.pid);
  expect(started).toContain(Number(pid));
  begun.kill('SIGTERM');
  expect(await begun.ended).toEqual({ code: 1, signal: null });
  expect(started.filter(isAlive)).toEqual([]);
  expect(begun.stdout()).toBe('');
});

it('is a command of that name where it is not the first word, or stands behind --', async () => {
  const path = `${folder}/bin`;
  for (const args of [
    ['--', 'check'],
    ['--port', '0', 'check'],
  ]) {
    const program = scope.add(start(NODE, [PROXY, ...args], { env: { PATH: path } }), end);
    expect(await program.ended).toMatchObject({ code: 1 });
    expect(program.stderr()).toContain('command not found: check');
  }
});

it('refuses wrong usage with 2, and leaves --json to the command', async () => {
  const nothing = await check([]);
  expect(nothing).toMatchObject({ code: 2, out: '', error: expect.stringContaining('nothing to do') });
  const unknown = await check(['--jsn', NODE, MISBEHAVE]);
  expect(unknown).toMatchObject({ code: 2, error: expect.stringContaining('--jsn') });
  const missing = await check(['--named-server-config', join(folder, 'none.json')]);
  expect(missing).toMatchObject({ code: 2, error: expect.stringContaining('none.json') });
  const theirs = await check([NODE, MISBEHAVE, '--json']);
  expect(theirs).toMatchObject({ code: 0, out: expect.stringMatching(/^SERVER/) });
  const proxied = scope.add(start(NODE, [PROXY, '--json', NODE, MISBEHAVE]), end);
  expect(await proxied.ended).toMatchObject({ code: 2 });
});

it('meets remote servers of either era over either transport', async () => {
  const legacy = await startHttpServer(scope);
  const modern = await startModernServer(scope);
  expect(await only([legacy.mcp])).toMatchObject({
    verdict: 'ok',
    transport: 'streamablehttp',
    era: 'legacy',
    protocolVersion: '2025-11-25',
    target: legacy.mcp,
  });
  expect(await only([legacy.sse])).toMatchObject({ verdict: 'ok', transport: 'sse', era: 'legacy' });
  const met = await only([modern.mcp]);
  expect(met).toMatchObject({ verdict: 'ok', transport: 'streamablehttp', era: 'modern' });
  expect(met.protocolVersion).toBe('2026-07-28');
  expect(met.tools?.count).toBeGreaterThan(0);
  expect((await legacy.seen()).open).toEqual([]);
});

it('says that another transport is spoken than the one that is forced', async () => {
  const { mcp, sse } = await startHttpServer(scope);
  const wrong = await only(['--transport', 'sse', mcp]);
  expect(wrong).toMatchObject({
    verdict: 'wrong-transport',
    remedy: expect.stringContaining('streamablehttp'),
  });
  const other = await only(['--transport', 'streamablehttp', sse]);
  expect(other).toMatchObject({
    verdict: 'wrong-transport',
    remedy: expect.stringContaining('--transport sse'),
  });
});

it('tells of URLs that are no MCP server, want credentials, or where nobody is', async () => {
  const origin = await listen(
    scope,
    createServer((request, response) => {
      if (request.url === '/page') response.setHeader('content-type', 'text/html').end('<h1>A page</h1>');
      else if (request.url === '/none') response.writeHead(404).end();
      else response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    }),
  );
  expect(await only([`${origin}/page`])).toMatchObject({
    verdict: 'no-mcp',
    reason: expect.stringContaining('A page'),
    remedy: expect.stringContaining('/mcp'),
  });
  expect(await only([`${origin}/none`])).toMatchObject({ verdict: 'no-mcp' });
  const empty = { MCP_PROXY_CREDENTIALS_FILE: join(folder, 'credentials.json') };
  expect(await only([`${origin}/mcp?key=hidden`], empty)).toMatchObject({
    verdict: 'needs-sign-in',
    target: `${origin}/mcp?***`,
    remedy: expect.stringContaining('mcp-proxy'),
  });
  const known = await only(['--headers', 'Authorization', 'Bearer not-good', `${origin}/mcp`], empty);
  expect(known).toMatchObject({ verdict: 'needs-sign-in', remedy: expect.stringContaining('not accepted') });
  const tls = await only([`${origin.replace('http:', 'https:')}/mcp`]);
  expect(tls).toMatchObject({ verdict: 'untrusted', remedy: expect.stringContaining('http://') });
  expect(await only(['http://127.0.0.1:1/mcp'])).toMatchObject({ verdict: 'unreachable' });
});
