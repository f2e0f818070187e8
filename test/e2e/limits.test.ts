/** The limits of the command line and of the file, as the built command holds them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { row } from '../faults/harness/fault.js';
import { asJson } from './harness/client.js';
import { LEGACY_RAW, startProxy } from './harness/proxy.js';
import { RawStdio } from './harness/raw-stdio.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
afterEach(async () => {
  await scope.end();
});

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
async function servers(url: string): Promise<any[]> {
  return JSON.parse(await (await fetch(`${url}/status`)).text()).servers;
}

const OPTIONS = `--request-timeout 30 --start-timeout 60 --max-in-flight 10 --max-processes 5 --process-idle 0
  --max-line 10MB`.split(/\s+/);

it('those of the command line hold for every server, and a key of the file goes before them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
  try {
    const [command, ...args] = LEGACY_RAW;
    const file = join(directory, 'servers.json');
    const own = { timeout: 0, maxTimeout: 90, startTimeout: 5, maxInFlight: 2, maxProcesses: 1 };
    const mcpServers = {
      plain: { command, args },
      own: { command, args, ...own, processIdle: 60, maxLine: '1MiB' },
    };
    writeFileSync(file, JSON.stringify({ mcpServers }));
    const { url } = await startProxy(scope, [...OPTIONS, '--named-server-config', file]);
    const [plain, other] = await servers(url);
    expect([plain.definition.timeout, plain.limits]).toEqual([
      30,
      {
        max_timeout: 300,
        start_timeout: 60,
        max_processes: 5,
        process_idle: null,
        max_in_flight: 10,
        max_line: 10_000_000,
      },
    ]);
    expect([other.definition.timeout, other.limits]).toEqual([
      null,
      {
        max_timeout: 90,
        start_timeout: 5,
        max_processes: 1,
        process_idle: 60,
        max_in_flight: 2,
        max_line: 1_048_576,
      },
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it(`${row('limit.door')} those of the proxy itself are held at its door`, async () => {
  const { url } = await startProxy(scope, ['--max-body', '1kB', '--max-sessions', '1', ...LEGACY_RAW]);
  const post = (body: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    return fetch(`${url}/mcp`, { method: 'POST', headers, body });
  };
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  };
  expect((await post(JSON.stringify({ ...initialize, x: 'x'.repeat(1000) }))).status).toBe(413);
  expect((await post(JSON.stringify(initialize))).status).toBe(200);
  expect((await post(JSON.stringify(initialize))).status).toBe(503);
});

it('that of a request holds in client mode: the client is told, and the server that nobody waits any more', async () => {
  const { url } = await startProxy(scope, LEGACY_RAW);
  const client = new RawStdio(scope, `${url}/mcp`, ['--request-timeout', '0.5']);
  await client.begin();
  const { error } = await client.call(1, 'never');
  expect(error).toMatchObject({
    code: -32603,
    message: expect.stringContaining('did not answer tools/call'),
  });
  const { result } = await client.call(2, 'lines');
  const { lines } = asJson(asJson(result).structuredContent);
  expect((lines as string[]).map((line) => JSON.parse(line).method)).toContain('notifications/cancelled');
});

it('that of open requests holds in client mode: one more is refused, and what takes one back goes through', async () => {
  const { url } = await startProxy(scope, LEGACY_RAW);
  const client = new RawStdio(scope, `${url}/mcp`, ['--max-in-flight', '2']);
  await client.begin();
  for (const id of ['a', 'b']) client.write({ id, method: 'tools/call', params: { name: 'never' } });
  const { error } = await client.call('c', 'lines');
  expect(error).toMatchObject({ code: -32603, data: { limit: 2 } });
  expect(error).toHaveProperty('message', expect.stringContaining(`2 requests open at server "${url}"`));
  client.write({ method: 'notifications/cancelled', params: { requestId: 'a' } });
  const { result } = await client.call('d', 'lines');
  const { lines } = asJson(asJson(result).structuredContent);
  expect((lines as string[]).map((line) => JSON.parse(line).method)).toContain('notifications/cancelled');
});
