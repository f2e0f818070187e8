/** A stream whose connection stands though nobody is at its other end any more. */
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import type { RemoteLink, RemoteTimings } from '../../../src/remote/remote-link.js';
import { Silence } from '../../../src/remote/silence.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, QUICK } from './fixture.js';
import { type Asked, type Server, serve, welcome } from './server.js';

let server: Server;
let link: RemoteLink | undefined;

afterEach(async () => {
  vi.useRealTimers();
  link?.close({ kind: 'stopping', text: 'the test is over' });
  await link?.done;
  if (link !== undefined) await server.stop();
  link = undefined;
});

/** One stream, in virtual time. */
function silence(answers: (string | undefined)[]) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const asked: number[] = [];
  const dead: string[] = [];
  const stream = new Silence({
    after: 100,
    ask: async (signal) => {
      // A timer that fires a fraction of a millisecond early is set again for one.
      asked.push(Math.floor((performance.now() - begunAt) / 10) * 10);
      await new Promise((resolve) => setTimeout(resolve, 10));
      return signal.aborted ? undefined : answers.shift();
    },
    dead: (why) => dead.push(why),
  });
  const begunAt = performance.now();
  stream.start();
  return { stream, asked, dead };
}

test('a stream is asked about after so much silence, and again after as much more', async () => {
  const { asked, dead } = silence([undefined, undefined, 'gone']);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual([100, 210, 320]);
  expect(dead).toEqual(['gone']);
});

test('whatever comes on it is a sign of life, also while it is asked about', async () => {
  const { stream, asked, dead } = silence(['gone', 'gone']);
  for (let ms = 0; ms < 900; ms += 90) {
    stream.heard();
    await vi.advanceTimersByTimeAsync(90);
  }
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(15);
  expect(asked).toEqual([910]);
  stream.heard();
  await vi.advanceTimersByTimeAsync(100);
  expect([asked.length, dead.length]).toEqual([1, 0]);
  await vi.advanceTimersByTimeAsync(100);
  expect(dead).toEqual(['gone']);
});

test('one that has ended is not asked about', async () => {
  const { stream, asked, dead } = silence(['gone', 'gone']);
  await vi.advanceTimersByTimeAsync(105);
  stream.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect([asked.length, dead.length]).toEqual([1, 0]);
});

/** What becomes of a ping, and of calls. */
interface Peer {
  ping: 'answered' | 'silent' | 'unavailable';
  /** Ids of sessions. */
  readonly known: Set<string>;
  readonly streams: ServerResponse[];
  readonly held: (() => void)[];
  /** Settles when so many requests of that name (method of the message, or of HTTP) have come. */
  came(name: string, count: number): Promise<void>;
}

async function begin(
  transport: 'streamablehttp' | 'sse',
  timings: Partial<RemoteTimings> = {},
): Promise<{ client: Client; peer: Peer; texts: () => string }> {
  let sessions = 0;
  const looking = new Set<() => void>();
  const nameOf = ({ method, message }: Asked): string => message.method ?? method;
  const peer: Peer = {
    ping: 'answered',
    known: new Set(),
    streams: [],
    held: [],
    came: (name, count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (server.asked.filter((asked) => nameOf(asked) === name).length < count) return;
          looking.delete(look);
          resolve();
        };
        looking.add(look);
        look();
      }),
  };
  const answer = ({ method, message, headers }: Asked, response: ServerResponse): void => {
    const say = (text: string, session: Record<string, string> = {}): void => {
      if (transport === 'sse') {
        response.writeHead(202).end();
        peer.streams.at(-1)?.write(`data: ${text}\n\n`);
      } else response.writeHead(200, { 'content-type': 'application/json', ...session }).end(text);
    };
    const result = `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{}}`;
    if (message.method === 'initialize') {
      const id = `s${++sessions}`;
      peer.known.add(id);
      say(welcome(message.id), { 'mcp-session-id': id });
    } else if (transport !== 'sse' && !peer.known.has(String(headers['mcp-session-id']))) {
      response.writeHead(404).end();
    } else if (method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(transport === 'sse' ? 'event: endpoint\ndata: /post\n\n' : 'id: e1\ndata:\n\n');
      peer.streams.push(response);
    } else if (message.id === undefined) response.writeHead(202).end();
    else if (message.method === 'hold') peer.held.push(() => say(result));
    else if (message.method !== 'ping' || peer.ping === 'answered') say(result);
    else if (peer.ping === 'unavailable') response.writeHead(502).end();
  };
  server = await serve((asked, response) => {
    answer(asked, response);
    for (const look of [...looking]) look();
  });
  const told = events();
  const options = { url: server.url, transport, headers: [], verify: true, era: 'legacy' } as const;
  // However busy the machine is, an answer that comes is in time.
  link = connectRemote(
    { ...options, timings: { ...QUICK, silence: 20, pong: 60_000, ...timings } },
    told.emit,
  );
  const client = new Client(link);
  await client.begin();
  await peer.came('GET', 1);
  return { client, peer, texts: told.texts };
}

test.each(['streamablehttp', 'sse'] as const)(
  'a server that answers the ping is left its stream: %s',
  async (transport) => {
    const { client, peer } = await begin(transport);
    await peer.came('ping', 4);
    await client.request(1, 'call');
    expect(peer.streams).toHaveLength(1);
    expect(client.got.map(({ id }) => id)).toEqual([0, 1]);
  },
);

test.each(['streamablehttp', 'sse'] as const)(
  'a server that is at work may be silent: %s',
  async (transport) => {
    const { client, peer } = await begin(transport);
    peer.ping = 'silent';
    client.send({ id: 1, method: 'hold' });
    await peer.came('hold', 1);
    const asked = server.asked.length;
    // Nothing comes, and that cannot be awaited.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.asked).toHaveLength(asked);
    for (const release of peer.held) release();
    expect((await client.until(({ id }) => id === 1)).result).toBeDefined();
    expect(peer.streams).toHaveLength(1);
  },
);

test.each(['silent', 'unavailable'] as const)(
  'where the ping comes to nothing, the stream is opened again from its last event: %s',
  async (ping) => {
    const { peer } = await begin('streamablehttp', { pong: 50 });
    peer.ping = ping;
    await peer.came('GET', 3);
    const [first, ...more] = server.asked.filter(({ method }) => method === 'GET');
    expect(first?.headers).not.toHaveProperty('last-event-id');
    for (const { headers } of more) expect(headers['last-event-id']).toBe('e1');
    expect(peer.streams[0]?.destroyed).toBe(true);
  },
);

test('where the ping finds the session gone, a new one is begun though no message comes', async () => {
  const { client, peer } = await begin('streamablehttp');
  // What stands on our side hides that another server has taken its place.
  peer.known.clear();
  await peer.came('initialize', 2);
  await peer.came('GET', 2);
  expect((await client.request(1, 'call')).result).toBeDefined();
  expect(server.asked.at(-1)?.headers['mcp-session-id']).toBe('s2');
});

test('an HTTP+SSE stream that brings no answer to a ping is lost, and opened again', async () => {
  const { client, peer } = await begin('sse', { pong: 50 });
  peer.ping = 'silent';
  await peer.came('GET', 2);
  peer.ping = 'answered';
  expect(peer.streams[0]?.destroyed).toBe(true);
  expect((await client.request(1, 'call')).result).toBeDefined();
});
