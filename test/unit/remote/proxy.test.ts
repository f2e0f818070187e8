import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { proxyFor } from '../../../src/remote/proxy.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, Fixture, type Got } from './fixture.js';
import { forwardProxy } from './forward-proxy.js';

const cleaning: (() => unknown)[] = [];

beforeEach(() => {
  for (const name of ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'no_proxy']) {
    vi.stubEnv(name, undefined);
  }
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const clean of cleaning.splice(0)) await clean();
});

/** An ordinary proxy, in front of `fixture`. */
async function proxy(fixture: Fixture, refusal?: number, repeats?: boolean) {
  const started = await forwardProxy(fixture.port, refusal, repeats);
  cleaning.push(started.stop);
  return started;
}

async function start(name: string): Promise<Fixture> {
  const fixture = await Fixture.start(name);
  cleaning.push(() => fixture.stop());
  return fixture;
}

async function begin(url: string | URL, emit = events().emit): Promise<Got> {
  const timings = { retryWindow: 0 };
  const options = {
    url: new URL(url),
    transport: 'auto',
    headers: [],
    verify: false,
    era: 'legacy',
    timings,
  } as const;
  const link = connectRemote(options, emit);
  try {
    return await new Client(link).begin();
  } finally {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  }
}

test('http: is asked for in absolute form, with the credentials of the proxy', async () => {
  const { asked, host } = await proxy(await start('remote-misbehaving.mjs'));
  vi.stubEnv('HTTP_PROXY', `http://me:p%40ss@${host}`);
  expect((await begin('http://far.example/decent')).result).toBeDefined();
  const [first] = asked;
  expect(first).toEqual({
    target: 'http://far.example/decent',
    host: 'far.example',
    authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  });
});

test('https: is asked for through a tunnel', async () => {
  const { asked, host } = await proxy(await start('remote-tls.mjs'));
  vi.stubEnv('HTTPS_PROXY', host);
  expect((await begin('https://far.example/mcp')).result).toBeDefined();
  expect(new Set(asked.map(({ target }) => target))).toEqual(new Set(['far.example:443']));
});

test('no proxy is asked for this machine', async () => {
  const fixture = await start('remote-misbehaving.mjs');
  const { asked, host } = await proxy(fixture);
  vi.stubEnv('HTTP_PROXY', `http://${host}`);
  expect((await begin(fixture.url('/decent'))).result).toBeDefined();
  expect(asked).toEqual([]);
});

test.each(['http', 'https'])('a proxy that wants credentials is named: %s', async (protocol) => {
  const { host } = await proxy(await start('remote-misbehaving.mjs'), 407);
  const name = `${protocol.toUpperCase()}_PROXY`;
  vi.stubEnv(name, `http://${host}`);
  const { error } = await begin(`${protocol}://far.example/mcp`);
  expect(error?.message).toMatch(new RegExp(`The proxy http://${host} \\(${name}\\).*407.*credentials`));
});

test('a 5xx may be that of the proxy', async () => {
  const { host } = await proxy(await start('remote-misbehaving.mjs'), 503);
  vi.stubEnv('HTTP_PROXY', `http://${host}`);
  const { error } = await begin('http://far.example/mcp');
  expect(error?.message).toContain(`may be that of the proxy http://${host} (HTTP_PROXY)`);
});

test('the password of a proxy is masked where it is repeated', async () => {
  const { host } = await proxy(await start('remote-misbehaving.mjs'), 502, true);
  vi.stubEnv('HTTP_PROXY', `http://me:pa%2Fss@${host}`);
  const { emit, texts } = events();
  const { error } = await begin('http://far.example/mcp', emit);
  expect(error?.message).toContain('502: no: *** me:***');
  expect(texts()).not.toMatch(/pa(%2F|\/)ss/);
});

test.each(['http', 'https'])('a proxy that is down is named: %s', async (protocol) => {
  const { host } = await proxy(await start('remote-misbehaving.mjs'));
  for (const clean of cleaning.splice(0)) await clean();
  const name = `${protocol.toUpperCase()}_PROXY`;
  vi.stubEnv(name, `http://${host}`);
  const { error } = await begin(`${protocol}://far.example/mcp`);
  expect(error?.message).toMatch(
    new RegExp(`The proxy http://${host} \\(${name}\\).*cannot be reached.*Check ${name}`),
  );
});

test('what is no URL of a proxy is told without its value', () => {
  for (const HTTP_PROXY of [
    'http://',
    'http://me:secret@host:99999',
    'ftp://secret/',
    'http://a:secret%zz@h',
  ]) {
    expect(() => proxyFor('http://far.example', { HTTP_PROXY })).toThrow(/HTTP_PROXY does(?!.*secret)/);
  }
  vi.stubEnv('HTTP_PROXY', 'http://secret:1:2');
  expect(() =>
    connectRemote(
      { url: new URL('http://far.example'), transport: 'auto', headers: [], verify: true, era: 'legacy' },
      events().emit,
    ),
  ).toThrow(/HTTP_PROXY does(?!.*secret)/);
});

test.each(['socks', 'socks4', 'socks5', 'socks5h'])(
  'a proxy of a kind that is not supported is told at once: %s',
  (kind) => {
    const env = { HTTPS_PROXY: `${kind}://me:secret@host:1080` };
    expect(() => proxyFor('https://far.example', env)).toThrow(
      /HTTPS_PROXY names a SOCKS proxy, which is not supported(?!.*secret).*http:\/\/HOST:PORT.*NO_PROXY/,
    );
    expect(proxyFor('https://localhost', env)).toBeUndefined();
  },
);

test('which proxy is asked for whom', () => {
  const env = {
    http_proxy: 'one:1',
    HTTPS_PROXY: 'http://two:2',
    NO_PROXY: 'a.example, .b.example:81 *.c.d',
  };
  const asked = (origin: string, more = {}): string | undefined =>
    proxyFor(origin, { ...env, ...more })?.url.host;
  expect(asked('http://x')).toBe('one:1');
  expect(asked('https://x')).toBe('two:2');
  expect(asked('https://x', { HTTPS_PROXY: undefined })).toBe('one:1');
  for (const host of ['a.example', 'x.a.example', 'b.example:81', 'x.c.d', 'localhost', '127.0.0.2']) {
    expect(asked(`http://${host}`)).toBeUndefined();
  }
  for (const host of ['aa.example', 'b.example', 'c.e']) expect(asked(`http://${host}`)).toBe('one:1');
  expect(asked('http://x', { NO_PROXY: '*' })).toBeUndefined();
  expect(asked('http://x', { http_proxy: '' })).toBeUndefined();
});
