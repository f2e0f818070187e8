import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import type { ServerDefinition } from '../../../src/config/definition.js';
import { type Child, describeExit, startChild } from '../../../src/process/child.js';
import { realTime, type Schedule, STDIN_GRACE_MS } from '../../../src/process/shutdown.js';
import { killAllNow } from '../../../src/process/tree.js';
import { countDescendants, fixtureDefinition, gone, isRunning } from '../../fixtures/processes.js';

const posix = test.skipIf(process.platform === 'win32');
const linux = test.skipIf(process.platform !== 'linux');

/** The steps of the shutdown, twenty times as fast. */
const hurried: Schedule = (run, ms) => realTime(run, ms / 20);
/** Soon SIGTERM, and time enough to end with it. */
const soonTerm: Schedule = (run, ms) => realTime(run, ms === STDIN_GRACE_MS ? 100 : ms * 10);
/** Time enough to end when stdin does, however busy the machine is. */
const patient: Schedule = (run, ms) => realTime(run, ms === STDIN_GRACE_MS ? ms * 20 : ms);

interface Started {
  readonly child: Child;
  readonly lines: string[];
  /** Settles with the first line of stderr that fits, which may have come already. */
  line(pattern: RegExp): Promise<string>;
}

const started: Child[] = [];

function start(definition: ServerDefinition, schedule: Schedule = patient): Started {
  const lines: string[] = [];
  let told: () => void = () => undefined;
  const child = startChild(definition, {
    schedule,
    onStderr: (line) => {
      lines.push(line);
      told();
    },
  });
  started.push(child);
  const line = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = lines.find((each) => pattern.test(each));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
  };
  return { child, lines, line };
}

/** A process that runs a script; `node -e`. */
function script(code: string, more: Partial<ServerDefinition> = {}): ServerDefinition {
  return fixtureDefinition('', {}, { args: ['-e', code], ...more });
}

function ping(child: Child): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  return answer;
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.killNow();
    await child.stop();
  }
  // Whatever a test leaves behind is a fault of what it tests.
  while (countDescendants() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
});

test('a process gets its arguments without a shell, and its environment', async () => {
  const code = 'console.log(JSON.stringify([process.argv.slice(1), process.env.KEY, process.env.SECRET_X]))';
  process.env.SECRET_X = 'not for children';
  const { child } = start(script(code, { args: ['-e', code, '$HOME', 'a b', '*'], env: { KEY: 'ü' } }));
  expect(JSON.parse(await text(child.stdout))).toEqual([['$HOME', 'a b', '*'], 'ü', null]);
  expect(await child.exit).toEqual({ kind: 'exited', code: 0 });
  delete process.env.SECRET_X;
});

test('it runs in its working directory', async () => {
  const { child } = start(script('process.stdout.write(process.cwd())', { cwd: '/' }));
  expect(await text(child.stdout)).toBe('/');
});

test('exit code and signal are told', async () => {
  const three = start(script('process.exit(3)')).child;
  three.stdout.resume();
  expect(await three.exit).toEqual({ kind: 'exited', code: 3 });
  expect(await three.stop()).toEqual({ kind: 'exited', code: 3 });
  const killed = start(script('process.kill(process.pid, "SIGKILL")')).child;
  killed.stdout.resume();
  expect(await killed.exit).toEqual({ kind: 'killed', signal: 'SIGKILL' });
});

test('the exit comes after the last line of stderr', async () => {
  const { child, lines } = start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'die-at-start' }));
  const exit = await child.exit;
  expect(exit).toEqual({ kind: 'exited', code: 3 });
  expect(lines).toEqual(['cannot start:', 'the reason']);
  expect(describeExit(fixtureDefinition('misbehave.mjs'), exit, child.stderrTail())).toBe(
    `server "fixture" (${process.execPath}) ended with exit code 3; its stderr ends with:\n  cannot start:\n  the reason`,
  );
});

test('a flood on stderr is read, and only its end is kept', async () => {
  const definition = fixtureDefinition('misbehave.mjs', {
    MISBEHAVE: 'stderr-flood',
    MISBEHAVE_LINES: '20000',
  });
  const { child, lines, line } = start(definition);
  await line(/^last line$/);
  expect(lines).toHaveLength(20_002);
  expect(lines[0]).toBe('line 1');
  expect(lines.at(-2)?.length).toBeLessThan(1100);
  expect(child.stderrTail().length).toBeLessThanOrEqual(50);
  expect(await child.stop()).toEqual({ kind: 'exited', code: 0 });
});

test('a value of the environment is shown nowhere', async () => {
  const code = 'console.error("no login with " + process.env.DB_PASS); process.exit(4)';
  const definition = script(code, { env: { DB_PASS: 'hunter2secret' } });
  const { child, lines } = start(definition);
  const exit = await child.exit;
  expect(lines).toEqual(['no login with ***']);
  expect(child.stderrTail()).toEqual(['no login with ***']);
  expect(describeExit(definition, exit, ['again hunter2secret'])).toMatch(/again \*\*\*$/);
  const missing = script('', { command: 'no-hunter2secret', env: { DB_PASS: 'hunter2secret' } });
  expect(await start(missing).child.exit).toMatchObject({ reason: /^command not found: no-\*\*\*;/ });
});

test('a command that does not exist is told in words', async () => {
  const definition = script('', { command: 'no-such-command-here', name: 'mine' });
  const { child } = start(definition);
  expect(child.pid).toBeUndefined();
  child.stdin.write('lost\n');
  const exit = await child.stop();
  const words = describeExit(definition, exit, []);
  expect(words).toContain('server "mine" could not be started: command not found: no-such-command-here');
  expect(words).toContain('full path');
});

test('a path that does not exist, and a working directory that does not', async () => {
  const path = await start(script('', { command: './no/such/file' })).child.exit;
  expect(path).toMatchObject({ kind: 'unspawnable', reason: /there is no such file/ });
  const cwd = await start(script('', { cwd: '/no/such/place' })).child.exit;
  expect(cwd).toMatchObject({ reason: /working directory does not exist.*\/no\/such\/place/ });
});

posix(
  'a file that may not be run, a script without its interpreter, an argument that cannot be passed',
  async () => {
    const place = mkdtempSync(join(tmpdir(), 'mcp-proxy-test-'));
    try {
      const plain = join(place, 'plain');
      writeFileSync(plain, 'text');
      chmodSync(plain, 0o644);
      expect(await start(script('', { command: plain })).child.exit).toMatchObject({
        reason: /plain may not be executed/,
      });
      const broken = join(place, 'broken');
      writeFileSync(broken, '#!/no/such/interpreter\n');
      chmodSync(broken, 0o755);
      expect(await start(script('', { command: broken })).child.exit).toMatchObject({
        reason: /broken exists, but the program that its first line/,
      });
      const impossible = await start(script('', { args: ['a\0b'] })).child.exit;
      expect(impossible).toMatchObject({ kind: 'unspawnable', reason: /holds a null character$/ });
    } finally {
      rmSync(place, { recursive: true });
    }
  },
);

posix(
  'a file in the place of a directory is told in words too: in the command, in cwd, in PATH',
  async () => {
    const under = `${import.meta.filename}/foo`;
    expect(await start(script('', { command: under })).child.exit).toMatchObject({
      reason: /there is no such file/,
    });
    expect(await start(script('', { cwd: under })).child.exit).toMatchObject({
      reason: /working directory does not exist/,
    });
    const definition = script('', { command: 'no-such-command', env: { PATH: import.meta.filename } });
    expect(await start(definition).child.exit).toMatchObject({ reason: /command not found/ });
  },
);

posix('a directory of PATH that may not be entered is passed over', async () => {
  const place = mkdtempSync(join(tmpdir(), 'mcp-proxy-test-'));
  try {
    chmodSync(place, 0o000);
    const path = `${place}:${dirname(process.execPath)}`;
    const definition = script('process.exit(5)', { command: 'node', env: { PATH: path } });
    const exit = await start(definition).child.exit;
    expect(describeExit(definition, exit, [])).toContain(`(${process.execPath}) ended with exit code 5`);
  } finally {
    chmodSync(place, 0o700);
    rmSync(place, { recursive: true });
  }
});

test('a good server ends when its stdin is closed', async () => {
  const { child } = start(fixtureDefinition('misbehave.mjs'));
  await ping(child);
  expect(await child.stop()).toEqual({ kind: 'exited', code: 0 });
});

posix('one that ignores the end of stdin gets SIGTERM, one that ignores that too is killed', async () => {
  const polite = start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'ignore-end' }), soonTerm).child;
  await ping(polite);
  expect(await polite.stop()).toEqual({ kind: 'killed', signal: 'SIGTERM' });
  const stubborn = start(
    fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'ignore-end,ignore-term' }),
    hurried,
  );
  await ping(stubborn.child);
  expect(await stubborn.child.stop()).toEqual({ kind: 'killed', signal: 'SIGKILL' });
});

test('secrets among the arguments are taken out of what it writes, as those of its environment', async () => {
  const script = 'console.error(process.argv.join(" ")); process.stdin.resume()';
  const { child, line } = start({
    ...fixtureDefinition('misbehave.mjs'),
    args: ['-e', script, '--', '--password=hunter22', '--api-key', 'abcdef', 'plain'],
  });
  expect(await line(/plain/)).toMatch(/--password=\*\*\* --api-key \*\*\* plain$/);
  expect(child.stderrTail().join()).not.toMatch(/hunter22|abcdef/);
});

posix.each(['grandchild', 'grandchild-stubborn'])('%s: what the child started ends with it', async (kind) => {
  const { child, line } = start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: kind }));
  const pid = Number((await line(/ \d+$/)).split(' ')[1]);
  expect(isRunning(pid)).toBe(true);
  child.stdout.resume();
  expect(await child.stop()).toEqual({ kind: 'exited', code: 0 });
  await gone(pid);
});

posix(
  'what a child started is ended also when it dies by itself, and its pipes do not hold the exit up',
  async () => {
    const { child, line } = start(
      fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'grandchild,die-at-initialize' }),
    );
    const pid = Number((await line(/ \d+$/)).split(' ')[1]);
    child.stdout.resume();
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n');
    expect(await child.exit).toEqual({ kind: 'exited', code: 3 });
    await gone(pid);
  },
);

linux('also what left the process group is ended with the child', async () => {
  const { child, line } = start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'grandchild-away' }));
  const pid = Number((await line(/ \d+$/)).split(' ')[1]);
  await child.stop();
  await gone(pid);
});

linux('what left the process group is ended also when the child crashes', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { child, line } = start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'grandchild-away' }));
    const pid = Number((await line(/ \d+$/)).split(' ')[1]);
    vi.advanceTimersByTime(1000);
    process.kill(child.pid ?? 0, 'SIGKILL');
    expect(await child.exit).toEqual({ kind: 'killed', signal: 'SIGKILL' });
    await gone(pid);
    await child.stop();
  } finally {
    vi.useRealTimers();
  }
});

linux('so is what it has started later, while it was at work', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const script = `
      process.stdin.once('data', () => {
        const options = { detached: true, stdio: 'ignore' };
        const { pid } = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e6)'], options);
        console.error('started ' + pid);
      });`;
    const { child, line } = start({
      ...fixtureDefinition('misbehave.mjs'),
      command: process.execPath,
      args: ['-e', script],
    });
    vi.advanceTimersByTime(7000);
    child.stdin.write('go\n');
    const pid = Number((await line(/ \d+$/)).split(' ')[1]);
    child.active();
    vi.advanceTimersByTime(1000);
    process.kill(child.pid ?? 0, 'SIGKILL');
    expect(await child.exit).toEqual({ kind: 'killed', signal: 'SIGKILL' });
    await gone(pid);
    await child.stop();
  } finally {
    vi.useRealTimers();
  }
});

linux('a process that got away and holds the pipes does not hold the exit up', async () => {
  const definition = fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'grandchild-away,die-at-initialize' });
  const { child, line } = start(definition);
  const pid = Number((await line(/ \d+$/)).split(' ')[1]);
  child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n');
  expect(await child.exit).toEqual({ kind: 'exited', code: 3 });
  process.kill(pid, 'SIGKILL');
  await gone(pid);
});

posix('killNow ends it at once, with what it started', async () => {
  const { child, line } = start(
    fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'ignore-end,ignore-term,grandchild-stubborn' }),
  );
  const pid = Number((await line(/ \d+$/)).split(' ')[1]);
  child.killNow();
  expect(await child.stop()).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  await gone(pid);
});

posix('killAllNow ends every child that is left, synchronously', async () => {
  const two = [1, 2].map(() =>
    start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: 'ignore-end,ignore-term' })),
  );
  killAllNow();
  for (const { child } of two) expect(await child.exit).toEqual({ kind: 'killed', signal: 'SIGKILL' });
});
