/** Client mode: the environment that says which way to go to a remote server, and whom to trust on it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Fixture } from '../unit/remote/fixture.js';
import { forwardProxy } from '../unit/remote/forward-proxy.js';
import { RawStdio } from './harness/raw-stdio.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();

beforeEach(() => {
  const proxies = ['http_proxy', 'https_proxy', 'no_proxy'];
  for (const name of [...proxies, ...proxies.map((one) => one.toUpperCase()), 'NODE_EXTRA_CA_CERTS']) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await scope.end();
});

async function server(name: string): Promise<Fixture> {
  return scope.add(await Fixture.start(name), (fixture) => fixture.stop());
}

async function proxyTo(fixture: Fixture) {
  return scope.add(await forwardProxy(fixture.port), (proxy) => proxy.stop());
}

it('HTTP_PROXY and NO_PROXY', async () => {
  const fixture = await server('remote-misbehaving.mjs');
  const { asked, host } = await proxyTo(fixture);
  // An address that leads here, and that no proxy is passed by for by itself.
  const url = `http://0.0.0.0:${fixture.port}/decent`;
  const proxied = new RawStdio(scope, url, [], { HTTP_PROXY: `http://${host}` });
  expect(await proxied.begin()).toHaveProperty('result');
  expect(new Set(asked.map(({ target }) => target))).toEqual(new Set([url]));
  const other = await proxyTo(fixture);
  const env = { HTTP_PROXY: `http://${other.host}`, NO_PROXY: 'a.example, 0.0.0.0' };
  expect(await new RawStdio(scope, url, [], env).begin()).toHaveProperty('result');
  expect(other.asked).toEqual([]);
});

it('HTTPS_PROXY', async () => {
  const { asked, host } = await proxyTo(await server('remote-tls.mjs'));
  const client = new RawStdio(scope, 'https://far.example/mcp', ['--no-verify-ssl'], { HTTPS_PROXY: host });
  expect(await client.begin()).toHaveProperty('result');
  expect(new Set(asked.map(({ target }) => target))).toEqual(new Set(['far.example:443']));
});

it('NODE_EXTRA_CA_CERTS: whom to trust beside those that everybody trusts', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-ca-'));
  try {
    const fixture = await server('remote-tls.mjs');
    const file = join(directory, 'ca.pem');
    writeFileSync(file, fixture.certificate ?? '');
    const url = fixture.url('/mcp').href;
    const trusting = new RawStdio(scope, url, [], { NODE_EXTRA_CA_CERTS: file });
    expect(await trusting.begin()).toHaveProperty('result');
    const { error } = await new RawStdio(scope, url).begin();
    expect(error?.message).toMatch(/certificate of https:\S+ is not trusted/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
