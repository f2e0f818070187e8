/** What the system may run out of: room for the log, file descriptors. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { end, start } from '../e2e/harness/processes.js';
import { PROXY } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { exchange } from '../http/harness/http.js';
import { eventually } from '../http/harness/proxy.js';
import { Children } from './harness/children.js';
import {
  type FaultClient,
  type Identity,
  type Reach,
  SseClient,
  StreamableClient,
} from './harness/client.js';
import { row } from './harness/fault.js';
import { BREAKABLE } from './harness/world.js';

type ClientClass = new (reach: Reach, identity: Identity) => FaultClient;
const CLIENTS: readonly (readonly [string, ClientClass])[] = [
  ['Streamable HTTP', StreamableClient],
  ['HTTP+SSE', SseClient],
];
const IDENTITY = { name: 'one', capabilities: {} };

const scope = new Scope();
afterEach(() => scope.end());

/** More than the system takes in for a log that nobody reads, and more than may wait for it. */
const NOISE = `
  process.stdin.resume().on("end", () => process.exit());
  const line = "x".repeat(1000) + "\\n";
  process.stderr.write(line.repeat(8000) + "all is said\\n");`;

function words(children: Children): string[] {
  const noisy = ['--named-server', 'noisy', `${process.execPath} -e '${NOISE}'`];
  return [
    PROXY,
    '--port',
    '0',
    ...noisy,
    '--',
    process.execPath,
    BREAKABLE,
    String(children.port),
    'default',
  ];
}

/** Settles when the second server has written to the log all that it has to say. */
async function flood(url: string): Promise<void> {
  await eventually(async () => {
    const { servers } = JSON.parse((await exchange(`${url}/status`)).body);
    const [process] = servers.find(({ name }: { name: string }) => name === 'noisy').processes;
    return process?.stderr.at(-1) === 'all is said' ? true : undefined;
  });
}

function reach(url: string): Reach {
  return { mcp: `${url}/mcp`, sse: `${url}/sse` };
}

/** The process that a client is on is killed; the next one answers, and says things on its own. */
async function survives(client: FaultClient, children: Children): Promise<void> {
  const child = await children.byPid(Number((await client.call('x/pid')).pid));
  const before = children.servers.length;
  await child.kill();
  const next = await children.started(before);
  expect((await client.call('x/pid')).pid).toBe(next.pid);
  await client.call('x/emit', { message: { method: 'notifications/said' } });
  await client.until('what the server says', ({ method }) => method === 'notifications/said');
  expect(client.strays).toEqual([]);
}

describe('the log', () => {
  /** Loaded before the program: tells the port, which nobody can read in the log. */
  const TELL_PORT = `import { Server } from 'node:net';
    const { emit } = Server.prototype;
    Server.prototype.emit = function (name, ...rest) {
      if (name === 'listening') process.send({ port: this.address().port });
      return emit.call(this, name, ...rest);
    };`;

  const logs = [
    { title: `${row('log.disk-full')} the disk is full`, stderr: 'full', shell: 'exec "$0" "$@"' },
    { title: `${row('log.closed')} stderr is closed`, stderr: 'ignore', shell: 'exec "$0" "$@" 2>&-' },
    { title: `${row('log.gone')} whoever read stderr has gone`, stderr: 'pipe', shell: 'exec "$0" "$@"' },
    {
      title: `${row('log.unread')} nobody reads stderr`,
      stderr: 'pipe',
      shell: 'exec "$0" "$@"',
      isKept: true,
    },
  ] as const;
  // Windows and macOS have no such disk.
  const possible = logs.filter(({ stderr }) => stderr !== 'full' || existsSync('/dev/full'));
  it.each(possible)('$title', async ({ stderr, shell, ...more }) => {
    const children = await Children.listen(scope);
    const log = stderr === 'full' ? openSync('/dev/full', 'w') : stderr;
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(TELL_PORT)}`];
    const proxy = spawn('sh', ['-c', shell, process.execPath, ...preload, ...words(children)], {
      stdio: ['ignore', 'ignore', log, 'ipc'],
    });
    // What it reads ahead is a part of what is flooded.
    proxy.stderr?.pause();
    if (typeof log === 'number') closeSync(log);
    const ended = once(proxy, 'exit');
    scope.add(proxy, async () => {
      proxy.kill('SIGTERM');
      await ended;
    });
    const [{ port }] = await once(proxy, 'message');
    if ('isKept' in more) await flood(`http://127.0.0.1:${port}`);
    else proxy.stderr?.destroy();
    for (const [, Client] of CLIENTS) {
      await survives(await new Client(reach(`http://127.0.0.1:${port}`), IDENTITY).begin(), children);
    }
    proxy.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    await Promise.all(children.all.map((child) => child.dead()));
  });
});

describe('file descriptors', () => {
  /** Room for the program, one server and a few clients. */
  const LIMIT = 64;

  async function limited(children: Children): Promise<string> {
    const shell = `ulimit -n ${LIMIT}; exec "$0" "$@"`;
    const program = scope.add(start('sh', ['-c', shell, process.execPath, ...words(children)]), end);
    return program.line('stderr', (line) =>
      line.startsWith('{"event":"listening"') ? JSON.parse(line).url : undefined,
    );
  }

  /** Opens connections until one is refused, and keeps them. */
  async function exhaust(url: string): Promise<Socket[]> {
    const sockets: Socket[] = [];
    const refused = new Promise<void>((resolve) => {
      for (let n = 0; n < LIMIT; n++) {
        const socket = connect(Number(new URL(url).port), '127.0.0.1');
        socket.on('error', () => resolve()).once('close', () => resolve());
        // Nothing is read, so that nothing is closed here.
        sockets.push(socket);
      }
    });
    scope.add(sockets, async () => sockets.forEach((socket) => void socket.destroy()));
    await refused;
    return sockets;
  }

  /** A client with connections that it keeps. */
  async function begun(Client: ClientClass, url: string): Promise<FaultClient> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    scope.add(agent, async () => agent.destroy());
    return new Client({ ...reach(url), agent }, IDENTITY).begin();
  }

  it.each(CLIENTS)(
    `${row('descriptors.used-up')} used up: sessions that are there go on, and later everything does: %s`,
    async (_, Client) => {
      const children = await Children.listen(scope);
      const url = await limited(children);
      const client = await begun(Client, url);
      const sockets = await exhaust(url);
      await expect(exchange(`${url}/status`)).rejects.toThrow();
      await client.call('x/emit', { message: { method: 'notifications/said' } });
      await client.until('what the server says', ({ method }) => method === 'notifications/said');
      expect(client.strays).toEqual([]);

      for (const socket of sockets) socket.destroy();
      const other = await eventually(() =>
        new Client(reach(url), { ...IDENTITY, name: 'two' }).begin().catch(() => undefined),
      );
      expect((await other.call('x/pid')).pid).not.toBe((await client.call('x/pid')).pid);
      await survives(client, children);
    },
  );

  it.each(CLIENTS)(
    `${row('descriptors.used-up-at-death')} used up when the process dies: %s`,
    async (_, Client) => {
      const children = await Children.listen(scope);
      const url = await limited(children);
      const client = await begun(Client, url);
      const child = await children.byPid(Number((await client.call('x/pid')).pid));
      const sockets = await exhaust(url);
      const open = client.ask('x/hold', { key: 'k' });
      await child.heard('x/hold');
      await child.kill();
      expect((await open.answer).error).toMatchObject({ code: -32603, data: { signal: 'SIGKILL' } });

      for (const socket of sockets) socket.destroy();
      // As long as there is no room for the process: every call says so, and the first one afterwards works.
      const result = await eventually(async () => (await client.ask('x/pid').answer).result);
      expect(result.pid).toBe(children.servers.at(-1)?.pid);
      await client.call('x/emit', { message: { method: 'notifications/said' } });
      await client.until('what the server says', ({ method }) => method === 'notifications/said');
      expect(client.strays).toEqual([]);
    },
  );
});
