/** How the command ends: its server processes on the way out, and a start that cannot be. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { descendants, end, isAlive, type Program, start } from './harness/processes.js';
import { LEGACY_SERVER, PROXY, startProxy } from './harness/proxy.js';
import { initialize, RawSession } from './harness/raw-session.js';
import { RawStdio } from './harness/raw-stdio.js';
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

const SIGNAL = "process.kill(process.pid, 'SIGTERM');";
/** Loaded before the program: SIGTERM comes at the moment that it begins to listen, or to use its stdin. */
const EARLY_SIGNAL = {
  server: `import { Server } from 'node:net';
    const { listen } = Server.prototype;
    Server.prototype.listen = function (...args) { ${SIGNAL} return listen.apply(this, args); };`,
  client: `const { get } = Object.getOwnPropertyDescriptor(process, 'stdin');
    Object.defineProperty(process, 'stdin', { configurable: true, get() {
      Object.defineProperty(process, 'stdin', { get });
      ${SIGNAL} return process.stdin;
    } });`,
};

it.each([
  ['server', ['--port', '0', '--', ...LEGACY_SERVER]],
  ['client', ['http://127.0.0.1:9/mcp']],
] as const)('a signal that comes before all is ready ends it in order: %s mode', async (mode, args) => {
  const preload = ['--import', `data:text/javascript,${encodeURIComponent(EARLY_SIGNAL[mode])}`];
  const program = scope.add(start(process.execPath, [...preload, PROXY, ...args]), end);
  expect(await program.ended).toEqual({ code: 0, signal: null });
  expect(program.stdout()).toBe('');
  expect(program.stderr()).toContain('SIGTERM: stopping');
});

it('nobody has to read its stderr', async () => {
  const noisy =
    'setInterval(() => console.error("noise"), 1); process.stdin.resume().on("end", () => process.exit())';
  const log = ['--log-format', 'text'];
  const args = [
    ...log,
    '--port',
    '0',
    '--named-server',
    'noisy',
    `node -e '${noisy}'`,
    '--',
    ...LEGACY_SERVER,
  ];
  const child = spawn(process.execPath, [PROXY, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  scope.add(child, async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let url = '';
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('{"event":"listening"')) url = JSON.parse(line).url;
    if (url !== '' && line.endsWith('noise')) break;
  }
  child.stderr.destroy();
  const session = await RawSession.begin(`${url}/mcp`);
  await session.call('who');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

it('client mode: a call that is under way may finish, and what it asks is still answered', async () => {
  const remote = await startProxy(scope, ['--', ...LEGACY_SERVER]);
  const client = new RawStdio(scope, remote.of('default').mcp, ['--stop-timeout', '60']);
  await client.begin('2025-11-25', { roots: {} });
  client.write({ id: 1, method: 'tools/call', params: { name: 'ask', arguments: { method: 'roots/list' } } });
  const question = JSON.parse(await client.line(({ method }) => method === 'roots/list'));
  client.program.kill('SIGTERM');
  await client.program.line('stderr', (line) => (line.includes('SIGTERM') ? line : undefined));
  client.write({ id: 2, method: 'tools/list' });
  expect(await client.answer(2)).toMatchObject({ error: { code: -32603, message: 'the proxy is stopping' } });
  client.write({ id: question.id, result: {} });
  expect(await client.answer(1)).toMatchObject({
    result: { structuredContent: { answers: [{ result: {} }] } },
  });
  expect(await client.program.ended).toEqual({ code: 0, signal: null });
});

describe('a client that has closed stdin and does not read stdout', () => {
  /** More than the system takes in. */
  const octets = 4 * 1024 * 1024;
  /** Longer than every client gets, however little time is set. */
  const PAUSE_MS = 4000;
  const PUPPET = join(import.meta.dirname, '../fixtures/servers/http-puppet.mjs');

  /** Client mode, with an answer on its way that is not read. */
  async function unread(...args: string[]) {
    const remote = await startProxy(scope, ['--', process.execPath, PUPPET]);
    const child = spawn(process.execPath, [PROXY, ...args, remote.of('default').mcp], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    scope.add(child, async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const say = (message: object): unknown =>
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    child.stdin.write(`${initialize({})}\n`);
    say({ method: 'notifications/initialized' });
    say({ id: 1, method: 'x/big', params: { octets } });
    let seen = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      seen += chunk;
      if (seen.includes('"id":1')) break;
    }
    child.stdin.end();
    return { child, ended, read: seen.length };
  }

  it('gets all of it within the time to finish', async () => {
    const { child, ended, read } = await unread('--stop-timeout', '60');
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    let length = read;
    for await (const chunk of child.stdout) length += chunk.length;
    expect(length).toBeGreaterThan(octets);
    expect(await ended).toEqual([0, null]);
  });

  it('does not keep the program from ending', async () => {
    const { ended } = await unread('--stop-timeout', '1');
    expect(await ended).toEqual([0, null]);
  });
});

/** The process of the only server. */
async function serverPid(url: string): Promise<number> {
  const status = await (await fetch(`${url}/status`)).json();
  return status.servers[0].processes[0].pid;
}

it('a server that dies later does not end the proxy', async () => {
  const proxy = await startProxy(scope, ['--', ...LEGACY_SERVER]);
  await RawSession.begin(proxy.of('default').mcp);
  const pid = await serverPid(proxy.url);
  process.kill(pid, 'SIGKILL');
  await proxy.program.line('stderr', (line) => (line.includes('SIGKILL') ? line : undefined));
  await RawSession.begin(proxy.of('default').mcp);
  expect(await serverPid(proxy.url)).not.toBe(pid);
  proxy.program.kill('SIGTERM');
  expect(await proxy.program.ended).toEqual({ code: 0, signal: null });
});

it('a server that dies before it has answered anything does, whether it was asked or not', async () => {
  const silent = 'setInterval(() => undefined, 1000)';
  const proxy = await startProxy(scope, ['--', process.execPath, '-e', silent]);
  process.kill(await serverPid(proxy.url), 'SIGKILL');
  // It may have ended because it was asked what it speaks: the next one is not.
  await proxy.program.line('stderr', (line) => (line.includes('ended when it was asked') ? line : undefined));
  process.kill(await serverPid(proxy.url), 'SIGKILL');
  expect(await proxy.program.ended).toEqual({ code: 1, signal: null });
});

it.each(['mcp', 'sse'] as const)(
  'a client that is quick hears why no server could be started, and then the proxy ends: %s',
  async (path) => {
    const script = 'process.stdin.once("data", () => { throw new Error("cannot read this"); })';
    const proxy = await startProxy(scope, ['--', process.execPath, '-e', script]);
    const { mcp, sse } = proxy.of('default');
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    };
    const post = (url: string): Promise<Response> =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      });
    if (path === 'mcp') expect(await (await post(mcp)).text()).toContain('cannot read this');
    else {
      const decoder = new TextDecoder();
      let said = '';
      for await (const chunk of (await fetch(sse)).body ?? []) {
        said += decoder.decode(chunk);
        const [, endpoint] = /^data: (\S+)\n\n$/m.exec(said) ?? [];
        if (endpoint !== undefined) expect((await post(new URL(endpoint, sse).href)).status).toBe(202);
      }
      expect(said).toContain('cannot read this');
    }
    expect(await proxy.program.ended).toEqual({ code: 1, signal: null });
    expect(proxy.program.stderr()).toContain('no server could be started');
  },
);

it('a path through a file as one of the commands does not keep the others from starting', async () => {
  const wrong = `${import.meta.filename}/foo`;
  const alone = run('--port', '0', wrong);
  expect(await alone.ended).toEqual({ code: 1, signal: null });
  expect(alone.stderr()).toContain('there is no such file');
  const proxy = await startProxy(scope, ['--named-server', 'wrong', wrong, '--', ...LEGACY_SERVER]);
  const session = await RawSession.begin(proxy.of('default').mcp);
  await session.call('who');
  proxy.program.kill('SIGTERM');
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
