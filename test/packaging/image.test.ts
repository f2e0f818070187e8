/**
 * The image: what the Dockerfile does, done with its own lines on a root of its own, and what comes out run as a
 * container is. Two things are not: the libraries are those that are installed already, in place of `npm ci`, and
 * nothing is installed with apt-get.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestClient } from '../e2e/harness/client.js';
import { start } from '../e2e/harness/processes.js';
import { parseListening, startProxy } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { connectV1 } from '../e2e/harness/sdk-v1.js';
import { CleanRoot, type Contained, type RunOptions, whyNot } from './harness/clean-root.js';
import { buildContext, ROOT, type Stage, stages, TEXT } from './harness/dockerfile.js';
import { PUBLISHED } from './harness/installed.js';

const KEY = 'a-key-of-one-client-of-the-test';

function stage(name: string): Stage {
  const found = stages().find((one) => one.name === name);
  if (found === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  return found;
}

/** What a stage says last of something, those included from which it is made. */
function last(name: string, keyword: string): readonly string[] {
  const { image, steps } = stage(name);
  const step = steps.findLast((one) => one.keyword === keyword);
  if (step === undefined) return last(image, keyword);
  return step.words.length > 0 ? step.words : step.rest.split(' ');
}

function variables(): Record<string, string> {
  return Object.fromEntries(last('npx', 'ENV').map((pair) => pair.split(/=(.*)/s, 2) as [string, string]));
}

/** The words of the health check's command. */
function healthCheck(): string[] {
  const [, list = '[]'] = /CMD (\[.*\])$/m.exec(TEXT.slice(TEXT.indexOf('HEALTHCHECK'))) ?? [];
  return JSON.parse(list);
}

describe('the Dockerfile', () => {
  it('has no fault that a linter finds', () => {
    expect(validate(TEXT)).toEqual([]);
  });

  it.each(['npx', 'uv'])('is no root, by number, and has tini as process 1: %s', (name) => {
    expect(last(name, 'USER')).toEqual(['1000:1000']);
    expect(last(name, 'ENTRYPOINT').slice(0, 3)).toEqual(['tini', '--', 'mcp-proxy']);
  });

  it('is built without a target as the one with npx', () => {
    expect(stages().at(-1)?.name).toBe('npx');
  });

  it('takes the same Node in both stages, and each image with a version', () => {
    expect(stage('build').image).toBe(stage('base').image);
    const copied = stages()
      .flatMap(({ steps }) => steps.map(({ from }) => from))
      .filter((from) => from.includes('/'));
    expect([stage('base').image, ...copied].filter((image) => !/:\d/.test(image))).toEqual([]);
  });

  it('gets nothing of this folder but what the build needs', () => {
    expect(buildContext().sort()).toEqual(
      [
        'LICENSE',
        'README.md',
        'bin',
        'build',
        'package-lock.json',
        'package.json',
        'rolldown.config.js',
        'schema',
        'src',
        'tsconfig.base.json',
        'tsconfig.core.json',
        'tsconfig.json',
        'tsconfig.page.json',
      ].sort(),
    );
  });
});

describe('the health check', () => {
  const scope = new Scope();
  afterAll(() => scope.end());

  it.each([
    { what: 'the proxy lives', path: '/healthz', code: 0 },
    { what: 'a server that has never answered is ready', path: '/readyz', code: 1 },
  ])('answers with $code whether $what', async ({ path, code }) => {
    const { url } = await startProxy(scope, ['--', process.execPath, '-e', 'process.stdin.resume()']);
    const [, ...args] = healthCheck();
    const asked = start(process.execPath, args, { env: { MCP_PROXY_HEALTH_URL: url + path } });
    expect(await asked.ended).toEqual({ code, signal: null });
  });

  it('asks at the port of the image, without a key', () => {
    const port = last('npx', 'ENTRYPOINT').at(-1);
    expect(variables().MCP_PROXY_HEALTH_URL).toBe(`http://127.0.0.1:${port}/healthz`);
    expect(last('npx', 'EXPOSE')).toEqual([port]);
  });

  it('ends with 1 where nobody listens', async () => {
    const [, ...args] = healthCheck();
    const env = { MCP_PROXY_HEALTH_URL: 'http://127.0.0.1:1/healthz' };
    expect(await start(process.execPath, args, { env }).ended).toEqual({ code: 1, signal: null });
  });
});

const reason = whyNot();

describe.skipIf(reason !== '')(`the steps on a clean root${reason && ` (skipped: ${reason})`}`, () => {
  const scope = new Scope();
  let root: CleanRoot;

  beforeAll(async () => {
    root = new CleanRoot();
    for (const name of ['build', 'base']) await perform(stage(name));
  }, 300_000);
  afterAll(async () => {
    await scope.end();
    root.remove();
  });

  /** The steps of a stage, but for what comes from the network. */
  async function perform({ steps }: Stage): Promise<void> {
    let cwd = '/';
    for (const { keyword, rest, from } of steps) {
      if (keyword === 'WORKDIR') cwd = rest;
      else if (keyword === 'COPY') copy(rest.split(' '), from, cwd);
      else if (keyword === 'RUN' && !/^(npm ci|apt-get) /.test(rest)) {
        const volumes = { [join(cwd, 'node_modules')]: join(ROOT, 'node_modules') };
        const env = { HOME: '/root', npm_config_offline: 'true' };
        const { program } = root.run(['sh', '-c', rest], { cwd, env, volumes });
        expect(await program.ended, `${rest}\n${program.stderr()}`).toEqual({ code: 0, signal: null });
      }
    }
  }

  function copy(words: readonly string[], from: string, cwd: string): void {
    const to = words.at(-1) ?? '';
    const target = root.at(to.startsWith('/') ? to : join(cwd, to));
    mkdirSync(target, { recursive: true });
    for (const source of words.slice(0, -1)) {
      if (from !== '') cpSync(root.at(source), target, { recursive: true, verbatimSymlinks: true });
      else
        for (const name of source === '.' ? buildContext() : [source])
          cpSync(join(ROOT, name), join(target, name), { recursive: true });
    }
  }

  const container: RunOptions = {
    cwd: '/home/node',
    user: '1000:1000',
    isReadOnly: true,
    volumes: { '/srv': ROOT },
  };

  /** What a container does with the words that it is given. Without tini where this machine has none. */
  function run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Contained {
    const entry = last('npx', 'ENTRYPOINT');
    const first = existsSync('/usr/bin/tini') ? entry : entry.slice(2);
    const contained = root.run([...first, ...words], { ...container, env: { ...variables(), ...env } });
    scope.add(contained, async ({ program, stop }) => {
      stop();
      await program.ended;
    });
    return contained;
  }

  async function urlOf({ program }: Contained): Promise<string> {
    return (await program.line('stderr', parseListening)).url.replace('0.0.0.0', '127.0.0.1');
  }

  it('leaves in the image what npm publishes, and nothing of the build', () => {
    const installed = root.at('/usr/local/lib/node_modules/mcp-relay');
    expect(readdirSync(installed).sort()).toEqual(PUBLISHED);
    expect(existsSync(root.at('/usr/local/lib/node_modules/@napi-rs'))).toBe(false);
    expect(readFileSync(root.at('/usr/local/bin/mcp-proxy'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('does not start while nobody has said who may use it', async () => {
    const { program } = run(['--port', '0', 'npx', 'server']);
    expect(await program.ended).toEqual({ code: 2, signal: null });
    expect(program.stderr()).toContain('MCP_PROXY_API_KEYS');
  });

  it('serves what npx starts to the holder of a key, as a user that may write to its home only, and stops at SIGTERM', async () => {
    const words = ['--port', '0', '--cwd', '/srv', 'npx', '-y', '@modelcontextprotocol/server-everything'];
    const contained = run(words, { MCP_PROXY_API_KEYS: `test:${KEY}` });
    const url = await urlOf(contained);
    expect((await fetch(`${url}/mcp`, { method: 'POST' })).status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const target = { kind: 'streamable', url: `${url}/mcp` } as const;
    const client = await TestClient.connect(connectV1, target, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    const answer = await client.request('tools/call', {
      name: 'echo',
      arguments: { message: 'from inside' },
    });
    expect(JSON.stringify(answer)).toContain('from inside');
    await client.close();
    contained.stop();
    expect(await contained.program.ended).toEqual({ code: 0, signal: null });
    expect(contained.program.stderr()).toContain('SIGTERM: stopping');
  });

  it('is a client of a remote server, too', async () => {
    const { program } = run(['http://127.0.0.1:1/mcp']);
    program.closeStdin();
    expect((await program.ended).signal).toBeNull();
    expect(program.stderr()).toContain('client mode');
  });

  it.skipIf(!existsSync('/usr/bin/tini'))('leaves no zombie of what a server has left behind', async () => {
    const orphan = '(sleep 0.1 &) ; (sleep 0.1 &) ; exec node /srv/test/fixtures/servers/legacy-raw.mjs';
    const contained = run(['--port', '0', '--', 'sh', '-c', orphan], { MCP_PROXY_API_KEYS: `test:${KEY}` });
    await contained.program.line('stderr', (line) => (line.includes('speaks MCP') ? line : undefined));
    await vi.waitFor(
      () => expect(contained.processes().filter((one) => one.endsWith(' sleep'))).toEqual([]),
      10_000,
    );
  });
});
