/** The official servers, run by the line that their own instructions give, several behind one proxy. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ASKABLE } from './cases/case.js';
import { type ClientOptions, type Json, type Target, TestClient } from './harness/client.js';
import { SDKS } from './harness/paths.js';
import { PROXY, type StartedProxy, startProxy } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

/** `npx` finds the installed packages by their names; nothing is fetched. */
const OFFLINE = { npm_config_offline: 'true', npm_config_update_notifier: 'false' };

const scope = new Scope();
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-')));
let proxy: StartedProxy;

beforeAll(async () => {
  writeFileSync(join(directory, 'note.txt'), 'Grüße aus der Datei\n');
  const line = (name: string, more = '') => `npx -y @modelcontextprotocol/server-${name}${more}`;
  const memory = `MEMORY_FILE_PATH=${join(directory, 'memory.json')}`;
  proxy = await startProxy(
    scope,
    [
      '--pass-environment',
      ...['--named-server', 'filesystem', line('filesystem', ` "${directory}"`)],
      ...['--named-server', 'memory', `env ${memory} ${line('memory')}`],
      ...['--named-server', 'thinking', line('sequential-thinking')],
      ...['npx', '-y', '@modelcontextprotocol/server-everything'],
    ],
    { env: OFFLINE },
  );
});
afterAll(async () => {
  await scope.end();
  rmSync(directory, { recursive: true });
});

const WAYS = SDKS.flatMap(([sdk, connect]) =>
  (['streamable', 'sse', 'stdio'] as const).map((kind) => ({ way: `${sdk}, ${kind}`, connect, kind })),
);

describe.each(WAYS)('$way', ({ connect, kind }) => {
  const open: TestClient[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });

  async function to(name: string, options: ClientOptions = ASKABLE): Promise<TestClient> {
    const client = await TestClient.connect(connect, targetOf(kind, proxy.of(name)), options);
    open.push(client);
    return client;
  }

  async function text(client: TestClient, name: string, args: Json): Promise<string> {
    const { content } = await client.request('tools/call', { name, arguments: args });
    return (content as { text?: string }[]).map((one) => one.text ?? '').join('\n');
  }

  it('everything', async () => {
    const client = await to('default');
    const { tools } = await client.request('tools/list');
    expect((tools as Json[]).map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'get-sum']));
    expect(await text(client, 'echo', { message: 'hällo' })).toBe('Echo: hällo');
    expect(await text(client, 'get-sum', { a: 2, b: 3 })).toContain('5');
    const { resources } = await client.request('resources/list');
    expect((resources as Json[]).length).toBeGreaterThan(0);
    const { prompts } = await client.request('prompts/list');
    expect((prompts as Json[]).length).toBeGreaterThan(0);
    expect(client.info().instructions).toMatch(/\w/);
  });

  it('everything: it asks the client for a sample', async () => {
    const client = await to('default');
    const args = { prompt: 'Wie bitte?', maxTokens: 10 };
    expect(await text(client, 'trigger-sampling-request', args)).toContain('Wie bitte?');
  });

  it('everything: it asks the client for its roots', async () => {
    const client = await to('default');
    expect(await text(client, 'get-roots-list', {})).toContain('file:///tmp/a%20b');
  });

  it('filesystem', async () => {
    // A client that has roots replaces the directories of the command line with them; this one has none.
    const plain = await to('filesystem', {});
    const note = { path: join(directory, 'note.txt') };
    expect(await text(plain, 'read_text_file', note)).toContain('Grüße aus der Datei');
    expect(await text(plain, 'read_text_file', { path: '/etc/passwd' })).toMatch(/denied|outside/i);
  });

  it('memory', async () => {
    const client = await to('memory');
    const entities = [{ name: `Zoë-${kind}`, entityType: 'person', observations: ['likes ü'] }];
    await client.request('tools/call', { name: 'create_entities', arguments: { entities } });
    expect(await text(client, 'search_nodes', { query: `Zoë-${kind}` })).toContain('likes ü');
  });

  it('sequential thinking', async () => {
    const client = await to('thinking');
    const args = { thought: 'Hm', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
    expect(await text(client, 'sequentialthinking', args)).toContain('"thoughtNumber": 1');
  });
});

/** `stdio` is the chain: mcp-proxy URL in front of the same proxy. */
function targetOf(
  kind: 'streamable' | 'sse' | 'stdio',
  urls: { readonly mcp: string; readonly sse: string },
): Target {
  return kind === 'stdio'
    ? { kind, command: [process.execPath, PROXY, urls.mcp] }
    : { kind, url: kind === 'sse' ? urls.sse : urls.mcp };
}
