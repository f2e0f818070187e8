/** What the built command writes to stderr: for people, or for programs. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Client } from '../http/harness/client.js';
import { end, start } from './harness/processes.js';
import { LEGACY_RAW, PROXY, startProxy } from './harness/proxy.js';
import { RawStdio } from './harness/raw-stdio.js';
import { Scope } from './harness/scope.js';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope.end());

/** What it wrote until it ended, a JSON object for each line. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
function entries(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const NOISY = [process.execPath, '-e', 'console.error("on my \\u202e way"); process.stdin.resume()'] as const;

it('in server mode each line is a JSON object where no terminal is, and its shape is that which is promised', async () => {
  const program = scope.add(start(process.execPath, [PROXY, '--port', '0', '--', ...LEGACY_RAW]), end);
  const listening = await program.line('stderr', (line) =>
    line.startsWith('{"event":"listening"') ? JSON.parse(line) : undefined,
  );
  const client = await Client.open(listening.servers[0].mcp, { name: 'ann' });
  await client.delete();
  await end(program);
  const all = entries(program.stderr()).filter(({ event }) => event !== 'listening');
  for (const entry of all) {
    expect(entry).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: expect.stringMatching(/^(debug|info|warning|error)$/),
      msg: expect.any(String),
    });
  }
  const opened = all.find(({ event }) => event === 'session_opened');
  expect(opened).toMatchObject({
    level: 'info',
    server: 'default',
    client: 'ann',
    client_version: '1',
    transport: 'streamable-http',
    protocol_version: '2025-11-25',
    session: expect.stringMatching(/^[0-9a-f]{12}$/),
  });
  expect(all.filter(({ event }) => event === 'session_ended')).toMatchObject([
    { level: 'info', session: opened.session, requests: 1, seconds: expect.any(Number) },
  ]);
  expect(JSON.stringify(all)).not.toContain(client.session);
});

it("a server's stderr is its own, by its name, and on one line whatever stands in it", async () => {
  const json = scope.add(start(process.execPath, [PROXY, '--port', '0', '--', ...NOISY]), end);
  const entry = await json.line('stderr', (line) => (line.includes('on my') ? JSON.parse(line) : undefined));
  expect(entry).toMatchObject({ server: 'default', stream: 'stderr', msg: expect.stringContaining('on my') });
  expect(json.stderr()).not.toMatch(/[^\n\x20-\x7e]/);
  const text = await startProxy(scope, ['--', ...NOISY]);
  const line = await text.program.line('stderr', (one) => (one.includes('on my') ? one : undefined));
  expect(line).toMatch(/^\S+ INFO \[default\] on my \\u202e way$/);
});

it('at debug the head of every message is told, and nothing of what is in it', async () => {
  const args = [PROXY, '--port', '0', '--debug', '--', ...LEGACY_RAW];
  const program = scope.add(start(process.execPath, args), end);
  const listening = await program.line('stderr', (line) =>
    line.startsWith('{"event":"listening"') ? JSON.parse(line) : undefined,
  );
  const client = await Client.open(listening.servers[0].mcp);
  await client.ask('tools/list', { cursor: 'a-canary' });
  await end(program);
  const heads = entries(program.stderr()).filter(({ kind }) => kind !== undefined);
  const [asked, answered] = heads.filter(({ method }) => method === 'tools/list');
  expect(asked).toMatchObject({
    level: 'debug',
    from: 'client',
    kind: 'request',
    id: '1',
    server: 'default',
  });
  expect(asked.octets).toBeGreaterThan(50);
  expect(answered).toMatchObject({ from: 'server', kind: 'response', id: '1', session: asked.session });
  expect(program.stderr()).not.toContain('a-canary');
});

it('in client mode it is text, which people read in a window of their client, unless JSON is asked for', async () => {
  const { of } = await startProxy(scope, ['--', ...LEGACY_RAW]);
  const text = new RawStdio(scope, of('default').mcp, ['--debug']);
  await text.begin();
  expect(text.program.stderr()).toMatch(
    /^\S+ DEBUG \[http:\/\/127\.0\.0\.1:\d+\] from the client: request initialize /m,
  );
  const json = new RawStdio(scope, of('default').mcp, ['--debug', '--log-format', 'json']);
  await json.begin();
  const head = await json.program.line('stderr', (line) => {
    const entry = JSON.parse(line);
    return entry.method === 'initialize' ? entry : undefined;
  });
  expect(head).toMatchObject({ from: 'client', kind: 'request' });
});

it('a format that is none is refused', async () => {
  const program = start(process.execPath, [PROXY, '--log-format', 'xml', '--', ...LEGACY_RAW]);
  expect((await program.ended).code).toBe(2);
  expect(program.stderr()).toContain('--log-format is one of auto, text, json; not "xml"');
});
