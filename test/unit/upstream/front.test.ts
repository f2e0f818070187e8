/** A client at our stdin, of either era or of both, and a remote server whose era is to be found out. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../src/eras/meta-keys.js';
import type { RemoteLink } from '../../../src/remote/remote-link.js';
import { connectRemote, type RemoteOptions } from '../../../src/upstream/remote.js';
import { Client, events, type Got, QUICK } from '../remote/fixture.js';
import { type Asked, type Server, serve, welcome } from '../remote/server.js';

const MODERN = '2026-07-28';
const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

type Answer = (asked: Asked, response: ServerResponse) => void;

async function connect(answer: Answer, more: Partial<RemoteOptions> = {}) {
  const server: Server = await serve(answer);
  cleaning.push(server.stop);
  return { ...front(server.url, more), server, asked: server.asked };
}

function front(url: URL, more: Partial<RemoteOptions> = {}) {
  const told = events();
  const options = { url, transport: 'auto', headers: [], verify: true, era: 'auto', ...more } as const;
  const link: RemoteLink = connectRemote({ ...options, timings: { ...QUICK, ...more.timings } }, told.emit);
  const close = async (): Promise<void> => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  };
  cleaning.push(close);
  return { client: new Client(link), link, close, texts: told.texts };
}

function say(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', ...body }));
}

/** A modern server: it tells the method of each request. */
const modernServer: Answer = ({ method, message }, response) => {
  const { id } = message;
  if (method !== 'POST') response.writeHead(405).end();
  else if (id === undefined) response.writeHead(202).end();
  else if (message.method === 'initialize') {
    const data = { supported: [MODERN] };
    say(response, 400, { id, error: { code: -32022, message: 'Unsupported protocol version', data } });
  } else {
    const discovered =
      message.method === 'server/discover' ? { supportedVersions: [MODERN], capabilities: {} } : {};
    say(response, 200, { id, result: { resultType: 'complete', method: message.method, ...discovered } });
  }
};

/** A legacy server; with a session, or without. */
function legacyServer(session: string | undefined = 's'): Answer {
  return ({ method, message }, response) => {
    const { id } = message;
    if (method !== 'POST') response.writeHead(405).end();
    else if (id === undefined) response.writeHead(202).end();
    else if (message.method === 'initialize') {
      const named = session === undefined ? {} : { 'mcp-session-id': session };
      response.writeHead(200, { 'content-type': 'application/json', ...named }).end(welcome(id));
    } else if (message.method === 'server/discover') {
      say(response, 400, { id, error: { code: -32600, message: 'Missing session ID' } });
    } else say(response, 200, { id, result: { method: message.method } });
  };
}

function modern(
  id: number | string,
  method: string,
  { name = 'm', ...params }: Record<string, unknown> = {},
): object {
  const _meta = {
    [META.version]: MODERN,
    [META.capabilities]: {},
    [META.clientInfo]: { name, version: '1' },
  };
  return { id, method, params: { ...params, _meta } };
}

function ask(client: Client, id: number | string, method: string, params: object = {}): Promise<Got> {
  client.send(modern(id, method, { ...params }));
  return client.until((got) => got.id === id && got.method === undefined);
}

const methods = (asked: readonly Asked[]): (string | undefined)[] =>
  asked.filter(({ method }) => method === 'POST').map(({ message }) => message.method);

describe('what is said before it is known what the server speaks', () => {
  test('reaches a modern server once each, in its order, and is answered', async () => {
    const { client, asked } = await connect(modernServer);
    for (const id of [1, 2, 3]) client.send(modern(id, `x/${id}`));
    client.send({ method: 'notifications/x', params: { _meta: { [META.version]: MODERN } } });
    for (const id of [1, 2, 3]) await client.until((got) => got.id === id);
    expect(client.got).toHaveLength(3);
    await client.link.close({ kind: 'ended', text: '' });
    expect(methods(asked).slice(0, 1)).toEqual(['server/discover']);
    expect(methods(asked).slice(1, 4)).toEqual(['x/1', 'x/2', 'x/3']);
  });

  test('reaches a legacy server in one session', async () => {
    const { client, asked } = await connect(legacyServer());
    const answers = await Promise.all([1, 2, 3].map((id) => ask(client, id, 'tools/list')));
    for (const { result } of answers)
      expect(result).toMatchObject({ resultType: 'complete', method: 'tools/list' });
    expect(methods(asked)).toEqual([
      'server/discover',
      'initialize',
      'notifications/initialized',
      'tools/list',
      'tools/list',
      'tools/list',
    ]);
  });

  test('reaches a legacy server as it is, from a client of that era', async () => {
    const { client, asked } = await connect(legacyServer());
    await client.begin();
    expect((await client.request(1, 'tools/list')).result).toEqual({ method: 'tools/list' });
    expect(methods(asked)).toEqual([
      'server/discover',
      'initialize',
      'notifications/initialized',
      'tools/list',
    ]);
  });

  test.each<[string, Answer]>([
    ['a modern server', modernServer],
    [
      'a server of both eras without sessions',
      (asked, response) =>
        asked.message.method === 'initialize'
          ? legacyServer(undefined)(asked, response)
          : modernServer(asked, response),
    ],
  ])('is translated, with all that was said meanwhile: %s', async (_what, answer) => {
    const { client, asked } = await connect(answer);
    const pinged = client.request('p', 'ping');
    await client.begin();
    expect((await pinged).result).toEqual({});
    expect((await client.request(1, 'tools/list')).result).toMatchObject({ method: 'tools/list' });
    expect(client.got.filter(({ id }) => id === 0)).toHaveLength(1);
    expect(methods(asked).filter((method) => method === 'tools/list')).toHaveLength(1);
  });

  test('a server of both eras with sessions is met in the client`s own', async () => {
    const { client, asked } = await connect((one, response) =>
      one.headers['mcp-protocol-version'] === MODERN
        ? modernServer(one, response)
        : legacyServer()(one, response),
    );
    await client.begin();
    expect((await client.request(1, 'tools/list')).result).toEqual({ method: 'tools/list' });
    expect((await ask(client, 2, 'tools/list')).result).toBeDefined();
    expect(methods(asked).filter((method) => method === 'server/discover')).toHaveLength(1);
  });

  test('is cancelled in the era that it belongs to', async () => {
    const open: ServerResponse[] = [];
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { client } = await connect((asked, response) => {
      if (asked.message.method !== 'x/slow') return modernServer(asked, response);
      open.push(response);
      response.once('close', closed);
      client.send({ method: 'notifications/cancelled', params: { requestId: 7 } });
    });
    client.send(modern(7, 'x/slow'));
    await gone;
    expect(open).toHaveLength(1);
    expect((await ask(client, 7, 'x/other')).result).toBeDefined(); // the id is free again
  });
});

describe('the end of stdin right after a request', () => {
  test.each<[string, Answer, boolean]>([
    ['modern client, modern server', modernServer, true],
    ['modern client, legacy server', legacyServer(), true],
    ['legacy client, legacy server', legacyServer(), false],
    ['legacy client, modern server', modernServer, false],
    [
      'legacy client, server of both eras without sessions',
      (asked, response) =>
        asked.message.method === 'initialize'
          ? legacyServer(undefined)(asked, response)
          : modernServer(asked, response),
      false,
    ],
  ])('does not lose its answer: %s', async (_what, answer, isModern) => {
    const { client, link } = await connect(answer);
    if (isModern) client.send(modern(1, 'tools/list'));
    else void client.initialize(1);
    await link.settled();
    expect(client.got.find(({ id }) => id === 1)?.result).toBeDefined();
  });

  test('waits for no stream of notifications, nor for a request that was given up', async () => {
    const { client, link } = await connect((asked, response) => {
      if (asked.message.method === 'x/never') return;
      if (asked.message.method !== 'subscriptions/listen') return modernServer(asked, response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const _meta = { [META.subscription]: asked.message.id };
      const note = {
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta, notifications: {} },
      };
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...note })}\n\n`);
    });
    client.send(modern(1, 'subscriptions/listen', { notifications: {} }));
    await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    client.send(modern(2, 'x/never'));
    client.send({ method: 'notifications/cancelled', params: { requestId: 2 } });
    await link.settled();
  });

  test('of a client that only asks what there is waits for no server', async () => {
    const { client, link } = await connect(() => undefined); // it never answers
    const discovered = await ask(client, 1, 'server/discover');
    expect(discovered.result).toMatchObject({ supportedVersions: [MODERN] });
    await link.settled();
  });
});

describe('a verdict', () => {
  test('is that of an era that is forced, which is not asked for', async () => {
    const legacy = await connect(modernServer, { era: 'legacy' });
    expect((await legacy.client.initialize()).error?.code).toBe(-32022);
    expect((await ask(legacy.client, 1, 'tools/list')).error?.message).toContain(
      'Unsupported protocol version',
    );
    const forced = await connect(legacyServer(), { era: 'modern' });
    expect((await ask(forced.client, 1, 'tools/list')).result).toBeDefined();
    await forced.client.initialize();
    expect(methods(forced.asked)).toEqual(['tools/list', 'server/discover']);
  });

  test('is asked for once, for both eras of a client', async () => {
    const { client, asked } = await connect(modernServer);
    await ask(client, 1, 'tools/list');
    await client.begin();
    await ask(client, 2, 'tools/list');
    const discovers = methods(asked).filter((method) => method === 'server/discover');
    expect(discovers).toHaveLength(2); // to know the era, and for the translator's handshake
  });

  test.each(['legacy', 'modern'])(
    'legacy, of a server that is a modern one by now, is mended by a client of the %s era',
    async (kind) => {
      let current: Answer = legacyServer();
      const { client, asked, texts } = await connect((one, response) => current(one, response));
      expect((await ask(client, 1, 'tools/list', { name: 'before' })).result).toBeDefined();
      current = modernServer;
      if (kind === 'legacy') {
        await client.begin();
        expect((await client.request(2, 'tools/list')).result).toMatchObject({ method: 'tools/list' });
      } else expect((await ask(client, 2, 'tools/list', { name: 'after' })).result).toBeDefined();
      expect(texts()).toMatch(/of the modern era/);
      asked.length = 0;
      expect((await ask(client, 3, 'tools/list', { name: 'before' })).result).toBeDefined();
      expect(methods(asked)).toEqual(['tools/list']);
    },
  );

  test('is not made of what proves nothing; the next request asks again', async () => {
    let current: Answer = (_, response) => void response.writeHead(401).end();
    const { client } = await connect((one, response) => current(one, response));
    expect((await ask(client, 1, 'tools/list')).error?.message).toMatch(/401/);
    current = modernServer;
    expect((await ask(client, 2, 'tools/list')).result).toBeDefined();
  });

  test('is waited for while nobody is there, but not for ever', async () => {
    const server = await serve(modernServer);
    await server.stop();
    const { client } = front(server.url, { timings: { retryWindow: 100 } });
    const answers = await Promise.all([ask(client, 1, 'tools/list'), ask(client, 2, 'tools/list')]);
    for (const { error } of answers) expect(error?.message).toMatch(/cannot be reached.*Tried \d+ times/);
  });
});

describe('the sessions that a modern client has with a legacy server', () => {
  test('are one for each way in which it describes itself, and not without end', async () => {
    const ended: unknown[] = [];
    let sessions = 0;
    const { client } = await connect((asked, response) => {
      if (asked.method === 'DELETE') {
        ended.push(asked.headers['mcp-session-id']);
        response.writeHead(200).end();
      } else if (asked.message.method === 'initialize') legacyServer(`s${++sessions}`)(asked, response);
      else legacyServer()(asked, response);
    });
    for (let n = 0; n < 20; n++) {
      expect((await ask(client, n, 'tools/list', { name: `n${n}` })).result).toBeDefined();
      await ask(client, `again ${n}`, 'tools/list', { name: 'n0' });
    }
    expect(sessions).toBe(20);
    // The first one was used all the time.
    expect(ended).toEqual(['s2', 's3', 's4', 's5']);
  });

  test('begin anew where one is lost', async () => {
    let refuse = false;
    const { client } = await connect((asked, response) => {
      if (refuse && asked.message.method === 'initialize') response.writeHead(403).end();
      else legacyServer()(asked, response);
    });
    refuse = true;
    expect((await ask(client, 1, 'tools/list')).error?.message).toMatch(/403/);
    refuse = false;
    expect((await ask(client, 2, 'tools/list')).result).toBeDefined();
  });
});

describe('the end', () => {
  test('while the server is asked what it speaks: nothing more is sent, and nothing is left', async () => {
    let seen: () => void = () => undefined;
    const asking = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const { client, close, asked } = await connect(() => seen());
    client.send(modern(1, 'tools/list'));
    await asking;
    await close();
    expect(methods(asked)).toEqual(['server/discover']);
    client.send(modern(2, 'tools/list'));
    expect(client.got).toEqual([]);
    await client.link.close({ kind: 'ended', text: 'twice' });
  });

  test('while nobody is there: does not wait for the next try', async () => {
    const server = await serve(modernServer);
    await server.stop();
    const { client, close, link } = front(server.url, {
      timings: { retryWindow: 600_000, retryFirst: 300_000, retryMax: 300_000 },
    });
    client.send(modern(1, 'tools/list'));
    const settled = link.settled();
    await new Promise((resolve) => setTimeout(resolve, 50)); // it waits by now
    await close();
    await settled;
    expect(client.got).toEqual([]);
  });

  test('in the middle of a handshake with a legacy server', async () => {
    let seen: () => void = () => undefined;
    const asking = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const { client, close, link } = await connect((asked, response) => {
      if (asked.message.method === 'initialize') seen();
      else legacyServer()(asked, response);
    });
    client.send(modern(1, 'tools/list'));
    await asking;
    const settled = link.settled();
    await close();
    await settled;
  });
});
