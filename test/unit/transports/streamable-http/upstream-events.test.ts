/** The stream on which a server speaks unasked is wanted for as long as the session lasts. */
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { REMOTE_TIMINGS, type RemoteLink } from '../../../../src/remote/remote-link.js';
import { ResumableStream } from '../../../../src/transports/streamable-http/upstream-stream.js';
import { connectRemote } from '../../../../src/upstream/remote.js';
import { Client, events, QUICK } from '../../remote/fixture.js';
import { type Server, serve, welcome } from '../../remote/server.js';

let server: Server | undefined;
let link: RemoteLink | undefined;

afterEach(async () => {
  link?.close({ kind: 'stopping', text: 'the test is over' });
  await link?.done;
  await server?.stop();
  link = undefined;
  server = undefined;
});

/** A client of a server whose GETs are answered one after the other by `gets`, and then not at all. */
async function begin(gets: ((response: ServerResponse) => void)[], lasting = 60_000) {
  let count = 0;
  server = await serve(({ method, message }, response) => {
    if (method === 'GET') gets[count++]?.(response);
    else if (message.id === undefined) response.writeHead(202).end();
    else
      response
        .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
        .end(welcome(message.id));
  });
  const told = events();
  const options = { transport: 'streamablehttp', headers: [], verify: true, era: 'legacy' } as const;
  const timings = { ...QUICK, reconnect: 1, reconnectMax: 2, lasting };
  link = connectRemote({ ...options, url: server.url, timings }, told.emit);
  const client = new Client(link);
  await client.begin();
  return { client, texts: told.texts, count: () => count };
}

const stream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });
const told = (response: ServerResponse, n: number): boolean =>
  stream(response).write(
    `id: e${n}\ndata: {"jsonrpc":"2.0","method":"notifications/told","params":{"n":${n}}}\n\n`,
  );
const good = (response: ServerResponse): void => {
  told(response, 1);
  response.end();
};
const again = (response: ServerResponse): void => void told(response, 2);
const page = (response: ServerResponse): void =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>');

test.each<[string, (response: ServerResponse) => void]>([
  ['its connection is reset', (response) => void response.destroy()],
  ['a page', page],
  ['a redirect', (response) => void response.writeHead(302, { location: 'http://login.example/' }).end()],
  ['HTTP status 502', (response) => void response.writeHead(502).end()],
  ['it ends at once', (response) => void stream(response).end()],
])(
  'one that was good is asked for until it is there again, over 25 times of this: %s',
  async (_what, bad) => {
    const { client, texts } = await begin([good, ...Array.from({ length: 25 }, () => bad), again]);
    await client.until(({ params }) => params?.n === 2);
    const gets = server?.asked.filter(({ method }) => method === 'GET') ?? [];
    expect(gets.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      ...Array.from({ length: 26 }, () => 'e1'),
    ]);
    expect(texts().match(/is not heard at the moment/g)).toHaveLength(1);
  },
);

test.each<[string, (response: ServerResponse) => void, number]>([
  ['a page', page, 1],
  ['HTTP status 502', (response) => void response.writeHead(502).end(), 10],
  ['it ends at once', (response) => void stream(response).end(), 10],
])('one that never was there is given up: %s', async (_what, bad, times) => {
  const { client, texts, count } = await begin(Array.from({ length: 25 }, () => bad));
  while (!texts().includes('is not heard')) await new Promise((resolve) => setImmediate(resolve));
  expect((await client.request(1, 'call')).result).toBeDefined();
  expect(count()).toBe(times);
});

test('one that lasts is a good one, however it breaks, and though nothing came', async () => {
  const broken = (response: ServerResponse): void => {
    stream(response).flushHeaders();
    setTimeout(() => response.destroy(), 30);
  };
  const { client, texts } = await begin([...Array.from({ length: 12 }, () => broken), again], 10);
  await client.until(({ params }) => params?.n === 2);
  expect(texts()).not.toContain('is not heard');
});

test('a server that asks to be left alone is not asked for its stream before', async () => {
  const times: number[] = [];
  await new Promise<void>((resolve) => {
    const wanted = new ResumableStream({
      open: (_lastId, { failed }) => {
        times.push(performance.now());
        if (times.length === 1) failed({ kind: 'refused', status: 429, text: 'later', retryAfter: 300 });
        else resolve();
        return { abort: () => undefined, paused: false };
      },
      event: () => undefined,
      gone: () => undefined,
      tries: 10,
      restartable: true,
      timings: { ...REMOTE_TIMINGS, ...QUICK },
      where: 'it',
    });
    wanted.open();
  });
  const [first = 0, second = 0] = times;
  expect(second - first).toBeGreaterThanOrEqual(299);
});
