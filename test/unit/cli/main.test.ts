import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/main.js';
import { OPTIONS } from '../../../src/cli/option-table.js';
import { guards } from '../../security.js';

const bin = fileURLToPath(new URL('../../../bin/mcp-proxy.cjs', import.meta.url));
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mcp-proxy-cli-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs `main` as far as nothing is started. */
function run(...argv: string[]): Promise<{ code: number; out: string; error: string }> {
  return runIn({}, ...argv);
}

async function runIn(
  env: Readonly<Record<string, string>>,
  ...argv: string[]
): Promise<{ code: number; out: string; error: string }> {
  let out = '';
  let error = '';
  const code = await main(argv, {
    env,
    signal: new Promise(() => undefined),
    isLogTerminal: true,
    writeOut: (text) => {
      out += text;
    },
    writeError: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

async function file(name: string, text: string | Buffer): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

/** Runs the built command. */
function command(...argv: string[]): Promise<{ code: number | string; out: string; error: string }> {
  const { SSE_URL: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...argv], { env }, (failure, out, error) => {
      resolve({ code: failure === null ? 0 : (failure.code ?? 'killed'), out, error });
    });
  });
}

describe('help', () => {
  it('is written to stdout and names every option, the modes and examples', async () => {
    const { code, out, error } = await run('--help');
    expect({ code, error }).toEqual({ code: 0, error: '' });
    for (const { names } of OPTIONS) for (const name of names) expect(out).toContain(name);
    expect(out).toMatch(/^usage: mcp-proxy \[options\] \[command_or_url\] \[args \.\.\.\]\n/);
    expect(out).toContain('examples:\n  mcp-proxy --port 8080 npx -y');
    expect(out).toContain('API_ACCESS_TOKEN');
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([]);
    // No escape sequences: the text goes into files and pipes too.
    expect(out).not.toMatch(/\p{Cc}(?<!\n)/u);
    expect(out.endsWith('\n')).toBe(true);
  });

  it('comes from the built command, with nothing on the other stream', async () => {
    const [help, version, nothing, unknown] = await Promise.all([
      command('-h'),
      command('--version'),
      command(),
      command('--nonsense', 'npx'),
    ]);
    expect(help).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/^usage: mcp-proxy/) });
    expect(version).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/^\S+ \d+\.\d+\.\d+/) });
    expect(nothing).toMatchObject({ code: 2, out: '', error: expect.stringContaining('nothing to do') });
    expect(unknown).toMatchObject({ code: 2, out: '', error: expect.stringContaining('--nonsense') });
  });
});

describe('wrong usage and configuration', () => {
  it('ends with 2 and says on stderr what is wrong', async () => {
    expect(await run('--port', 'x', 'npx')).toEqual({
      code: 2,
      out: '',
      error: expect.stringMatching(/^usage: .*\nmcp-proxy: error: --port is .*\nTry mcp-proxy --help\.\n$/),
    });
  });

  it('ends with 2 where the --cwd of the default server is missing', async () => {
    const missing = join(directory, 'missing');
    expect(await run('--cwd', missing, 'npx')).toMatchObject({
      code: 2,
      error: `mcp-proxy: error: --cwd ${missing}: there is no such directory\n`,
    });
    expect(await run('--cwd', await file('no-directory', ''), 'npx')).toMatchObject({ code: 2 });
  });

  it('ends with 2 where the file cannot be read', async () => {
    const missing = join(directory, 'missing.json');
    expect(await run('--named-server-config', missing)).toMatchObject({
      code: 2,
      out: '',
      error: expect.stringMatching(/missing\.json .*there is no such file/),
    });
    expect((await run('--named-server-config', directory)).error).toMatch(/it is a directory/);
    const utf16 = await file('utf16.json', Buffer.from('\uFEFF{"mcpServers":{}}', 'utf16le'));
    expect((await run('--named-server-config', utf16)).error).toMatch(/no UTF-8 text/);
  });

  it('ends with 2 where the file is wrong, before anything starts', async () => {
    const path = await file('wrong.json', '{"mcpServers":{"good":{"command":"cat"},"bad":{"args":[]}}}');
    expect(await run('--named-server-config', path)).toEqual({
      code: 2,
      out: '',
      error: `mcp-proxy: error: ${path}:1:41: server "bad": command is missing\n`,
    });
  });

  it('ends with 2 where no server is left', async () => {
    const path = await file(
      'off.json',
      '{"mcpServers":{"a":{"command":"cat","disabled":true},"b":{"url":"u"}}}',
    );
    const { code, error } = await run('--named-server-config', path);
    expect(code).toBe(2);
    expect(error).toMatch(/WARNING .*off\.json:1:54: server "b": left out/);
    expect(error).toMatch(/INFO .*server "a": left out, because it is disabled/);
    expect(error).toMatch(/there is no server to serve/);
  });

  it('ends with 2 where a server of the file is called as the default one', async () => {
    const path = await file('clash.json', '{"mcpServers":{"default":{"command":"cat"}}}');
    expect(await run('--named-server-config', path, 'cat')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/clash\.json: .*rename it/),
    });
  });

  it(`${guards('bind.refused')} ends with 2 where everybody would be let in, and says what can be done`, async () => {
    for (const host of ['0.0.0.0', '::', '[::]', '192.0.2.1']) {
      const { code, error } = await run('--host', host, '--', 'cat');
      expect(code).toBe(2);
      for (const way of ['--api-key-file', 'MCP_PROXY_API_KEYS', '127.0.0.1', '--allow-unauthenticated']) {
        expect(error).toContain(way);
      }
    }
  });

  it('ends with 2 where there are no keys, though they are asked for', async () => {
    const path = await file('keys', '# none\n');
    expect(await run('--api-key-file', path, 'cat')).toMatchObject({
      code: 2,
      error: expect.stringMatching(
        /^mcp-proxy: error: --api-key-file .*keys cannot be used: there is no key/,
      ),
    });
    expect(await run('--api-key-file', join(directory, 'none'), 'cat')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/cannot be used: ENOENT/),
    });
    expect(await runIn({ MCP_PROXY_API_KEYS: '' }, 'cat')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/MCP_PROXY_API_KEYS cannot be used: there is no key/),
    });
  });

  it('ends with 2 where the CA bundle is none', async () => {
    const missing = join(directory, 'ca.pem');
    expect(await run('--verify-ssl', missing, 'https://127.0.0.1:9/')).toMatchObject({
      code: 2,
      out: '',
      error: expect.stringMatching(/^mcp-proxy: error: .*ca\.pem/),
    });
  });

  it('tells warnings on stderr, unless the log level leaves them out', async () => {
    const argv = ['--named-server', 'a', 'x', '--named-server-config', join(directory, 'missing.json')];
    expect((await run(...argv)).error).toMatch(/WARNING --named-server is ignored/);
    expect((await run(...argv, '--log-level', 'ERROR')).error).not.toMatch(/WARNING/);
  });
});
