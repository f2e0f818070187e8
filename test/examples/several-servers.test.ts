import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestClient } from '../e2e/harness/client.js';
import { end, start } from '../e2e/harness/processes.js';
import { parseListening } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { connectV1 } from '../e2e/harness/sdk-v1.js';
import { ROOT } from '../packaging/harness/dockerfile.js';
import { type Installed, installPackage } from '../packaging/harness/installed.js';
import { pathOf } from './harness/example.js';

const scope = new Scope();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-')));
const file = join(folder, 'keys');
let installed: Installed;
let url: string;

beforeAll(async () => {
  writeFileSync(join(folder, 'note.txt'), 'from the folder');
  installed = installPackage();
  const env = { ...installed.env, PORT: '0', KEYS: file, FILES: folder };
  const program = scope.add(start(pathOf('several-servers', 'start.sh'), [], { cwd: ROOT, env }), end);
  url = (await program.line('stderr', parseListening)).url;
}, 120_000);
afterAll(async () => {
  await scope.end();
  installed.remove();
  rmSync(folder, { recursive: true });
});

function keyOf(name: string): string {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return line?.slice(name.length + 1) ?? '';
}

function connect(server: string, key: string): Promise<TestClient> {
  const target = { kind: 'streamable', url: `${url}/servers/${server}/mcp` } as const;
  return TestClient.connect(connectV1, target, { headers: { authorization: `Bearer ${key}` } });
}

it('makes a key for each client, which only its owner can read', () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toMatch(/^laptop:[0-9a-f]{48}\nbuild:[0-9a-f]{48}\n$/);
});

it.each([
  { server: 'files', key: 'laptop' },
  { server: 'memory', key: 'laptop' },
  { server: 'memory', key: 'build' },
])('gives $server to $key', async ({ server, key }) => {
  const client = await connect(server, keyOf(key));
  const { tools } = await client.request('tools/list');
  expect(tools).not.toEqual([]);
  if (server === 'files') {
    const answer = await client.request('tools/call', {
      name: 'read_text_file',
      arguments: { path: join(folder, 'note.txt') },
    });
    expect(JSON.stringify(answer)).toContain('from the folder');
  }
  await client.close();
});

it.each([
  { server: 'files', key: 'build', status: 404 },
  { server: 'files', key: 'nobody', status: 401 },
  { server: 'memory', key: 'nobody', status: 401 },
])('answers $status where $key asks for $server', async ({ server, key, status }) => {
  const headers = { 'x-api-key': key === 'nobody' ? 'not-a-key' : keyOf(key) };
  expect((await fetch(`${url}/servers/${server}/mcp`, { method: 'POST', headers })).status).toBe(status);
});
