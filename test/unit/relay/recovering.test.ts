/** A session that goes on although its server is lost: what each side sees of it. */
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../src/jsonrpc/message.js';
import type { CloseReason, Link } from '../../../src/relay/link.js';
import { RecoveringLink } from '../../../src/relay/recovering.js';
import { HandClock } from './hand-clock.js';
import { MemoryLink } from './memory-link.js';
import { Client } from './stage.js';

/** Not the default of anything. */
const HANDSHAKE_MS = 7000;
const DIED: CloseReason = { kind: 'failed', text: 'server "s" was killed (SIGKILL)' };
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const CLIENT = {
  protocolVersion: '2025-11-25',
  capabilities: { roots: {} },
  clientInfo: { name: 'c', version: '1' },
};
const LISTS = {
  tools: { listChanged: true },
  prompts: {},
  resources: { listChanged: true, subscribe: true },
};

const request = (id: unknown, method: string, params?: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const result = (id: unknown, value: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: value });
const welcome = (id: unknown, more: object = {}): string =>
  result(id, {
    protocolVersion: '2025-11-25',
    capabilities: LISTS,
    serverInfo: { name: 's', version: '1' },
    ...more,
  });
const changed = (list: string): string => `{"jsonrpc":"2.0","method":"notifications/${list}/list_changed"}`;

/** A session, and the servers that it gets one after the other. */
class Session {
  readonly clock = new HandClock();
  readonly first = new MemoryLink();
  readonly client: Client;
  readonly link: RecoveringLink;
  /** Who asked for another server, and what it is to be told; settled by the test. */
  readonly reopenings: {
    initialize: Message;
    isAsked: boolean;
    give: (link: Link) => void;
    refuse: (error: Error) => void;
  }[] = [];
  readonly waits: boolean[] = [];

  constructor() {
    this.link = new RecoveringLink(this.first, {
      server: 's',
      clock: this.clock,
      emit: () => undefined,
      handshakeMs: HANDSHAKE_MS,
      reopen: (initialize, isAsked) =>
        new Promise((give, refuse) => {
          this.reopenings.push({ initialize, isAsked, give, refuse });
        }),
      onWaiting: (isWaiting) => this.waits.push(isWaiting),
    });
    this.client = new Client(this.link);
  }

  /** One whose handshake is done. */
  static begun(): Session {
    const session = new Session();
    session.client.says(request('i', 'initialize', CLIENT));
    session.client.says(INITIALIZED);
    session.first.says(welcome('i'));
    session.client.take();
    session.first.take();
    return session;
  }

  /** The next server is there. Returns it, and the id of the `initialize` that it got. */
  async next(): Promise<{ server: MemoryLink; id: unknown }> {
    const server = new MemoryLink();
    this.reopenings.at(-1)?.give(server);
    await this.settled();
    return { server, id: JSON.parse(server.takeOne()).id };
  }

  async refused(text: string): Promise<void> {
    this.reopenings.at(-1)?.refuse(new Error(text));
    await this.settled();
  }

  async settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

describe('a session whose server is lost', () => {
  it('begins again with what the client itself has said, and is told what may have changed', async () => {
    const session = Session.begun();
    const { client, first } = session;
    for (const [id, method, params] of [
      [1, 'logging/setLevel', { level: 'debug' }],
      [2, 'logging/setLevel', { level: 'error' }],
      [3, 'resources/subscribe', { uri: 'a:1' }],
      [4, 'resources/subscribe', { uri: 'a:2' }],
      [5, 'resources/subscribe', { uri: 'a:3' }],
      [6, 'resources/unsubscribe', { uri: 'a:1' }],
    ] as const) {
      client.says(request(id, method, params));
      first.says(id === 5 ? `{"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"no"}}` : result(id));
    }
    client.take();
    first.goes(DIED);
    await session.settled();
    expect(session.reopenings).toMatchObject([{ isAsked: false }]);
    expect(client.closings).toEqual([]);
    const server = new MemoryLink();
    session.reopenings[0]?.give(server);
    await session.settled();
    const initialize = JSON.parse(server.takeOne());
    expect(initialize).toMatchObject({ method: 'initialize', params: CLIENT });
    server.says(welcome(initialize.id));
    await session.settled();
    const [initialized, ...restored] = server.take();
    expect(initialized).toBe(INITIALIZED);
    expect(restored.map((text) => JSON.parse(text))).toMatchObject([
      { method: 'logging/setLevel', params: { level: 'error' } },
      { method: 'resources/subscribe', params: { uri: 'a:2' } },
    ]);
    for (const text of restored) server.says(result(JSON.parse(text).id));
    expect(client.take()).toEqual([
      changed('tools'),
      changed('resources'),
      '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:2"}}',
    ]);
    client.says(request(7, 'ping'));
    expect(server.take()).toEqual([request(7, 'ping')]);
    server.says(result(7));
    expect(client.take()).toEqual([result(7)]);
    expect(session.waits).toEqual([]);
  });

  it('is the session that the client has begun last, without what belonged to one before', async () => {
    const session = Session.begun();
    const { client, first } = session;
    client.says(request(1, 'resources/subscribe', { uri: 'a:1' }));
    first.says(result(1));
    first.goes(DIED);
    await session.settled();
    const { server, id } = await session.next();
    server.says(welcome(id));
    await session.settled();
    server.take();
    client.says(request(2, 'initialize', CLIENT));
    server.says(welcome(2));
    client.says(INITIALIZED);
    expect(server.take()).toEqual([request(2, 'initialize', CLIENT), INITIALIZED]);
    server.goes(DIED);
    await session.settled();
    const last = await session.next();
    last.server.says(welcome(last.id));
    await session.settled();
    expect(last.server.take()).toEqual([INITIALIZED]);
  });

  it('keeps what the client says meanwhile, in its order, and sends it once', async () => {
    const session = Session.begun();
    const { client } = session;
    session.first.goes(DIED);
    client.says(request(1, 'tools/list'));
    client.says('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}');
    client.says(INITIALIZED);
    client.says(request(2, 'ping'));
    expect(session.waits).toEqual([true]);
    const { server, id } = await session.next();
    server.says(welcome(id));
    await session.settled();
    expect(server.take()).toEqual([
      INITIALIZED,
      request(1, 'tools/list'),
      '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}',
      request(2, 'ping'),
    ]);
    expect(session.waits).toEqual([true, false]);
  });

  it('tries again where the next server is lost in its handshake, too', async () => {
    const session = Session.begun();
    session.first.goes(DIED);
    session.client.says(request(1, 'ping'));
    const { server: second, id: lost } = await session.next();
    second.says(`{"jsonrpc":"2.0","id":${JSON.stringify(lost)},"error":{"code":-32603,"message":"lost"}}`);
    second.goes(DIED);
    await session.settled();
    const { server: third, id } = await session.next();
    third.says(welcome(id));
    await session.settled();
    expect(third.take()).toEqual([INITIALIZED, request(1, 'ping')]);
    third.goes(DIED);
    await session.settled();
    expect(session.reopenings.map(({ isAsked }) => isAsked)).toEqual([false, false, false]);
  });

  it('answers with the reason where there is no server, and asks for one with its next request', async () => {
    const session = Session.begun();
    const { client } = session;
    session.first.goes(DIED);
    client.says(request(1, 'ping'));
    await session.refused('server "s" ended with exit code 3');
    const [answer = ''] = client.take();
    expect(JSON.parse(answer)).toMatchObject({
      id: 1,
      error: { code: -32603, message: 'server "s" ended with exit code 3' },
    });
    expect(client.closings).toEqual([]);
    expect(session.waits).toEqual([true, false]);
    client.says('{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}');
    expect(session.reopenings).toHaveLength(1);
    client.says(request(2, 'ping'));
    await session.settled();
    expect(session.reopenings.map(({ isAsked }) => isAsked)).toEqual([false, true]);
    const { server, id } = await session.next();
    server.says(welcome(id));
    await session.settled();
    server.take();
    server.says(result(2));
    expect(client.take()).toContain(result(2));
  });

  it.each([
    [
      'refuses the handshake',
      'no more',
      (id: unknown) =>
        `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":-32603,"message":"no more"}}`,
    ],
    ['does not answer it', 'did not answer', undefined],
  ])('answers with the reason where the next server %s', async (_, reason, answer) => {
    const session = Session.begun();
    session.first.goes(DIED);
    session.client.says(request(1, 'ping'));
    const { server, id } = await session.next();
    if (answer) server.says(answer(id));
    else session.clock.advance(HANDSHAKE_MS);
    await session.settled();
    expect(JSON.parse(session.client.takeOne()).error.message).toContain(reason);
    expect(server.closings).toHaveLength(1);
    expect(session.client.closings).toEqual([]);
  });

  it('ends where the next server speaks another version: its client has agreed to the first', async () => {
    const session = Session.begun();
    session.first.goes(DIED);
    session.client.says(request(1, 'ping'));
    const { server, id } = await session.next();
    server.says(welcome(id, { protocolVersion: '2025-06-18' }));
    await session.settled();
    expect(JSON.parse(session.client.takeOne()).error.message).toContain('2025-06-18');
    expect(session.client.closings).toMatchObject([{ kind: 'failed' }]);
  });

  it('takes questions of the lost server back, and never mistakes their answers for others', async () => {
    const session = Session.begun();
    const { client, first } = session;
    first.says(request(0, 'roots/list'));
    client.take();
    first.goes(DIED);
    expect(JSON.parse(client.takeOne())).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: 0 },
    });
    const { server, id } = await session.next();
    server.says(welcome(id));
    await session.settled();
    client.take();
    server.take();
    server.says(request(0, 'sampling/createMessage'));
    const asked = JSON.parse(client.takeOne());
    expect(asked.id).not.toBe(0);
    client.says(result(0, { roots: [] }));
    expect(server.take()).toEqual([]);
    client.says(result(asked.id, { model: 'm' }));
    expect(server.take()).toEqual([result(0, { model: 'm' })]);
  });
});

describe('a session that ends', () => {
  it.each<CloseReason['kind']>(['stopping', 'idle'])('with its server, where that was meant: %s', (kind) => {
    const session = Session.begun();
    session.first.goes({ kind, text: 'meant' });
    expect(session.client.closings).toEqual([{ kind, text: 'meant' }]);
    expect(session.reopenings).toEqual([]);
  });

  it('with its server, where that had not welcomed it yet', () => {
    const session = new Session();
    session.client.says(request('i', 'initialize', CLIENT));
    session.first.goes(DIED);
    expect(session.client.closings).toEqual([DIED]);
  });

  it('while another server is waited for: that one is let go', async () => {
    const session = Session.begun();
    session.first.goes(DIED);
    session.client.says(request(1, 'ping'));
    session.client.leaves();
    const server = new MemoryLink();
    session.reopenings[0]?.give(server);
    await session.settled();
    expect(server.closings).toHaveLength(1);
    expect(session.waits).toEqual([true, false]);
    expect(session.client.take()).toEqual([]);
  });

  it('while another server answers its handshake: that one is let go at once', async () => {
    const session = Session.begun();
    session.first.goes(DIED);
    await session.settled();
    const { server } = await session.next();
    session.client.leaves();
    expect(server.closings).toHaveLength(1);
    await session.settled();
    expect(session.reopenings).toHaveLength(1);
  });
});
