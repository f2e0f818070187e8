/** A remote server that says something of a call after its client has cancelled it. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../src/eras/meta-keys.js';
import { NEWEST_MODERN_VERSION } from '../../../src/eras/versions.js';
import { connectRemote, type RemoteOptions } from '../../../src/upstream/remote.js';
import { req } from '../../requirements.js';
import { Client, QUICK } from '../remote/fixture.js';
import { type Asked, serve, welcome } from '../remote/server.js';

const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

type Answering = (asked: Asked, response: ServerResponse) => void;

async function connect(answer: Answering, more: Partial<RemoteOptions> = {}) {
  const server = await serve(answer);
  let told: (text: string) => void = () => undefined;
  /** Settles when the log says that something of a cancelled request was dropped. */
  const dropped = new Promise<string>((resolve) => {
    told = resolve;
  });
  const link = connectRemote(
    {
      url: server.url,
      transport: 'streamablehttp',
      headers: [],
      verify: true,
      era: 'legacy',
      // What is cancelled is still read until the test has seen what becomes of it.
      timings: { ...QUICK, cancelled: 60_000 },
      ...more,
    },
    ({ level, text }) => {
      if (level === 'debug' && text.includes('cancelled')) told(text);
    },
  );
  cleaning.push(server.stop, async () => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  });
  return { client: new Client(link), link, dropped, asked: server.asked };
}

const result = (id: unknown) => ({ jsonrpc: '2.0', id, result: {} });
const refusal = (id: unknown) => ({ jsonrpc: '2.0', id, error: { code: -32800, message: 'cancelled' } });
const progress = {
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 't', progress: 1 },
};
const data = (message: object): string => `data: ${JSON.stringify(message)}\n\n`;

const CALL = { id: 9, method: 'slow', params: { _meta: { progressToken: 't' } } };
const CANCELLED = { method: 'notifications/cancelled', params: { requestId: 9 } };

function envelope(progressToken: string): object {
  return {
    progressToken,
    [META.version]: NEWEST_MODERN_VERSION,
    [META.clientInfo]: { name: 'test', version: '1' },
    [META.capabilities]: {},
  };
}

/** What came that is about the call; of which there must be nothing. */
const ofCall = (client: Client) =>
  client.got.filter(({ id, params }) => id === 9 || params?.progressToken === 't');

describe('over Streamable HTTP', () => {
  /** Holds the call until it is cancelled; then it goes as the test says. */
  function held(then: (call: ServerResponse) => void): Answering {
    let call: ServerResponse | undefined;
    return ({ method, message }, response) => {
      if (method !== 'POST') response.writeHead(405).end();
      else if (message.method === 'slow') call = response;
      else if (message.id === undefined) {
        response.writeHead(202).end();
        if (message.method === 'notifications/cancelled' && call !== undefined) then(call);
      } else {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(
          message.method === 'initialize' ? welcome(message.id) : JSON.stringify(result(message.id)),
        );
      }
    };
  }
  const stream = (response: ServerResponse): ServerResponse =>
    response.writeHead(200, { 'content-type': 'text/event-stream' });

  test.each<[string, (call: ServerResponse) => void]>([
    ['its result', (call) => stream(call).end(data(result(9)))],
    ['the error that says so', (call) => stream(call).end(data(refusal(9)))],
    ['an error of no request', (call) => stream(call).end(data(refusal(null)))],
    ['progress and its result', (call) => stream(call).end(data(progress) + data(result(9)))],
    ['an empty stream', (call) => stream(call).end()],
    ['a stream that could be resumed', (call) => stream(call).end(`id: 1\ndata:\n\n`)],
    ['no content', (call) => call.writeHead(202).end()],
    ['a status', (call) => call.writeHead(500).end('broken')],
    ['no message', (call) => call.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hi')],
    ['the end of the connection', (call) => call.destroy()],
  ])(
    `${req('cancellation.late-response-ignored', 'cancellation.race')} is not heard: %s`,
    async (_what, then) => {
      const { client, dropped } = await connect(held(then));
      await client.begin();
      client.send(CALL);
      client.send(CANCELLED);
      await dropped;
      expect((await client.request(10, 'next')).result).toEqual({});
      expect(ofCall(client)).toEqual([]);
    },
  );

  test('the end of the link does not wait for it', async () => {
    const { client, link, asked } = await connect(held(() => undefined));
    await client.begin();
    client.send(CALL);
    client.send(CANCELLED);
    await link.settled();
    expect(asked.map(({ message }) => message.method)).toContain('notifications/cancelled');
  });

  test(`${req('cancellation.not-initialize')} initialize is answered all the same`, async () => {
    const { client, asked } = await connect(({ method, message }, response) => {
      if (method !== 'POST') response.writeHead(405).end();
      else if (message.id === undefined) response.writeHead(202).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(message.id));
    });
    const initialized = client.initialize(9);
    client.send(CANCELLED);
    expect((await initialized).result).toBeDefined();
    client.send({ method: 'notifications/initialized' });
    expect((await client.request(10, 'next')).result).toBeDefined();
    expect(asked.length).toBeGreaterThan(2);
  });
});

describe('over HTTP+SSE', () => {
  function held(then: (stream: ServerResponse) => void): Answering {
    let stream: ServerResponse | undefined;
    return ({ method, message }, response) => {
      if (method === 'GET') {
        stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
        stream.write('event: endpoint\ndata: /post\n\n');
        return;
      }
      response.writeHead(202).end();
      if (stream === undefined) return;
      if (message.method === 'initialize') stream.write(`data: ${welcome(message.id)}\n\n`);
      else if (message.method === 'notifications/cancelled') then(stream);
      else if (message.id !== undefined && message.method !== 'slow') stream.write(data(result(message.id)));
    };
  }

  test.each<[string, (stream: ServerResponse) => void]>([
    ['its result', (stream) => stream.write(data(result(9)))],
    ['an error', (stream) => stream.write(data(refusal(9)))],
    ['progress and its result', (stream) => stream.write(data(progress) + data(result(9)))],
  ])('is not heard: %s', async (_what, then) => {
    const { client, dropped } = await connect(held(then), { transport: 'sse' });
    await client.begin('2024-11-05');
    client.send(CALL);
    client.send(CANCELLED);
    await dropped;
    expect((await client.request(10, 'next')).result).toEqual({});
    expect(ofCall(client)).toEqual([]);
  });

  test('is not heard: the end of the stream, which others hear', async () => {
    const { client, dropped } = await connect(
      held((stream) => stream.end()),
      { transport: 'sse' },
    );
    await client.begin('2024-11-05');
    client.send(CALL);
    const open = client.request(8, 'slow');
    client.send(CANCELLED);
    await dropped;
    expect((await open).error?.message).toContain('is lost');
    expect(ofCall(client)).toEqual([]);
  });
});

describe('before there is a connection', () => {
  test('the end of the search is not heard', async () => {
    let arrived: () => void = () => undefined;
    const came = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let post: ServerResponse | undefined;
    const { client, dropped } = await connect((_asked, response) => {
      post = response;
      arrived();
    });
    client.send(CALL);
    client.send(CANCELLED);
    await came;
    post?.writeHead(500).end();
    await dropped;
    expect(ofCall(client)).toEqual([]);
  });

  test.each([
    ['legacy', CALL],
    ['modern', { ...CALL, params: { _meta: envelope('t') } }],
  ])('nor that nobody is there: a client of the %s era', async (_era, call) => {
    const options = { era: 'auto', timings: { ...QUICK, retryWindow: 50 } } as const;
    const { client, dropped } = await connect((_asked, response) => response.writeHead(503).end(), options);
    client.send(call);
    client.send(CANCELLED);
    expect(await dropped).toContain('error');
    expect(ofCall(client)).toEqual([]);
  });
});
