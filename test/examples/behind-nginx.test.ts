/** nginx with the example's own file, but for the addresses: it listens on a socket that has no port. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASKABLE } from '../e2e/cases/case.js';
import { TestClient } from '../e2e/harness/client.js';
import { end, start } from '../e2e/harness/processes.js';
import { LEGACY_SERVER, startProxy } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { connectV1 } from '../e2e/harness/sdk-v1.js';
import { SERVER } from '../fixtures/certificates.js';
import { textOf } from './harness/example.js';

const KEY = 'a-key-of-one-client-of-the-test';
const authorization = `Bearer ${KEY}`;

const isThere = (() => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!isThere)(`behind nginx${isThere ? '' : ' (skipped: there is no nginx here)'}`, () => {
  const scope = new Scope();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-')));
  let origin: string;

  beforeAll(async () => {
    const proxy = await startProxy(scope, LEGACY_SERVER, { env: { MCP_PROXY_API_KEYS: `test:${KEY}` } });
    const socket = join(folder, 'socket');
    const server = textOf('behind-nginx', 'nginx.conf').replace('http://127.0.0.1:8080/', `${proxy.url}/`);
    writeFileSync(join(folder, 'cert.pem'), SERVER.cert);
    writeFileSync(join(folder, 'key.pem'), SERVER.key);
    // As it stands it must be right, with TLS; what is run is the same without.
    await check(whole(server.replace('listen 443', `listen unix:${socket}`)));
    const plain = server.replace('listen 443 ssl', `listen unix:${socket}`).replace(/^ *ssl_.*\n/gm, '');
    const nginx = start('nginx', ['-c', write(whole(plain)), '-e', 'stderr', '-g', 'daemon off;']);
    scope.add(nginx, end);
    await nginx.line('stderr', (line) => (line.includes('start worker process ') ? line : undefined));
    origin = await forward(socket);
  });
  afterAll(async () => {
    await scope.end();
    rmSync(folder, { recursive: true });
  });

  function whole(server: string): string {
    const certificate = server
      .replace('/etc/ssl/tools.example.com.pem', join(folder, 'cert.pem'))
      .replace('/etc/ssl/tools.example.com.key', join(folder, 'key.pem'));
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${join(folder, name)};`,
    );
    return `error_log stderr notice;\npid ${join(folder, 'pid')};\nworker_processes 1;\nevents {}\nhttp {\naccess_log off;\n${paths.join('\n')}\n${certificate}}\n`;
  }

  function write(text: string): string {
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, text);
    return file;
  }

  async function check(text: string): Promise<void> {
    const program = start('nginx', ['-t', '-c', write(text), '-e', 'stderr']);
    const { code } = await program.ended;
    expect(code, program.stderr()).toBe(0);
    expect(program.stderr()).not.toContain('[warn]');
  }

  /** The clients know ports only. */
  async function forward(socket: string): Promise<string> {
    const server = createServer((client) => {
      const upstream = connect(socket);
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.pipe(other);
        one.on('error', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    scope.add(server, async () => void server.close());
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  it.each([
    { kind: 'streamable', path: '/mcp-tools/mcp' },
    { kind: 'sse', path: '/mcp-tools/sse' },
  ] as const)('asks the client while its call is open: $path', async ({ kind, path }) => {
    const target = { kind, url: origin + path };
    const client = await TestClient.connect(connectV1, target, { ...ASKABLE, headers: { authorization } });
    // Whoever keeps the question until the answer waits for ever.
    const { answers } = await client.call('ask', { method: 'roots/list' });
    expect(answers).toHaveLength(1);
    await client.close();
  });

  it('lets nobody in without a key', async () => {
    expect((await fetch(`${origin}/mcp-tools/mcp`, { method: 'POST' })).status).toBe(401);
  });

  it('shows nothing outside the prefix', async () => {
    const answer = await fetch(`${origin}/status`, { headers: { authorization } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('server')).toContain('nginx');
  });
});
