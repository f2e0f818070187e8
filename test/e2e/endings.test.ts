/** How the command ends: its server processes on the way out, and a start that cannot be. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { descendants, end, isAlive, type Program, start } from './harness/processes.js';
import { LEGACY_SERVER, PROXY, startProxy } from './harness/proxy.js';
import { RawSession } from './harness/raw-session.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await scope.end();
  rmSync(directory, { recursive: true });
});

it.each([
  {
    title: `${req('stdio.shutdown.closes-stdin')} a server ends when its stdin is closed`,
    ignore: '',
    asked: ['stdin'],
  },
  {
    title: `${req('stdio.shutdown.sigterm')} a server that stays gets SIGTERM`,
    ignore: 'stdin',
    asked: ['stdin', 'SIGTERM'],
  },
  {
    title: `${req('stdio.shutdown.sigkill')} a server that stays after SIGTERM is killed`,
    ignore: 'stdin,SIGTERM',
    asked: ['stdin', 'SIGTERM'],
  },
])('$title', async ({ ignore, asked }) => {
  const file = join(directory, 'asked');
  const proxy = await startProxy(scope, [
    '-e',
    'END_FILE',
    file,
    '-e',
    'IGNORE',
    ignore,
    '--',
    ...LEGACY_SERVER,
  ]);
  const session = await RawSession.begin(proxy.of('default').mcp);
  const { pid } = await session.call('who');
  const below = descendants(proxy.program.pid);
  expect(below).toContain(pid);
  proxy.program.kill('SIGTERM');
  expect(await proxy.program.ended).toEqual({ code: 0, signal: null });
  expect(below.filter(isAlive)).toEqual([]);
  expect(readFileSync(file, 'utf8').trim().split('\n')).toEqual(asked);
});

it('a call that is under way may finish, and what it asks is still answered', async () => {
  const proxy = await startProxy(scope, ['--', ...LEGACY_SERVER]);
  const session = await RawSession.begin(proxy.of('default').mcp, { capabilities: { roots: {} } });
  const events = (await session.callTool('ask', { method: 'roots/list' })).events();
  const { id } = await events.message();
  proxy.program.kill('SIGINT');
  await proxy.program.line('stderr', (line) => (line.includes('SIGINT') ? line : undefined));
  expect((await session.post({ id, result: {} })).status).toBe(202);
  expect(await events.message()).toMatchObject({
    result: { structuredContent: { answers: [{ result: {} }] } },
  });
  expect(await proxy.program.ended).toEqual({ code: 0, signal: null });
});

it('a call that does not finish gets an error', async () => {
  const proxy = await startProxy(scope, ['--', ...LEGACY_SERVER]);
  const session = await RawSession.begin(proxy.of('default').mcp);
  const call = session.callTool('hold', { key: 'k' });
  await session.call('await-hold', { key: 'k', state: 'open' });
  proxy.program.kill('SIGINT');
  expect(JSON.parse(await (await call).text())).toMatchObject({ error: { code: expect.any(Number) } });
  expect(await proxy.program.ended).toEqual({ code: 0, signal: null });
});

function run(...args: string[]): Program {
  return scope.add(start(process.execPath, [PROXY, ...args]), end);
}

it('a command that does not exist: in words, with what can be done', async () => {
  const program = run('--port', '0', '--', 'no-such-command-xyz', 'a');
  expect(await program.ended).toEqual({ code: 1, signal: null });
  expect(program.stderr()).toContain('no-such-command-xyz');
  expect(program.stderr()).toMatch(/full path/i);
  expect(program.stdout()).toBe('');
});

it('a command that ends before it says anything: with its code and the end of its stderr', async () => {
  const script = 'console.error("no database"); process.exit(7)';
  const program = run('--port', '0', '--', process.execPath, '-e', script);
  expect(await program.ended).toEqual({ code: 1, signal: null });
  expect(program.stderr()).toContain('no database');
  expect(program.stderr()).toMatch(/\b7\b/);
});

it('a port that is in use', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  const program = run('--port', port, '--', ...LEGACY_SERVER);
  expect(await program.ended).toEqual({ code: 1, signal: null });
  expect(program.stderr()).toContain(port);
  taken.close();
});

it.each([
  ['nothing at all', []],
  ['an unknown option', ['--no-such-option', 'x']],
  ['a file that is not there', ['--named-server-config', '/nowhere/mcp.json']],
  ['a directory that is not there', ['--cwd', '/nowhere', '--', 'node']],
])('wrong usage: %s', async (_, args) => {
  const program = run(...args);
  expect(await program.ended).toEqual({ code: 2, signal: null });
  expect(program.stderr()).toMatch(/\w/);
  expect(program.stdout()).toBe('');
});
