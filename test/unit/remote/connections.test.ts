/** What becomes of the connections to a remote server: which request goes out on which, and when they end. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { AnswerHeaders } from '../../../src/remote/answer-headers.js';
import { type Exchange, HttpClient, type HttpOptions } from '../../../src/remote/http.js';

const cleaning: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** One request as it came, and the number of the connection that brought it. */
interface Came {
  readonly on: number;
  readonly socket: Socket;
  readonly text: string;
}

/** A server that is told of each request, once its head and a body of ten octets at most have come. */
async function listening(answer: (came: Came) => void, options: Partial<HttpOptions> = {}) {
  const all: Came[] = [];
  const sockets: Socket[] = [];
  let look = (): void => undefined;
  const server = createServer((socket) => {
    const on = sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => look());
    socket.on('data', (octets) => {
      const came = { on, socket, text: octets.toString('latin1') };
      all.push(came);
      answer(came);
      look();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = new HttpClient({ origin, verify: true, ...options });
  cleaning.push(async () => {
    await http.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  };
  return { all, sockets, until, http, origin };
}

/** Sends a request, and collects what becomes of it. */
function ask(http: HttpClient, origin: string, body?: Buffer) {
  const told: string[] = [];
  let headers: AnswerHeaders = {};
  let exchange: Exchange | undefined;
  const ended = new Promise<string[]>((resolve) => {
    const more = body === undefined ? {} : { body };
    exchange = http.send(
      { method: body === undefined ? 'GET' : 'POST', url: new URL('/mcp', origin), headers: {}, ...more },
      {
        sent: () => void told.push('sent'),
        head: (status, fields) => {
          headers = fields;
          told.push(String(status));
        },
        data: (chunk) => void told.push(chunk.toString()),
        end: () => {
          told.push('end');
          // The connection is free a moment after this.
          setImmediate(() => resolve(told));
        },
        failed: (error, wasSent) => {
          told.push(`failed ${wasSent}: ${'code' in error ? error.code : error.message}`);
          setImmediate(() => resolve(told));
        },
      },
    );
  });
  return { told, ended, headers: () => headers, abort: () => exchange?.abort() };
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n';

test('one after the other goes out on the same connection', async () => {
  const { http, origin, all } = await listening(({ socket }) => socket.write(`${OK}\r\nok`));
  for (let count = 0; count < 3; count++) {
    expect(await ask(http, origin).ended).toEqual(['sent', '200', 'ok', 'end']);
  }
  expect(all.map(({ on }) => on)).toEqual([1, 1, 1]);
});

test('head and body go out as one piece, with nothing in the head that was not asked for', async () => {
  const { http, origin, all } = await listening(({ socket }) => socket.write(`${OK}\r\nok`));
  await ask(http, origin, Buffer.from('{}')).ended;
  expect(all.map(({ text }) => text)).toEqual([
    `POST /mcp HTTP/1.1\r\nhost: ${new URL(origin).host}\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}`,
  ]);
});

test.each([
  ['says that it closes', 'connection: close\r\n'],
  ['waits for no longer than the way to it may take', 'keep-alive: timeout=2\r\n'],
])('a server that %s is not written to on that connection again', async (_, header) => {
  const { http, origin, all } = await listening(({ socket }) => socket.write(`${OK}${header}\r\nok`));
  for (let count = 0; count < 2; count++) await ask(http, origin).ended;
  expect(all.map(({ on }) => on)).toEqual([1, 2]);
});

test('what comes unasked ends the connection, and is nobody’s answer', async () => {
  const { http, origin, all, sockets, until } = await listening(({ socket, on }) =>
    socket.write(`${OK}\r\n${on === 1 ? 'ok' : 'no'}`),
  );
  await ask(http, origin).ended;
  sockets[0]?.write(`${OK}\r\nXX`);
  await until(() => sockets[0]?.destroyed === true);
  expect(await ask(http, origin).ended).toEqual(['sent', '200', 'no', 'end']);
  expect(all.map(({ on }) => on)).toEqual([1, 2]);
});

test('beyond as many as there may be, requests wait; one that is not wanted any more is never sent', async () => {
  const { http, origin, all, until } = await listening(() => undefined, { maxInFlight: 1 });
  const first = Array.from({ length: 18 }, () => ask(http, origin));
  const unwanted = ask(http, origin);
  const last = ask(http, origin, Buffer.from('last'));
  await until(() => all.length === 18);
  unwanted.abort();
  all[7]?.socket.write(`${OK}\r\nok`);
  await until(() => all.length === 19);
  expect(all[18]).toMatchObject({ on: all[7]?.on, text: expect.stringContaining('last') });
  expect([unwanted.told, last.told]).toEqual([[], ['sent']]);
  // One that ends makes room for another.
  const another = ask(http, origin, Buffer.from('another'));
  all[3]?.socket.destroy();
  await until(() => all.length === 20);
  expect(all[19]).toMatchObject({ on: 19, text: expect.stringContaining('another') });
  expect([another.told, await first[3]?.ended]).toEqual([['sent'], ['sent', 'failed true: ECONNRESET']]);
});

test('a request that is aborted before it is sent leaves its connection to others', async () => {
  const { http, origin, all } = await listening(({ socket }) => socket.write(`${OK}\r\nok`));
  await ask(http, origin).ended;
  const aborted = ask(http, origin, Buffer.from('aborted'));
  aborted.abort();
  await ask(http, origin, Buffer.from('next')).ended;
  expect(aborted.told).toEqual([]);
  expect(all.map(({ text }) => text.includes('aborted'))).not.toContain(true);
});

test('a server that answers before it has read the request is not written to on that connection again', async () => {
  const { http, origin, all, until, sockets } = await listening(({ socket, on }) => {
    if (on === 1 && all.length > 1) return;
    if (on === 1) socket.pause();
    socket.write('HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno');
  });
  expect(await ask(http, origin, Buffer.alloc(32 * 1024 * 1024)).ended).toEqual(['sent', '413', 'no', 'end']);
  sockets[0]?.resume();
  await until(() => sockets[0]?.destroyed === true);
  await ask(http, origin).ended;
  expect(all.at(-1)?.on).toBe(2);
});

test.each([
  ['hints before it', `HTTP/1.1 103 Early\r\nlink: a\r\n\r\n${OK}\r\nok`, ['200', 'ok', 'end']],
  ['two lengths', `${OK}content-length: 3\r\n\r\nok`, ['failed true: HPE_UNEXPECTED_CONTENT_LENGTH']],
  [
    'a length and chunks',
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    [/^failed true: HPE/],
  ],
  ['another protocol', 'HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', [/^failed true/]],
  ['no length', 'HTTP/1.1 200 OK\r\n\r\nok', ['200', 'ok', 'end'], 'end'],
  ['less than its length', `${OK}\r\no`, ['200', 'o', 'failed true: ECONNRESET'], 'end'],
  [
    'chunks without an end',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n',
    ['200', 'ok', 'failed true: ECONNRESET'],
    'end',
  ],
  ['a head without an end', 'HTTP/1.1 200 OK\r\n', ['failed true: ECONNRESET'], 'end'],
] as const)('an answer with %s', async (_, answer, becomes, close?: string) => {
  const { http, origin } = await listening(({ socket }) => {
    if (close === undefined) socket.write(answer);
    else socket.end(answer);
  });
  const [sent, ...told] = await ask(http, origin).ended;
  expect(sent).toBe('sent');
  expect(told).toEqual(becomes.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))));
});

test('of a header that has one value the first counts, others are joined, and none is taken for a part of objects', async () => {
  const fields = 'Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\nVary: x\r\nvary: y\r\n__proto__: z\r\n';
  const { http, origin } = await listening(({ socket }) => socket.write(`${OK}${fields}\r\nok`));
  const asked = ask(http, origin);
  await asked.ended;
  expect(asked.headers()).toMatchObject({ 'mcp-session-id': 'a', vary: 'x, y' });
  expect(asked.headers().constructor).toBeUndefined();
});

test('closing ends what is open, what waits, and what is asked after it', async () => {
  const { http, origin, all, until } = await listening(() => undefined, { maxInFlight: 1 });
  const asked = Array.from({ length: 19 }, () => ask(http, origin));
  await until(() => all.length === 18);
  await http.close();
  asked.push(ask(http, origin));
  const told = await Promise.all(asked.map(({ ended }) => ended));
  expect(told.slice(0, 18)).toEqual(Array(18).fill(['sent', 'failed true: the client is closed']));
  expect(told.slice(18)).toEqual(Array(2).fill(['failed false: the client is closed']));
});

test('a connection that does not stand in time is told as unsent', async () => {
  const { origin } = await listening(() => undefined);
  // It says nothing to the beginning of TLS.
  const secure = origin.replace('http:', 'https:');
  const http = new HttpClient({ origin: secure, verify: true, connectTimeout: 20 });
  cleaning.push(() => http.close());
  expect(await ask(http, secure).ended).toEqual(['failed false: ETIMEDOUT']);
});
