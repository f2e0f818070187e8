/** TLS of the proxy itself, and clients that are known by their certificates. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ABOVE, ANN, BOB, CA, CHAINED, NEXT, SERVER, STRANGER } from '../fixtures/certificates.js';
import { guards } from '../security.js';
import { initializeBody, post, requestBody } from './harness/client.js';
import { exchange } from './harness/http.js';
import { closeAll, puppet, start, type TestProxy } from './harness/proxy.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

/** Takes the place of the file at once, as certificate managers do it. */
function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return path;
}

function files(): { cert: string; key: string } {
  return { cert: write('cert', SERVER.cert), key: write('key', SERVER.key) };
}

/** The common name on the certificate that the proxy shows. */
function shown({ url }: TestProxy): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), ca: CA }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      resolve(Array.isArray(CN) ? CN.join() : CN);
    });
    socket.once('error', reject);
  });
}

it(`${guards('tls.served')} it speaks TLS, and nothing else, and says so`, async () => {
  const proxy = await start({ tls: files() }, {}, { ca: CA });
  expect(proxy.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(proxy.servers[0]?.mcp).toBe(`${proxy.url}/mcp`);
  const answer = await post(`${proxy.url}/mcp`, initializeBody(), { tls: { ca: CA } });
  expect(answer.status).toBe(200);
  await expect(exchange(`${proxy.url}/status`)).rejects.toThrow(/certificate/);
  await expect(exchange(`${proxy.url.replace('https:', 'http:')}/status`)).rejects.toThrow();
  const headers = { origin: proxy.url };
  expect((await exchange(`${proxy.url}/status`, { headers, tls: { ca: CA } })).status).toBe(200);
  const plain = { origin: proxy.url.replace('https:', 'http:') };
  expect((await exchange(`${proxy.url}/status`, { headers: plain, tls: { ca: CA } })).status).toBe(403);
});

it(`${guards('tls.reloaded')} a new certificate is shown without a new start; one that does not fit its key changes nothing`, async () => {
  const proxy = await start({ tls: files() }, {}, { ca: CA });
  expect(await shown(proxy)).toBe('localhost');
  const told = async (words: RegExp): Promise<void> => {
    while (!proxy.events.some(({ text }) => words.test(text))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  write('cert', NEXT.cert);
  await told(/cannot be used, so all stays as it was/);
  expect(await shown(proxy)).toBe('localhost');
  write('key', NEXT.key);
  await told(/the certificate was read again/);
  expect(await shown(proxy)).toBe('next');
});

it(`${guards('certificate.required')} a client without one that a known authority has signed does not even get an answer`, async () => {
  const tls = { ...files(), clientCa: write('ca', CA) };
  const { url } = await start({ tls }, {}, { ca: CA, ...ANN });
  for (const own of [{}, STRANGER]) {
    await expect(exchange(`${url}/status`, { tls: { ca: CA, ...own } })).rejects.toThrow();
  }
  expect((await exchange(`${url}/status`, { tls: { ca: CA, ...ANN } })).status).toBe(200);
});

/** A connection of ann's that stays, and what asks on it: resolves with the status, or undefined where it ends. */
async function kept(
  url: string,
  more: object = {},
): Promise<{ socket: TLSSocket; ask: () => Promise<string | undefined> }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca: CA, ...ANN, ...more });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const ask = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      socket.once('data', (octets) => resolve(/^HTTP\/1.1 (\d+)/.exec(String(octets))?.[1]));
      socket.once('close', () => resolve(undefined));
      if (socket.destroyed) resolve(undefined);
      else socket.write('GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n');
    });
  return { socket, ask };
}

it(`${guards('certificate.over')} a connection that is open is good for nothing once its certificate has run out`, async () => {
  const tls = { ...files(), clientCa: write('ca', CA) };
  const { url } = await start({ tls }, {}, { ca: CA, ...ANN });
  const { socket, ask } = await kept(url);
  expect(await ask()).toBe('200');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2126, 0) });
  try {
    const ended = new Promise((resolve) => socket.once('close', resolve));
    expect(await ask()).toBe('401');
    await ended;
  } finally {
    vi.useRealTimers();
  }
});

it(`${guards('certificate.over')} so it is once one has run out that vouches for it`, async () => {
  const tls = { ...files(), clientCa: write('ca', ABOVE) };
  const { url } = await start({ tls }, {}, { ca: CA, ...CHAINED });
  const { ask } = await kept(url, CHAINED);
  expect(await ask()).toBe('200');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2077, 0) });
  try {
    expect(await ask()).toBe('401');
  } finally {
    vi.useRealTimers();
  }
});

it.each(['TLSv1.2', 'TLSv1.3'])(
  `${guards('certificate.over')} no session is taken up again, by which nobody would look at the certificate: %s`,
  async (maxVersion) => {
    const tls = { ...files(), clientCa: write('ca', CA) };
    const { url } = await start({ tls }, {}, { ca: CA, ...ANN });
    const first = await kept(url, { maxVersion });
    let session = first.socket.getSession();
    first.socket.on('session', (one) => {
      session = one;
    });
    expect(await first.ask()).toBe('200');
    const second = await kept(url, { maxVersion, session });
    expect([second.socket.isSessionReused(), await second.ask()]).toEqual([false, '200']);
    first.socket.destroy();
    second.socket.destroy();
  },
);

it(`${guards('certificate.over')} a connection that was made under another authority ends with it, and one of a new certificate of the proxy stays`, async () => {
  const tls = { ...files(), clientCa: write('ca', CA) };
  const proxy = await start({ tls }, {}, { ca: CA, ...ANN });
  const { socket, ask } = await kept(proxy.url);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  const read = async (times: number): Promise<void> => {
    while (proxy.events.filter(({ text }) => /certificate was read again/.test(text)).length < times) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  expect(await ask()).toBe('200');
  write('cert', SERVER.cert);
  await read(1);
  expect(await ask()).toBe('200');
  write('ca', STRANGER.cert);
  await read(2);
  await ended;
  expect(await ask()).toBeUndefined();
  // So that the proxy can be asked to stop.
  write('ca', CA);
  await read(3);
});

it(`${guards('certificate.bound')} what a client begins belongs to the subject of its certificate`, async () => {
  const tls = { ...files(), clientCa: write('ca', CA) };
  const access = { keys: [], subjects: ['O=Tests, CN=ann'], scopes: [] };
  const options = { tls, namedServers: [puppet({ name: 'hers', access })] };
  const { url } = await start(options, {}, { ca: CA, ...ANN });
  const ann = { ca: CA, ...ANN };
  const bob = { ca: CA, ...BOB };
  const begun = await post(`${url}/mcp`, initializeBody(), { tls: ann });
  const headers = { 'mcp-session-id': String(begun.headers['mcp-session-id']) };
  expect((await post(`${url}/mcp`, requestBody(1, 'ping'), { headers, tls: ann })).status).toBe(200);
  expect((await post(`${url}/mcp`, requestBody(1, 'ping'), { headers, tls: bob })).status).toBe(404);
  const tried = async (own: typeof ann): Promise<number> =>
    (await post(`${url}/servers/hers/mcp`, initializeBody(), { tls: own })).status;
  expect([await tried(ann), await tried(bob)]).toEqual([200, 404]);
  // What is shown beside it must be good.
  expect((await exchange(`${url}/status`, { headers: { 'x-api-key': 'x' }, tls: ann })).status).toBe(401);
});

it('files that cannot be used are no start', async () => {
  const { cert, key } = files();
  const words = /--tls-cert, --tls-key and --tls-client-ca cannot be used: /;
  await expect(start({ tls: { cert, key: write('other', NEXT.key) } })).rejects.toThrow(words);
  await expect(start({ tls: { cert: join(directory, 'none'), key } })).rejects.toThrow(words);
  await expect(start({ tls: { cert: write('empty', ''), key } })).rejects.toThrow(words);
});

it(`${guards('tls.slow')} who does not begin with TLS keeps nobody waiting`, async () => {
  const { url } = await start({ tls: files() }, {}, { ca: CA });
  const silent = connectTcp(Number(new URL(url).port), '127.0.0.1');
  await new Promise((resolve) => silent.once('connect', resolve));
  silent.on('error', () => undefined);
  silent.write('no TLS at all\r\n\r\n');
  await new Promise((resolve) => silent.once('close', resolve));
  expect((await exchange(`${url}/status`, { tls: { ca: CA } })).status).toBe(200);
});
