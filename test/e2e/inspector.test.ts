/** The Inspector's command line, as a person tries a server out with it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROXY, type StartedProxy, startProxy } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

const run = promisify(execFile);
const BIN = join(import.meta.dirname, '../../node_modules/.bin/mcp-inspector');

const scope = new Scope();
let proxy: StartedProxy;

beforeAll(async () => {
  const npm = { npm_config_offline: 'true', npm_config_update_notifier: 'false' };
  proxy = await startProxy(
    scope,
    ['--pass-environment', 'npx', '-y', '@modelcontextprotocol/server-everything'],
    { env: npm },
  );
});
afterAll(() => scope.end());

/** What the Inspector prints for one method of the server that these words name. */
async function inspect(server: readonly string[], ...method: readonly string[]): Promise<unknown> {
  const { stdout } = await run(BIN, ['--cli', ...server, '--method', ...method], { timeout: 60_000 });
  return JSON.parse(stdout);
}

const WAYS: readonly (readonly [string, () => readonly string[]])[] = [
  ['Streamable HTTP', () => [proxy.of('default').mcp, '--transport', 'http']],
  ['HTTP+SSE', () => [proxy.of('default').sse, '--transport', 'sse']],
  ['stdio, before the proxy over HTTP', () => [process.execPath, PROXY, proxy.of('default').mcp]],
];

describe.each(WAYS)('over %s', (_way, server) => {
  it('lists and calls tools', async () => {
    const { tools } = (await inspect(server(), 'tools/list')) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toContain('get-sum');
    const sum = ['--tool-name', 'get-sum', '--tool-arg', 'a=2', '--tool-arg', 'b=3'];
    expect(await inspect(server(), 'tools/call', ...sum)).toMatchObject({
      content: [{ type: 'text', text: expect.stringContaining('5') }],
    });
  });

  it('reads a resource and gets a prompt', async () => {
    const { resources } = (await inspect(server(), 'resources/list')) as { resources: { uri: string }[] };
    const [first] = resources;
    const read = await inspect(server(), 'resources/read', '--uri', first?.uri ?? '');
    expect(read).toMatchObject({ contents: [{ uri: first?.uri }] });
    expect(await inspect(server(), 'prompts/get', '--prompt-name', 'simple-prompt')).toHaveProperty(
      'messages',
    );
  });
});
