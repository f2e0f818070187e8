/** Every example of `--help`, run as it stands there but for ports, hosts and paths of this machine. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { split } from 'shlex';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { EXAMPLES } from '../../src/cli/examples.js';
import { end, type Program, start } from './harness/processes.js';
import { type HttpServer, PROXY, startHttpServer } from './harness/proxy.js';
import { initialize } from './harness/raw-session.js';
import { Scope } from './harness/scope.js';

const ROOT = join(import.meta.dirname, '../..');
const MY_SERVER = join(ROOT, 'test/fixtures/servers/misbehave.mjs');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-examples-')));
const scope = new Scope();
let remote: HttpServer;

beforeAll(() => {
  // `npx` finds the installed packages by their names; nothing is fetched.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/my-server'), `#!/bin/sh\nexec "${process.execPath}" "${MY_SERVER}"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(folder, 'servers.json'), '{ "mcpServers": { "mine": { "command": "my-server" } } }');
  writeFileSync(join(folder, 'keys'), 'ann:a-key-of-ann-0123456789\n');
});
beforeEach(async () => {
  remote = await startHttpServer(scope);
});
afterEach(() => scope.end());
afterAll(() => rmSync(folder, { recursive: true }));

/** The words of an example for this machine. */
function wordsOf(example: string): string[] {
  const { origin } = new URL(remote.mcp);
  const local = example.replaceAll('https://host', origin).replaceAll('/srv', folder);
  const [, ...words] = split(local);
  const at = words.indexOf('--port');
  // The one behind -- is the command's.
  return words.map((word, index) => (index === at + 1 && at >= 0 ? '0' : word));
}

function run(words: readonly string[]): Program {
  const env = {
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    MCP_PROXY_CREDENTIALS_FILE: join(folder, 'credentials.json'),
    API_ACCESS_TOKEN: '',
  };
  return scope.add(start(process.execPath, [PROXY, ...words], { env, cwd: folder }), end);
}

it('the examples are there, and the most used are the first', () => {
  expect(EXAMPLES.length).toBeGreaterThan(8);
  for (const example of EXAMPLES) expect(example).toMatch(/^mcp-proxy /);
});

it.each(EXAMPLES)('%s', async (example) => {
  const words = wordsOf(example);
  const program = run(words);
  const [first = ''] = words;
  if (first === 'check' || first === 'logout') {
    expect(await program.ended, program.stdout() + program.stderr()).toMatchObject({ code: 0 });
  } else if (words.some((word) => /^https?:.*\/(?:mcp|sse)$/.test(word))) {
    program.write(`${initialize({})}\n`);
    const answer = await program.line('stdout', (line) => line);
    expect(JSON.parse(answer)).toMatchObject({ result: { serverInfo: expect.anything() } });
  } else {
    const line = await program.line('stderr', (text) =>
      text.startsWith('{"event":"listening"') ? text : undefined,
    );
    const { servers } = JSON.parse(line);
    const response = await fetch(servers[0].mcp.replace('0.0.0.0', '127.0.0.1'), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'x-api-key': 'a-key-of-ann-0123456789',
      },
      body: initialize({}),
    });
    expect(response.status, program.stderr()).toBe(200);
    expect(await response.text()).toContain('serverInfo');
  }
});
