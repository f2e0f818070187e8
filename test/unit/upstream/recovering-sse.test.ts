/** A remote server over HTTP+SSE that is lost, as its client on stdin sees it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { connectRemote, type RemoteOptions } from '../../../src/upstream/remote.js';
import { Client, QUICK } from '../remote/fixture.js';

interface Said {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

/** A server over HTTP+SSE on one port, which can go and come back. It knows `hold`, which is never answered. */
class Remote {
  port = 0;
  /** What was posted on each stream. */
  readonly streams: Said[][] = [];
  /** What POSTs of this method are answered with; undefined: nothing at all. */
  readonly refuse = new Map<string, number | undefined>();
  /** Whether a message is refused with 404, as by a server that does not know the session of this stream. */
  isForgotten: (said: Said, at: number) => boolean = () => false;
  /** Called with each message, after it was taken. */
  onMessage: (said: Said, stream: ServerResponse) => void = () => undefined;
  #server: Server | undefined;
  readonly #open: ServerResponse[] = [];
  #waiting: (() => void)[] = [];

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#take(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/sse`);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Ends the newest stream. */
  drop(): void {
    this.#open.at(-1)?.destroy();
  }

  /** All that was posted, by method. */
  said(method: string): Said[] {
    return this.streams.flat().filter((said) => said.method === method);
  }

  async until(matches: () => boolean): Promise<void> {
    while (!matches()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      this.#open.push(response);
      this.streams.push([]);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: /messages?stream=${this.streams.length - 1}\n\n`);
    } else {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const said = JSON.parse(Buffer.concat(chunks).toString()) as Said;
      const at = Number(new URL(request.url ?? '', this.url).searchParams.get('stream'));
      this.streams[at]?.push(said);
      const { method = '' } = said;
      const usual = this.refuse.has(method) ? this.refuse.get(method) : 202;
      const status = this.isForgotten(said, at) ? 404 : usual;
      if (status !== undefined) response.writeHead(status, { 'retry-after': '20' }).end();
      const stream = this.#open[at];
      if (status === 202 && stream !== undefined) {
        this.#answer(said, stream);
        this.onMessage(said, stream);
      }
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #answer({ id, method, params }: Said, stream: ServerResponse): void {
    if (id === undefined || method === undefined || method === 'hold') return;
    const capabilities = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} };
    const result =
      method === 'initialize'
        ? { protocolVersion: params?.protocolVersion, capabilities, serverInfo: { name: 's', version: '1' } }
        : {};
    stream.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
  }
}

const cleaning: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

interface Begun {
  readonly remote: Remote;
  readonly client: Client;
  /** Settles when the client's side has noticed that the stream is lost. */
  noticed(): Promise<void>;
  /** Settles when this is told, or was. */
  told(words: string): Promise<void>;
}

async function begun(timings: RemoteOptions['timings'] = {}): Promise<Begun> {
  const { link, ...rest } = await connected(timings);
  const client = new Client(link);
  await client.begin('2024-11-05');
  return { client, ...rest };
}

async function connected(timings: RemoteOptions['timings'] = {}) {
  const texts: string[] = [];
  const look: (() => void)[] = [];
  const told = async (words: string): Promise<void> => {
    while (!texts.some((text) => text.includes(words))) {
      await new Promise<void>((resolve) => look.push(resolve));
    }
  };
  const remote = new Remote();
  await remote.start();
  const link = connectRemote(
    {
      url: remote.url,
      transport: 'sse',
      headers: [],
      verify: true,
      era: 'legacy',
      timings: { ...QUICK, retryWindow: 30_000, ...timings },
    },
    ({ text }) => {
      texts.push(text);
      for (const wake of look.splice(0)) wake();
    },
  );
  cleaning.push(
    () => remote.stop(),
    async () => {
      link.close({ kind: 'stopping', text: 'the test is over' });
      await link.done;
    },
  );
  return { remote, link, told, noticed: () => told('is lost') };
}

test('what was open fails once and is not sent again; the session is begun again with all that it had', async () => {
  const { remote, client } = await begun();
  await client.request(1, 'logging/setLevel', { level: 'error' });
  await client.request(2, 'resources/subscribe', { uri: 'a:1' });
  const open = client.request(3, 'hold');
  await remote.until(() => remote.said('hold').length === 1);
  remote.drop();
  expect((await open).error?.message).toMatch(/is lost.* The server may have processed the request/);
  expect((await client.request(4, 'ping')).result).toEqual({});
  await remote.until(() => (remote.streams[1]?.length ?? 0) >= 5);
  expect(remote.streams[1]?.map(({ method }) => method)).toEqual(
    expect.arrayContaining([
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
      'ping',
    ]),
  );
  const [first, second] = remote.said('initialize');
  expect(second?.params).toEqual(first?.params);
  expect(remote.said('hold')).toHaveLength(1);
  const answered = client.got.filter(({ id }) => id !== undefined).map(({ id }) => id);
  expect(answered).toEqual([0, 1, 2, 3, 4]);
  expect(client.got.map(({ method }) => method)).toContain('notifications/tools/list_changed');
});

test('what had not been sent when the stream was lost is sent in the session that is begun again', async () => {
  const { remote, client } = await begun();
  remote.refuse.set('notifications/deaf', undefined);
  // Nothing goes out until the server has taken that.
  client.send({ method: 'notifications/deaf' });
  const asked = [1, 2].map((id) => client.request(id, 'ping', { id }));
  client.send({ id: 3, method: 'x/cancelled' });
  client.send({ method: 'notifications/cancelled', params: { requestId: 3 } });
  await remote.until(() => remote.said('notifications/deaf').length === 1);
  remote.drop();
  for (const answer of await Promise.all(asked)) expect(answer.result).toEqual({});
  expect((await client.request(4, 'ping', { id: 4 })).result).toEqual({});
  const pings = remote.streams.map((said) =>
    said.filter(({ method }) => method === 'ping').map(({ id }) => id),
  );
  expect(pings).toEqual([[], [1, 2, 4]]);
  expect(remote.said('x/cancelled')).toEqual([]);
});

test('so is what the server had refused for now', async () => {
  const { remote, client, told } = await begun();
  remote.refuse.set('x/busy', 429);
  const asked = client.request(1, 'x/busy');
  const open = client.request(2, 'hold');
  await told('asks for time');
  await remote.until(() => remote.said('hold').length === 1);
  remote.refuse.clear();
  remote.drop();
  expect((await asked).result).toEqual({});
  expect((await open).error?.message).toMatch(/may have processed the request/);
  expect(remote.streams.map((said) => said.filter(({ method }) => method === 'x/busy').length)).toEqual([
    1, 1,
  ]);
});

test('what a handshake that was repeated has asked in vain is asked with the next one, once, and the client hears nothing of it', async () => {
  const { remote, client, told } = await begun();
  await client.request(1, 'resources/subscribe', { uri: 'a:1' });
  remote.refuse.set('resources/subscribe', 429);
  remote.drop();
  await told('asks for time');
  remote.refuse.clear();
  remote.drop();
  await remote.until(() => remote.streams.length === 3);
  expect((await client.request(2, 'ping')).result).toEqual({});
  await remote.until(
    () => remote.streams[2]?.some(({ method }) => method === 'resources/subscribe') === true,
  );
  expect((await client.request(3, 'ping')).result).toEqual({});
  const subscribed = remote.streams.map((said) =>
    said.filter(({ method }) => method === 'resources/subscribe'),
  );
  expect(subscribed.map(({ length }) => length)).toEqual([1, 1, 1]);
  const answered = client.got.filter(({ id }) => id !== undefined).map(({ id }) => id);
  expect(answered).toEqual([0, 1, 2, 3]);
});

test('what waited for the first handshake fails with it, and is not said to have been done', async () => {
  const { remote, link } = await connected();
  const client = new Client(link);
  remote.refuse.set('initialize', undefined);
  const begun = client.initialize(0, '2024-11-05');
  const asked = client.request(1, 'ping');
  await remote.until(() => remote.said('initialize').length === 1);
  remote.drop();
  expect((await begun).error?.message).toMatch(/is lost/);
  expect((await asked).error?.message).toMatch(/is lost: .* It was not sent\./);
});

test('a session that is forgotten though its stream stands is begun again, and what was refused is sent again', async () => {
  const { remote, client } = await begun();
  const open = client.request(1, 'hold');
  await remote.until(() => remote.said('hold').length === 1);
  remote.isForgotten = (_, at) => at === 0;
  expect((await client.request(2, 'tools/list')).result).toEqual({});
  expect((await open).error?.message).toMatch(/is lost: .*404.* may have processed the request/);
  expect((await client.request(3, 'tools/list')).result).toEqual({});
  const lists = remote.streams.map((said) => said.filter(({ method }) => method === 'tools/list').length);
  expect(lists).toEqual([1, 2]);
  expect(remote.said('initialize')).toHaveLength(2);
  expect(remote.said('hold')).toHaveLength(1);
});

test('what is refused so in the next session as well fails, and that session goes on', async () => {
  const { remote, client } = await begun();
  remote.isForgotten = ({ method }) => method === 'odd';
  expect((await client.request(1, 'odd')).error?.message).toContain('404');
  expect(remote.said('odd')).toHaveLength(2);
  expect((await client.request(2, 'ping')).result).toEqual({});
  expect(remote.streams).toHaveLength(2);
});

test('what is asked while the server is away waits for it', async () => {
  const { remote, client, noticed } = await begun();
  await remote.stop();
  await noticed();
  const waiting = client.request(1, 'ping');
  await remote.start();
  expect((await waiting).result).toEqual({});
});

test('a server that stays away is told, and found by what is asked once it is back', async () => {
  const { remote, client, noticed } = await begun({ retryWindow: 50 });
  await remote.stop();
  await noticed();
  expect((await client.request(1, 'ping')).error?.message).toMatch(/cannot be opened again: .*ECONNREFUSED/);
  expect((await client.request(2, 'ping')).error?.message).toMatch(/ECONNREFUSED/);
  await remote.start();
  expect((await client.request(3, 'ping')).result).toEqual({});
  expect(remote.streams).toHaveLength(2);
});

test('a client that begins again itself has a session of its own making', async () => {
  const { remote, client, noticed } = await begun({ retryWindow: 50 });
  await remote.stop();
  await noticed();
  expect((await client.request(1, 'ping')).error).toBeDefined();
  await remote.start();
  expect((await client.initialize('again', '2024-11-05')).result).toBeDefined();
  expect((await client.request(2, 'ping')).result).toEqual({});
  expect(remote.said('initialize').map(({ id }) => id)).toEqual([0, 'again']);
});

test('a stream that ends again and again is not opened without end', async () => {
  const { remote, client, noticed } = await begun();
  remote.onMessage = ({ method }, stream) => {
    if (method === 'initialize') stream.destroy();
  };
  remote.drop();
  await noticed();
  const { error } = await client.request(1, 'ping');
  expect(error?.message).toMatch(/again and again/);
  expect(remote.streams.length).toBeLessThanOrEqual(7);
  remote.onMessage = () => undefined;
  expect((await client.request(2, 'ping')).result).toEqual({});
});
