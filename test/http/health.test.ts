/** What whoever runs the proxy is told: whether it lives, and whether it can be sent clients. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ServerDefinition } from '../../src/config/definition.js';
import { exchange } from './harness/http.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

const KEY = 'ann-0123456789abcdef';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

/** A modern server that answers nothing before it is released. */
function comingUp(): { readonly definition: ServerDefinition; readonly release: () => void } {
  const file = join(directory, 'release');
  const script = `
    const { existsSync } = await import('node:fs');
    while (!existsSync(${JSON.stringify(file)})) await new Promise((resolve) => setTimeout(resolve, 10));
    const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} };
    const { createInterface } = await import('node:readline');
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id } = JSON.parse(line);
      if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
    });`;
  const args = ['--input-type=module', '-e', script];
  return {
    definition: puppet({ name: 'slow', era: 'auto', args }),
    release: () => writeFileSync(file, ''),
  };
}

function look({ url }: TestProxy, path: string, more: Parameters<typeof exchange>[1] = {}) {
  return exchange(url + path, more);
}

/** A server that answers nothing, and one that ends at once. */
const silent = puppet({ era: 'auto', args: ['-e', 'process.stdin.resume()'] });
const ending = puppet({ era: 'auto', name: 'ending', args: ['-e', 'process.exit(3)'] });

it('it lives, and is ready once each server has said what it speaks', async () => {
  const { definition, release } = comingUp();
  const proxy = await start({ defaultServer: definition });
  expect(await look(proxy, '/healthz')).toMatchObject({
    status: 200,
    body: 'ok\n',
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
  expect(await look(proxy, '/readyz')).toMatchObject({
    status: 503,
    body: 'not ready: slow (starting)\n',
  });
  release();
  const ready = await eventually(async () => {
    const answer = await look(proxy, '/readyz/');
    return answer.status === 200 ? answer : undefined;
  });
  expect(ready.body).toBe('ok\n');
});

it('a server that is asked nothing before somebody comes is ready, since nobody would be sent otherwise', async () => {
  const env = new Map([['A', [{ name: 'header:x-a' }]]]);
  const templated = puppet({ name: 'templated', templates: { args: new Map(), env } });
  const proxy = await start({ defaultServer: puppet({ era: 'legacy' }), namedServers: [templated] });
  expect((await proxy.status()).server_instances.default).toBe('starting');
  expect((await look(proxy, '/readyz')).status).toBe(200);
});

it('it is not ready while a server is silent or has failed, and tells which; it lives all the same', async () => {
  const proxy = await start({ defaultServer: silent, namedServers: [ending, puppet({ name: 'well' })] });
  await eventually(async () =>
    (await proxy.status()).server_instances.ending === 'failed' ? true : undefined,
  );
  expect(await look(proxy, '/readyz')).toMatchObject({
    status: 503,
    body: 'not ready: default (starting), ending (failed)\n',
  });
  expect((await look(proxy, '/healthz')).status).toBe(200);
});

it('where clients are asked who they are, whoever is not known learns yes or no and nothing else', async () => {
  const auth = { apiKeys: `ann:${KEY}` };
  const proxy = await start({ auth, defaultServer: silent }, { authorization: `Bearer ${KEY}` });
  expect(await look(proxy, '/readyz')).toMatchObject({ status: 503, body: 'not ready\n' });
  expect(await look(proxy, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  expect((await look(proxy, '/status')).status).toBe(401);
});

it('the guards stand before it, and it is for GET only', async () => {
  const proxy = await start();
  expect((await look(proxy, '/healthz', { headers: { host: 'rebound.example' } })).status).toBe(403);
  expect((await look(proxy, '/readyz', { headers: { origin: 'https://page.example' } })).status).toBe(403);
  for (const path of ['/healthz', '/readyz']) {
    expect(await look(proxy, path, { method: 'POST', body: '{}' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
    expect(await look(proxy, path, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  }
});
