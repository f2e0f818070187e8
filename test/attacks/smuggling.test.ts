/**
 * Request smuggling: two who read one connection disagree where a request ends, and the second takes the rest of the
 * first one's body for a request of its own. Here the attacker writes octets, and the server behind the proxy takes
 * whatever comes, so that what is not refused would arrive.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { Socket } from './harness/socket.js';
import { raw, Target } from './harness/target.js';

const scope = new Scope();
let target: Target;
let host: string;

beforeAll(async () => {
  target = await Target.start(scope);
  host = new URL(target.proxy.url).host;
});
afterAll(() => scope.end());

function body(method: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method });
}

/** The head of a POST with these lines in it. */
function head(...lines: string[]): string[] {
  const usual = ['Content-Type: application/json', 'Accept: application/json, text/event-stream'];
  return ['POST /mcp HTTP/1.1', `Host: ${host}`, ...usual, ...lines];
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

const VISIBLE = body('x/visible');
const LENGTH = `Content-Length: ${VISIBLE.length}`;
const CHUNKED = `${chunk(VISIBLE)}0\r\n\r\n`;

/** The request that must never come to be one. */
function hidden(): string {
  const text = body('x/hidden');
  return raw(head(`Content-Length: ${text.length}`), text);
}

/** What is sent; it may stand on lines of its own, or on the last line of a body. */
const REFUSED: readonly [what: string, octets: () => string][] = [
  [
    'Content-Length, then Transfer-Encoding',
    () => raw(head(LENGTH, 'Transfer-Encoding: chunked'), `0\r\n\r\n${hidden()}`),
  ],
  [
    'Transfer-Encoding, then Content-Length',
    () => raw(head('Transfer-Encoding: chunked', 'Content-Length: 4'), CHUNKED + hidden()),
  ],
  ['two lengths', () => raw(head(LENGTH, 'Content-Length: 3'), VISIBLE + hidden())],
  ['the same length twice', () => raw(head(LENGTH, LENGTH), VISIBLE + hidden())],
  ['a list of lengths', () => raw(head(`${LENGTH}, 3`), VISIBLE + hidden())],
  ['a length with a sign', () => raw(head(`Content-Length: +${VISIBLE.length}`), VISIBLE + hidden())],
  ['a negative length', () => raw(head('Content-Length: -1'), VISIBLE + hidden())],
  ['a length in hexadecimal', () => raw(head('Content-Length: 0x10'), VISIBLE + hidden())],
  ['a length with a blank in it', () => raw(head('Content-Length: 1 2'), VISIBLE + hidden())],
  ['a length of more than 64 bits', () => raw(head(`Content-Length: ${2n ** 64n + 5n}`), VISIBLE + hidden())],
  ['a length on a folded line', () => raw(head('Content-Length:', ` ${VISIBLE.length}`), VISIBLE + hidden())],
  ['a length in a folded line', () => raw(head('X-A: b', ` ${LENGTH}`), VISIBLE + hidden())],
  ['a coding on a folded line', () => raw(head('Transfer-Encoding:', ' chunked'), CHUNKED + hidden())],
  ['a blank before the colon', () => raw(head('Transfer-Encoding : chunked'), CHUNKED + hidden())],
  [
    'a blank before the first header',
    () => raw(['POST /mcp HTTP/1.1', ' Transfer-Encoding: chunked', ...head().slice(1)], CHUNKED + hidden()),
  ],
  ['chunked, identity', () => raw(head('Transfer-Encoding: chunked, identity'), CHUNKED + hidden())],
  ['identity beside a length', () => raw(head('Transfer-Encoding: identity', LENGTH), VISIBLE + hidden())],
  ['xchunked', () => raw(head('Transfer-Encoding: xchunked'), CHUNKED + hidden())],
  ['chunked in quotes', () => raw(head('Transfer-Encoding: "chunked"'), CHUNKED + hidden())],
  ['chunked with a parameter', () => raw(head('Transfer-Encoding: chunked;a=b'), CHUNKED + hidden())],
  ['chunked behind a control', () => raw(head('Transfer-Encoding:\x0bchunked'), CHUNKED + hidden())],
  [
    'chunked twice',
    () => raw(head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), CHUNKED + hidden()),
  ],
  [
    'chunked in HTTP 1.0',
    () =>
      raw(
        ['POST /mcp HTTP/1.0', ...head('Transfer-Encoding: chunked').slice(1)],
        `${chunk('x')}0\r\n\r\n${hidden()}`,
      ),
  ],
  ['a bare LF behind a header', () => raw(head(`X-A: b\n${LENGTH}`), VISIBLE + hidden())],
  ['bare LFs everywhere', () => raw(head(LENGTH), VISIBLE).replaceAll('\r\n', '\n') + hidden()],
  [
    'a bare CR in a header',
    () => raw(head('X-A: b\rTransfer-Encoding: chunked', LENGTH), VISIBLE + hidden()),
  ],
  ['a NUL in a header', () => raw(head('X-A: b\0', LENGTH), VISIBLE + hidden())],
  ['a chunk of more than 64 bits', () => chunks(`1${'0'.repeat(15)}${VISIBLE.length.toString(16)}\r\n`)],
  ['a size of a chunk with 0x', () => chunks(`0x${VISIBLE.length.toString(16)}\r\n`)],
  ['a size of a chunk with a blank', () => chunks(`${VISIBLE.length.toString(16)} \r\n`)],
  ['a size of a chunk that ends in LF', () => chunks(`${VISIBLE.length.toString(16)}\n`)],
  ['an extension of a chunk with LF', () => chunks(`${VISIBLE.length.toString(16)};a\nb\r\n`)],
  [
    'a chunk without its end',
    () =>
      raw(
        head('Transfer-Encoding: chunked'),
        `${VISIBLE.length.toString(16)}\r\n${VISIBLE}XX0\r\n\r\n${hidden()}`,
      ),
  ],
  [
    'a length in the trailers',
    () => raw(head('Transfer-Encoding: chunked'), `${chunk(VISIBLE)}0\r\n${LENGTH}\r\n\r\n${hidden()}`),
  ],
];

function chunks(size: string): string {
  return raw(head('Transfer-Encoding: chunked'), `${size}${VISIBLE}\r\n0\r\n\r\n${hidden()}`);
}

describe('a request whose end can be read in two ways', () => {
  it.each(REFUSED)(
    `${guards('smuggling.refused')} is refused, and its connection closed: %s`,
    async (_, octets) => {
      const socket = await Socket.open(scope, target.proxy.url);
      socket.write(octets());
      await socket.closed;
      const [first] = await socket.answers();
      // A body that has begun well is a request that was not refused yet.
      expect(first?.status, socket.text).toBe(400);
      expect(await socket.answers()).toHaveLength(1);
      await target.serves();
      expect((await target.lines()).filter((line) => line.includes('x/hidden'))).toEqual([]);
    },
  );

  it(`${guards('smuggling.refused')} a transfer coding that is not understood is refused, and not guessed`, async () => {
    const socket = await Socket.open(scope, target.proxy.url);
    socket.write(raw(head('Transfer-Encoding: gzip, chunked'), CHUNKED));
    await socket.closed;
    expect(await socket.answers()).toMatchObject([{ status: 501 }]);
    await target.serves();
  });

  it(`${guards('smuggling.refused')} what stands in a body is a body`, async () => {
    const socket = await Socket.open(scope, target.proxy.url);
    const text = hidden();
    socket.write(raw(head(`Content-Length: ${text.length}`), text));
    for (const method of ['GET', 'DELETE', 'OPTIONS', 'TRACE', 'PUT']) {
      const [, ...rest] = head(`Content-Length: ${text.length}`);
      socket.write(raw([`${method} /mcp HTTP/1.1`, ...rest], text));
      socket.write(raw([`${method} /nothing HTTP/1.1`, ...rest], text));
    }
    socket.write(raw(['GET /status HTTP/1.1', `Host: ${host}`]));
    const statuses = (await socket.answers(12)).map(({ status }) => status);
    expect(statuses).toEqual([400, 405, 404, 405, 404, 204, 204, 405, 404, 405, 404, 200]);
    expect((await target.lines()).filter((line) => line.includes('x/hidden'))).toEqual([]);
  });

  it('the same request arrives where there is nothing wrong with it', async () => {
    const socket = await Socket.open(scope, target.proxy.url);
    socket.write(raw(head('Transfer-Encoding: chunked'), CHUNKED));
    socket.write(raw(head(LENGTH), VISIBLE));
    expect((await socket.answers(2)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await target.lines()).filter((line) => line.includes('x/visible')).length).toBeGreaterThan(1);
  });
});

describe('a head that can be read in two ways', () => {
  const GET = 'GET /status HTTP/1.1';
  const heads: readonly [what: string, status: number, lines: () => string[]][] = [
    ['two hosts', 400, () => [GET, `Host: ${host}`, 'Host: evil.example']],
    ['the same in the other order', 400, () => [GET, 'Host: evil.example', `Host: ${host}`]],
    ['no host', 400, () => [GET]],
    ['another host in its target', 400, () => ['GET http://evil.example/status HTTP/1.1', `Host: ${host}`]],
    [
      'a target of another host than its header',
      400,
      () => [`GET http://${host}/status HTTP/1.1`, 'Host: evil.example'],
    ],
    [
      'somebody who is let in by the target',
      400,
      () => [`GET http://${host}@evil.example/status HTTP/1.1`, `Host: ${host}`],
    ],
    ['a target with another scheme', 400, () => ['GET ftp://x/mcp HTTP/1.1', `Host: ${host}`]],
    ['a target that is no path', 400, () => ['GET status HTTP/1.1', `Host: ${host}`]],
    ['two authorizations', 400, () => [GET, `Host: ${host}`, 'Authorization: a', 'Authorization: b']],
    ['two types', 400, () => [...head('Content-Type: text/plain'), 'Content-Length: 0']],
    [
      'an origin past the headers that are read',
      431,
      () => [
        GET,
        `Host: ${host}`,
        ...Array.from({ length: 2500 }, () => 'a:'),
        'Origin: https://evil.example',
      ],
    ],
    ['a version that nobody knows', 400, () => ['GET /status HTTP/1.2', `Host: ${host}`]],
    ['no version', 505, () => ['GET /status']],
  ];

  it.each(heads)(`${guards('smuggling.head')} is refused: %s`, async (_, status, lines) => {
    const socket = await Socket.open(scope, target.proxy.url);
    socket.write(raw(lines()));
    await socket.closed;
    expect(await socket.answers()).toMatchObject([{ status }]);
    await target.serves();
  });

  it(`${guards('smuggling.head')} a target that is a whole URL is taken where it is that of the proxy`, async () => {
    const socket = await Socket.open(scope, target.proxy.url);
    socket.write(raw([`GET http://${host.toUpperCase()}/status HTTP/1.1`, `Host: ${host}`]));
    expect(await socket.answers(1)).toMatchObject([{ status: 200 }]);
  });
});

describe('headers that are for one hop', () => {
  it(`${guards('smuggling.head')} naming a header in Connection or in the trailers neither adds nor takes one`, async () => {
    const key = 'ann-0123456789abcdef';
    const guarded = await Target.start(scope, [], {
      env: { MCP_PROXY_API_KEYS: `ann:${key}` },
      headers: { 'x-api-key': key },
    });
    const socket = await Socket.open(scope, guarded.proxy.url);
    const named = 'Connection: X-API-Key, Host, Origin, Content-Type, keep-alive';
    const hostLine = `Host: ${new URL(guarded.proxy.url).host}`;
    const post = ['POST /mcp HTTP/1.1', hostLine, ...head().slice(2), named];
    socket.write(raw([...post, `X-API-Key: ${key}`, LENGTH], VISIBLE));
    socket.write(
      raw(
        [...post, 'Trailer: X-API-Key', 'Transfer-Encoding: chunked'],
        `${chunk(VISIBLE)}0\r\nX-API-Key: ${key}\r\n\r\n`,
      ),
    );
    socket.write(raw([...post, LENGTH, 'Origin: https://evil.example', `X-API-Key: ${key}`], VISIBLE));
    expect((await socket.answers(3)).map(({ status }) => status)).toEqual([200, 401, 403]);
    await guarded.serves();
    expect((await guarded.lines()).filter((line) => line.includes('x/visible'))).toHaveLength(1);
  });
});

describe('what leads out of HTTP', () => {
  it(`${guards('smuggling.tunnel')} no tunnel and no upgrade is opened, and nothing is sent back to who asks for it`, async () => {
    const connect = await Socket.open(scope, target.proxy.url);
    connect.write(raw([`CONNECT ${host} HTTP/1.1`, `Host: ${host}`], hidden()));
    await connect.closed;
    expect(connect.text).toBe('');

    const upgrade = (what: string): string[] => ['Connection: Upgrade', `Upgrade: ${what}`];
    const asked: readonly [status: number, lines: string[], body?: string][] = [
      [405, ['GET /mcp HTTP/1.1', ...upgrade('websocket'), 'Sec-WebSocket-Version: 13'], hidden()],
      [200, ['GET /status HTTP/1.1', ...upgrade('h2c')], hidden()],
      [405, ['TRACE /mcp HTTP/1.1', 'X-API-Key: canary']],
      [417, ['POST /mcp HTTP/1.1', 'Expect: something', LENGTH], VISIBLE],
    ];
    for (const [status, [first = '', ...lines], rest] of asked) {
      const socket = await Socket.open(scope, target.proxy.url);
      socket.write(raw([first, `Host: ${host}`, ...lines], rest));
      expect(await socket.answers(1)).toMatchObject([{ status }]);
      expect(socket.text).not.toContain('canary');
      expect(socket.text).not.toContain('HTTP/1.1 101');
    }
    await target.serves();
    expect((await target.lines()).filter((line) => line.includes('x/hidden'))).toEqual([]);
  });
});
