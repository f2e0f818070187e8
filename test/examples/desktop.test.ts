/** The examples with a desktop client: what their files say is what is run, but for the URL and the secrets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { end, start } from '../e2e/harness/processes.js';
import { parseListening, startHttpServer } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { ENTRYPOINT, ROOT } from '../packaging/harness/dockerfile.js';
import { type Installed, installPackage } from '../packaging/harness/installed.js';
import { entryOf, startClient, textOf } from './harness/example.js';

const TOKEN = 'the-token-of-one-client-of-the-test';

const scope = new Scope();
let installed: Installed;
beforeAll(() => {
  installed = installPackage();
}, 120_000);
afterAll(async () => {
  await scope.end();
  installed.remove();
});

/** The entry with another URL, and a token in place of the words that stand for one. */
function filled(example: string, name: string, from: string, to: string) {
  const { command, args, env } = entryOf(example, name);
  expect(args.at(-1)).toBe(from);
  expect(Object.keys(env ?? {})).toEqual(['API_ACCESS_TOKEN']);
  return { command, args: [...args.slice(0, -1), to], env: { ...installed.env, API_ACCESS_TOKEN: TOKEN } };
}

describe('desktop-to-remote', () => {
  it('joins the client to the remote server, with the token', async () => {
    const remote = await startHttpServer(scope);
    const entry = filled('desktop-to-remote', 'remote', 'https://example.com/mcp', remote.mcp);
    const client = scope.add(await startClient(entry, installed.project), (one) => one.close());
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('echo');
    await client.close();
    const { seen } = await remote.seen();
    const list = seen.find(({ body }) => body?.method === 'tools/list');
    expect(list?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });
});

describe('container-to-desktop', () => {
  it('joins the client to the server that the container starts, with the key', async () => {
    const service = parse(textOf('container-to-desktop', 'compose.yaml')).services['mcp-proxy'];
    expect(service.ports).toEqual(['127.0.0.1:8080:8080']);
    const keys = service.environment.MCP_PROXY_API_KEYS.replace(/\$\{DESKTOP_KEY:\?[^}]+\}/, TOKEN);
    const words = [...ENTRYPOINT.slice(ENTRYPOINT.indexOf('mcp-proxy')), '--port', '0', ...service.command];
    const [command = '', ...args] = words;
    const env = { ...installed.env, MCP_PROXY_API_KEYS: keys };
    const container = scope.add(start(command, args, { cwd: ROOT, env }), end);
    const { url } = await container.line('stderr', parseListening);

    const reached = `${url.replace('0.0.0.0', '127.0.0.1')}/mcp`;
    const entry = filled('container-to-desktop', 'everything', 'http://127.0.0.1:8080/mcp', reached);
    const client = scope.add(await startClient(entry, installed.project), (one) => one.close());
    const answer = await client.callTool({ name: 'echo', arguments: { message: 'through both' } });
    expect(JSON.stringify(answer)).toContain('through both');
    await client.close();
  });

  it('has a service that differs from that of the repository in its key only', () => {
    const own = parse(textOf('container-to-desktop', 'compose.yaml'));
    const { environment: _, build, ...service } = own.services['mcp-proxy'];
    expect(build).toBe('../..');
    const {
      environment: __,
      build: ___,
      ...repository
    } = parse(textOf('..', 'compose.yaml')).services['mcp-proxy'];
    expect(service).toEqual(repository);
  });
});
