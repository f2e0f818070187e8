/** Too much of everything: headers, targets, bodies that are large or unpack to something large. Others are served. */
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { Socket } from './harness/socket.js';
import { raw, Target } from './harness/target.js';

const MIB = 1024 * 1024;
/** How much more memory the proxy may take for all attacks of a test together, in MiB. */
const MORE_MIB = 128;
const ATTACKERS = 50;

const scope = new Scope();
let target: Target;
let host: string;

beforeAll(async () => {
  target = await Target.start(scope);
  host = new URL(target.proxy.url).host;
});
afterAll(() => scope.end());

/** Octets of a request that comes to no end. */
const ENDLESS: readonly [what: string, beginning: string, more: string][] = [
  ['a header', 'GET /mcp HTTP/1.1\r\nHost: localhost\r\nX-A: ', 'x'],
  ['the name of a header', 'GET /mcp HTTP/1.1\r\nHost: localhost\r\nX', 'x'],
  ['headers', 'GET /mcp HTTP/1.1\r\nHost: localhost\r\n', 'X-A: x\r\n'],
  ['headers with nothing in them', 'GET /mcp HTTP/1.1\r\nHost: localhost\r\n', 'a:\r\n'],
  ['a target', 'GET /', 'x'],
  ['a query', 'GET /mcp?', 'x'],
  ['a session', 'GET /messages/?session_id=', 'x'],
  [
    'trailers',
    'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
    'X-A: x\r\n',
  ],
  [
    'an extension of a chunk',
    'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;a=',
    'x',
  ],
];

it.each(ENDLESS)(
  `${guards('oversize.refused')} %s without end is ended, by many at once`,
  async (_, beginning, more) => {
    await target.serves();
    const before = target.peakMiB();
    const block = more.repeat(64 * 1024);
    await Promise.all(
      Array.from({ length: ATTACKERS }, async () => {
        const socket = await Socket.open(scope, target.proxy.url);
        socket.write(beginning);
        for (let written = 0; written < 32 && !socket.isClosed; written++) {
          socket.write(block);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await socket.closed;
      }),
    );
    await target.serves();
    expect(target.peakMiB() - before).toBeLessThan(MORE_MIB);
  },
);

it.each([
  ['a header of 20 kB', 431, ['GET /status HTTP/1.1', `X-A: ${'x'.repeat(20_000)}`]],
  ['a target of 20 kB', 431, [`GET /${'x'.repeat(20_000)} HTTP/1.1`]],
  ['501 headers', 431, ['GET /status HTTP/1.1', ...Array.from({ length: 501 }, () => 'a:')]],
  ['5000 headers', 431, ['GET /status HTTP/1.1', ...Array.from({ length: 5000 }, () => 'a:')]],
  ['400 headers, which pass', 200, ['GET /status HTTP/1.1', ...Array.from({ length: 400 }, () => 'a:')]],
])(
  `${guards('oversize.refused')} the status says what is too large: %s`,
  async (_, status, [first = '', ...lines]) => {
    const socket = await Socket.open(scope, target.proxy.url);
    socket.write(raw([first, `Host: ${host}`, ...lines]));
    expect(await socket.answers(1)).toMatchObject([{ status }]);
  },
);

it(`${guards('oversize.refused')} a body that is announced as larger than may be is refused from the head`, async () => {
  const before = target.peakMiB();
  for (const length of [64 * MIB + 1, 2 ** 53]) {
    const socket = await Socket.open(scope, target.proxy.url);
    const type = 'Content-Type: application/json';
    socket.write(raw(['POST /mcp HTTP/1.1', `Host: ${host}`, type, `Content-Length: ${length}`]));
    await socket.until(() => socket.text.includes('larger than the limit'));
    expect(socket.text).toContain('HTTP/1.1 413');
    socket.close();
  }
  await target.serves();
  expect(target.peakMiB() - before).toBeLessThan(MORE_MIB);
});

/** What unpacks to a call that is larger than anything that the proxy takes. */
const BOMB = Buffer.concat([
  Buffer.from('{"jsonrpc":"2.0","id":1,"method":"x/bomb","params":{"a":"'),
  Buffer.alloc(256 * MIB, 'x'),
  Buffer.from('"}}'),
]);

it(`${guards('bomb.request')} a compressed body is refused and never unpacked, whatever its encoding is called`, async () => {
  const packed = gzipSync(BOMB, { level: 1 });
  const bodies: readonly [encoding: string, body: Buffer][] = [
    ['gzip', packed],
    ['GZip', packed],
    ['x-gzip', packed],
    ['deflate', deflateSync(BOMB, { level: 1 })],
    ['br', brotliCompressSync(BOMB, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ['gzip, gzip', gzipSync(packed)],
    ['identity, gzip', packed],
    ['zstd', Buffer.from('28b52ffd', 'hex')],
    ['compress', Buffer.from('1f9d', 'hex')],
    ['', Buffer.from('{}')],
  ];
  await target.serves();
  const before = target.peakMiB();
  for (const [encoding, body] of bodies) {
    const octets = body.toString('latin1');
    expect(await target.post(octets, { 'content-encoding': encoding })).toMatchObject({ status: 415 });
    // It is no text either where nobody says what it is.
    if (encoding !== '') expect((await target.post(octets)).status).toBe(400);
    await target.serves();
  }
  expect(target.peakMiB() - before).toBeLessThan(MORE_MIB);
  expect((await target.lines()).filter((line) => line.includes('x/bomb'))).toEqual([]);
});
