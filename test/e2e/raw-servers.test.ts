/** The raw fixture servers do what their switches say: other tests rely on it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { end, type Program, start } from './harness/processes.js';
import { LEGACY_RAW, MODERN_RAW } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

const META = 'io.modelcontextprotocol/';
const scope = new Scope();
afterEach(() => scope.end());

function run(command: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Program {
  const [program, ...args] = command;
  return scope.add(start(program, args, { env }), end);
}

function modern(id: number, method: string, more: object = {}, version = '2026-07-28'): string {
  const _meta = { [`${META}protocolVersion`]: version, [`${META}clientCapabilities`]: {} };
  return `${JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...more, _meta } })}\n`;
}

function legacy(id: number, method: string, params: object = {}): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
}

/** The first message that has all of it. */
function message(program: Program, wanted: Readonly<Record<string, unknown>>): Promise<unknown> {
  return program.line('stdout', (line) => {
    const parsed: Readonly<Record<string, unknown>> = JSON.parse(line);
    return Object.entries(wanted).every(([key, value]) => parsed[key] === value) ? parsed : undefined;
  });
}

describe('modern-raw', () => {
  it('gives back the line that it got, and asks', async () => {
    const server = run(MODERN_RAW);
    server.write(modern(1, 'server/discover'));
    expect(await message(server, { id: 1 })).toMatchObject({ result: { supportedVersions: ['2026-07-28'] } });
    const echo = modern(2, 'tools/call', { name: 'echo', arguments: { ä: 1.0 } });
    server.write(echo);
    expect(await message(server, { id: 2 })).toMatchObject({
      result: { resultType: 'complete', structuredContent: { line: echo.trim() } },
    });
    server.write(
      modern(3, 'tools/call', { name: 'ask', arguments: { requests: { a: { method: 'roots/list' } } } }),
    );
    expect(await message(server, { id: 3 })).toMatchObject({
      result: { resultType: 'input_required', inputRequests: { a: {} }, requestState: 'state 1 "ü"' },
    });
  });

  it('subscriptions, and how it ends them', async () => {
    const server = run(MODERN_RAW, { MISBEHAVE: 'listen-ended', LISTENS: '1' });
    const filter = { notifications: { toolsListChanged: true } };
    server.write(modern(1, 'subscriptions/listen', filter));
    expect(await message(server, { id: 1 })).toMatchObject({ result: { resultType: 'complete' } });
    server.write(modern(2, 'subscriptions/listen', filter));
    server.write(modern(3, 'tools/call', { name: 'change' }));
    expect(await message(server, { method: 'notifications/tools/list_changed' })).toMatchObject({
      params: { _meta: { [`${META}subscriptionId`]: 2 } },
    });
  });

  it('another version, another type of result, a request of its own, death', async () => {
    const other = run(MODERN_RAW, { SUPPORTED: '2027-01-01' });
    other.write(modern(1, 'server/discover'));
    expect(await message(other, { id: 1 })).toMatchObject({
      error: { code: -32022, data: { supported: ['2027-01-01'], requested: '2026-07-28' } },
    });
    const odd = run(MODERN_RAW, { MISBEHAVE: 'unknown-type,request' });
    odd.write(modern(1, 'tools/call', { name: 'echo' }));
    expect(await message(odd, { id: 'q-1' })).toMatchObject({ method: 'roots/list' });
    expect(await message(odd, { id: 1 })).toMatchObject({ result: { resultType: 'x/later' } });
    const dying = run(MODERN_RAW, { MISBEHAVE: 'die' });
    dying.write(modern(1, 'server/discover'));
    expect(await dying.ended).toMatchObject({ code: 7 });
  });

  it('discovery that fails, and discovery that comes late', async () => {
    const failing = run(MODERN_RAW, { DISCOVER: 'error' });
    failing.write(modern(1, 'server/discover'));
    expect(await message(failing, { id: 1 })).toMatchObject({ error: { code: -32603 } });
    const late = run(MODERN_RAW, { DISCOVER: 'late', DISCOVER_MS: '50' });
    late.write(modern(1, 'server/discover'));
    late.write(modern(2, 'tools/list'));
    await message(late, { id: 1 });
    expect(late.stdout().indexOf('"id":2')).toBeLessThan(late.stdout().indexOf('"id":1'));
  });
});

describe('legacy-raw', () => {
  const initialize = legacy(2, 'initialize', { protocolVersion: '2025-11-25' });

  it.each([
    ['error', { id: 1, error: { code: -32601 } }],
    ['null-id', { id: null, error: { code: -32601 } }],
    ['result', { id: 1, result: {} }],
  ])('before initialize: %s', async (BEFORE, expected) => {
    const server = run(LEGACY_RAW, { BEFORE });
    server.write(legacy(1, 'server/discover'));
    expect(await message(server, { jsonrpc: '2.0' })).toMatchObject(expected);
    server.write(initialize);
    expect(await message(server, { id: 2 })).toMatchObject({
      result: { serverInfo: { name: 'legacy-raw' } },
    });
  });

  it('before initialize: silent, and then it serves', async () => {
    const server = run(LEGACY_RAW, { BEFORE: 'silent' });
    server.write(legacy(1, 'server/discover') + initialize + legacy(3, 'tools/call', { name: 'echo' }));
    expect(await message(server, { id: 3 })).toMatchObject({ result: { structuredContent: {} } });
    expect(server.stdout()).not.toContain('"id":1');
  });

  it('before initialize: death; every start is noted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
    const STARTS_FILE = join(directory, 'starts');
    const dying = run(LEGACY_RAW, { BEFORE: 'die', STARTS_FILE });
    dying.write(legacy(1, 'server/discover'));
    expect(await dying.ended).toMatchObject({ code: 7 });
    expect(readFileSync(STARTS_FILE, 'utf8')).toBe(`${dying.pid}\n`);
    rmSync(directory, { recursive: true });
  });

  it('it asks, and tells the line of the answer', async () => {
    const server = run(LEGACY_RAW);
    server.write(initialize);
    const question = { id: 'ü 1', method: 'roots/list' };
    server.write(legacy(3, 'tools/call', { name: 'ask', arguments: { question } }));
    await message(server, { id: 'ü 1' });
    const answer = '{"jsonrpc":"2.0","id":"ü 1","result":{"roots":[]}}';
    server.write(`${answer}\n`);
    expect(await message(server, { id: 3 })).toMatchObject({
      result: { structuredContent: { line: answer } },
    });
  });
});
