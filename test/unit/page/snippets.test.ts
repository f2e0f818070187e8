import { describe, expect, it } from 'vitest';
import { plainName, type Reached, snippets } from '../../../src/page/snippets.js';

const OPEN: Reached = {
  name: 'files',
  url: 'https://tools.example/p/servers/files/mcp',
  headers: {},
  key: undefined,
};
const CLOSED: Reached = { ...OPEN, headers: { 'x-tenant': 'YOUR_VALUE' }, key: 'YOUR_KEY' };

function of(server: Reached, client: string): { text: string; link: string | undefined } {
  const found = snippets(server).find((one) => one.client === client);
  if (found === undefined) throw new Error(`nothing for ${client}`);
  return found;
}

describe('what is pasted', () => {
  it('is what each client reads', () => {
    const { url } = OPEN;
    expect(of(OPEN, 'Claude Code').text).toBe(`claude mcp add --transport http files ${url}`);
    expect(JSON.parse(of(OPEN, 'VS Code').text)).toEqual({ servers: { files: { type: 'http', url } } });
    expect(JSON.parse(of(OPEN, 'Cursor').text)).toEqual({ mcpServers: { files: { url } } });
    expect(JSON.parse(of(OPEN, 'mcp.json').text)).toEqual({ mcpServers: { files: { type: 'http', url } } });
    expect(JSON.parse(of(OPEN, 'Claude Desktop').text)).toEqual({
      mcpServers: { files: { command: 'npx', args: ['-y', 'mcp-relay', url] } },
    });
    expect(of(OPEN, 'The command by itself').text).toBe(`mcp-proxy ${url}`);
  });

  it('has headers where they are needed, and the key in no argument of a command', () => {
    const { url } = CLOSED;
    const headers = { Authorization: 'Bearer YOUR_KEY', 'x-tenant': 'YOUR_VALUE' };
    expect(of(CLOSED, 'Claude Code').text).toBe(
      `claude mcp add --transport http files ${url} --header 'Authorization: Bearer YOUR_KEY' --header 'x-tenant: YOUR_VALUE'`,
    );
    expect(JSON.parse(of(CLOSED, 'VS Code').text).servers.files.headers).toEqual(headers);
    expect(JSON.parse(of(CLOSED, 'Claude Desktop').text).mcpServers.files).toEqual({
      command: 'npx',
      args: ['-y', 'mcp-relay', '--headers', 'x-tenant', 'YOUR_VALUE', url],
      env: { API_ACCESS_TOKEN: 'YOUR_KEY' },
    });
    expect(of(CLOSED, 'The command by itself').text).toBe(
      `API_ACCESS_TOKEN=YOUR_KEY mcp-proxy --headers x-tenant YOUR_VALUE ${url}`,
    );
  });
});

describe('what is clicked', () => {
  it('says the same', () => {
    const { url } = CLOSED;
    const headers = { Authorization: 'Bearer YOUR_KEY', 'x-tenant': 'YOUR_VALUE' };
    const [scheme, query = ''] = of(CLOSED, 'VS Code').link?.split('?') ?? [];
    expect(scheme).toBe('vscode:mcp/install');
    expect(JSON.parse(decodeURIComponent(query))).toEqual({ name: 'files', type: 'http', url, headers });
    const link = new URL(of(CLOSED, 'Cursor').link ?? '');
    expect(link.href).toMatch(/^cursor:\/\/anysphere\.cursor-deeplink\/mcp\/install\?name=files&config=/);
    expect(JSON.parse(atob(link.searchParams.get('config') ?? ''))).toEqual({ url, headers });
  });
});

describe('names', () => {
  it.each([
    ['files', 'files'],
    ['mcp-servers/everything', 'mcp-servers-everything'],
    ["'; rm -rf ~ #", 'rm--rf'],
    ['é😀', 'mcp-server'],
    ['--scope', 'scope'],
    ['', 'mcp-server'],
    ['x'.repeat(100), 'x'.repeat(60)],
  ])('%j becomes %j', (name, plain) => {
    expect(plainName(name)).toBe(plain);
  });

  it('and URLs that a shell would read are quoted', () => {
    const url = "https://h/servers/a'b$(c)&d/mcp";
    expect(of({ ...OPEN, url }, 'Claude Code').text).toContain(`'https://h/servers/a'\\''b$(c)&d/mcp'`);
  });
});
