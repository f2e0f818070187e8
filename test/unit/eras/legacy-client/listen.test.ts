import { describe, expect, it } from 'vitest';
import {
  ACKNOWLEDGE_MS,
  FIRST_PAUSE_MS,
  LONGEST_PAUSE_MS,
  MAX_URI_LENGTH,
  MAX_URIS,
  STEADY_MS,
} from '../../../../src/eras/legacy-client/listen.js';
import { req } from '../../../requirements.js';
import {
  CAPABILITIES_KEY,
  DISCOVERED,
  LEVEL_KEY,
  QUIET,
  read,
  Stage,
  SUBSCRIPTION_KEY,
  VERSION_KEY,
} from './stage.js';

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const LISTS = { toolsListChanged: true, resourcesListChanged: true };

/** A client past its handshake, and the listen request that is open for it. */
function listening(discovered: object = DISCOVERED): { stage: Stage; listen: string } {
  const stage = new Stage();
  stage.client.initializes();
  stage.answers(stage.server.takeOne(), discovered);
  stage.client.take();
  stage.client.says(INITIALIZED);
  const listen = stage.server.takeOne();
  stage.acknowledges(listen);
  return { stage, listen };
}

/** The client subscribes, and the server honours it; returns the listen request. */
function subscribed(stage: Stage, uri: string): string {
  stage.client.asks('"s"', 'resources/subscribe', { uri });
  const [listen = ''] = stage.server.take();
  stage.acknowledges(listen);
  stage.server.take();
  expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":"s","result":{}}');
  return listen;
}

describe('the stream of list changes', () => {
  it(`${req('legacy-client.list-changed', 'legacy-client.initialized', 'modern.meta.own-requests')} is opened when the client is ready`, () => {
    const stage = new Stage();
    stage.client.initializes();
    stage.client.asks('1', 'logging/setLevel', { level: 'debug' });
    stage.answers(stage.server.takeOne(), DISCOVERED);
    expect(stage.server.take()).toEqual([]);
    stage.client.says(INITIALIZED);
    stage.client.says(INITIALIZED);
    const listen = stage.server.takeOne();
    expect(read(listen)).toMatchObject({ method: 'subscriptions/listen', params: { notifications: LISTS } });
    expect(read(listen).params._meta).toMatchObject({ [VERSION_KEY]: '2026-07-28', [CAPABILITIES_KEY]: {} });
    expect(listen).not.toContain(LEVEL_KEY);
  });

  it('is opened after the handshake where the client was early', () => {
    const stage = new Stage();
    stage.client.initializes();
    stage.client.says(INITIALIZED);
    stage.answers(stage.server.takeOne(), DISCOVERED);
    expect(read(stage.server.takeOne()).method).toBe('subscriptions/listen');
  });

  it('is not opened for a server whose lists do not change', () => {
    const stage = Stage.ready({}, QUIET);
    expect(stage.server.take()).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });

  it(`${req('legacy-client.correlate', 'legacy-client.list-changed')} reaches the client without its tag`, () => {
    const { stage, listen } = listening();
    stage.tells(listen, 'notifications/tools/list_changed');
    stage.tells(listen, 'notifications/x', { n: 1 });
    const id = read(listen).id;
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/resources/list_changed","params":{"_meta":{"a":1.0,"${SUBSCRIPTION_KEY}":${id}}}}`,
    );
    stage.says('notifications/tools/list_changed', {}, String(id));
    expect(stage.client.takeAll().map(({ text, about }) => [text, about])).toEqual([
      ['{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}', undefined],
      ['{"jsonrpc":"2.0","method":"notifications/x","params":{"n":1}}', undefined],
      [
        '{"jsonrpc":"2.0","method":"notifications/resources/list_changed","params":{"_meta":{"a":1.0}}}',
        undefined,
      ],
      ['{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}', undefined],
    ]);
  });

  it(`${req('legacy-client.correlate', 'legacy-client.acknowledged')} is no other stream, and its acknowledgement stays here`, () => {
    const { stage, listen } = listening();
    expect(stage.client.take()).toEqual([]);
    stage.tells('{"jsonrpc":"2.0","id":77,"method":"m"}', 'notifications/tools/list_changed');
    stage.tells('{"jsonrpc":"2.0","id":"1","method":"m"}', 'notifications/tools/list_changed');
    stage.says('notifications/tools/list_changed', {});
    stage.acknowledges(listen);
    expect(stage.client.take()).toEqual([]);
  });
});

describe('subscriptions', () => {
  it(`${req('legacy-client.subscribe', 'legacy-client.acknowledged')} replace the stream without a gap`, () => {
    const { stage, listen } = listening();
    stage.client.asks('1', 'resources/subscribe', { uri: 'a:/é' });
    const next = stage.server.takeOne();
    expect(read(next).params.notifications).toEqual({ ...LISTS, resourceSubscriptions: ['a:/é'] });
    expect(stage.client.take()).toEqual([]);
    stage.tells(listen, 'notifications/tools/list_changed');
    expect(stage.client.take()).toHaveLength(1);
    stage.acknowledges(next);
    expect(read(stage.server.takeOne())).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: read(listen).id },
    });
    expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
    stage.tells(listen, 'notifications/tools/list_changed');
    stage.answers(listen, { resultType: 'complete', _meta: { [SUBSCRIPTION_KEY]: read(listen).id } });
    expect(stage.client.take()).toEqual([]);
    stage.tells(next, 'notifications/resources/updated', { uri: 'a:/é' });
    expect(read(stage.client.takeOne()).params).toEqual({ uri: 'a:/é' });

    stage.client.asks('2', 'resources/unsubscribe', { uri: 'a:/é' });
    const last = stage.server.takeOne();
    expect(read(last).params.notifications).toEqual(LISTS);
    stage.acknowledges(last);
    expect(read(stage.server.takeOne()).params.requestId).toBe(read(next).id);
    expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":2,"result":{}}');
  });

  it('that come while a stream is being opened share the next one', () => {
    const { stage } = listening();
    for (const [id, uri] of [
      ['1', 'a:'],
      ['2', 'b:'],
      ['3', 'c:'],
    ] as const) {
      stage.client.asks(id, 'resources/subscribe', { uri });
    }
    stage.client.asks('4', 'resources/unsubscribe', { uri: 'b:' });
    const first = stage.server.takeOne();
    expect(read(first).params.notifications.resourceSubscriptions).toEqual(['a:']);
    stage.acknowledges(first);
    const [, second = ''] = stage.server.take();
    expect(read(second).params.notifications.resourceSubscriptions).toEqual(['a:', 'c:']);
    expect(stage.client.take().map((text) => read(text).id)).toEqual([1]);
    stage.acknowledges(second);
    const answers = stage.client.take().map(read);
    expect(answers.map(({ id, result }) => [id, result])).toEqual([
      [2, {}],
      [3, {}],
      [4, {}],
    ]);
  });

  it('of what is subscribed already, or is not, are answered at once', () => {
    const { stage } = listening();
    subscribed(stage, 'a:');
    stage.client.asks('1', 'resources/subscribe', { uri: 'a:' });
    stage.client.asks('2', 'resources/unsubscribe', { uri: 'b:' });
    expect(stage.client.take().map((text) => read(text).result)).toEqual([{}, {}]);
    expect(stage.server.take()).toEqual([]);
  });

  it('end the stream with the last of them where the lists do not change', () => {
    const stage = Stage.ready({}, QUIET);
    const listen = subscribed(stage, 'a:');
    stage.client.asks('1', 'resources/unsubscribe', { uri: 'a:' });
    expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
    expect(read(stage.server.takeOne()).params.requestId).toBe(read(listen).id);
    expect(stage.clock.timers).toBe(0);
  });

  it(`${req('legacy-client.subscribe', 'legacy-client.acknowledged')} that the server does not honour are refused`, () => {
    const { stage } = listening();
    subscribed(stage, 'a:');
    stage.client.asks('1', 'resources/subscribe', { uri: 'b:' });
    const listen = stage.server.takeOne();
    stage.acknowledges(listen, { ...LISTS, resourceSubscriptions: ['a:'] });
    expect(read(stage.client.takeOne()).error).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/^server "demo" was asked to tell of updates of b:/),
    });
    stage.server.take();
    stage.client.asks('2', 'resources/subscribe', { uri: 'c:' });
    expect(read(stage.server.takeOne()).params.notifications.resourceSubscriptions).toEqual(['a:', 'c:']);
  });

  it(`${req('legacy-client.subscribe')} are refused where the server refuses the stream, and the old one stays`, () => {
    const { stage, listen } = listening();
    stage.client.asks('1', 'resources/subscribe', { uri: 'b:' });
    stage.refuses(stage.server.takeOne(), -32602, undefined, 'no such resource');
    expect(read(stage.client.takeOne()).error?.message).toMatch(/no such resource/);
    stage.tells(listen, 'notifications/tools/list_changed');
    expect(stage.client.take()).toHaveLength(1);
    expect(stage.server.take()).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });

  it('that are ended while the server refuses the change are ended all the same', () => {
    const { stage } = listening();
    const old = subscribed(stage, 'a:');
    stage.client.asks('1', 'resources/unsubscribe', { uri: 'a:' });
    stage.refuses(stage.server.takeOne(), -32603);
    expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
    expect(read(stage.server.takeOne()).params.requestId).toBe(read(old).id);
    stage.tells(old, 'notifications/resources/updated', { uri: 'a:' });
    expect(stage.client.take()).toEqual([]);
    stage.clock.advance(FIRST_PAUSE_MS);
    expect(read(stage.server.takeOne()).params.notifications).toEqual(LISTS);
  });

  it('are refused where the server does not acknowledge', () => {
    const { stage } = listening();
    stage.client.asks('1', 'resources/subscribe', { uri: 'a:' });
    const listen = stage.server.takeOne();
    stage.clock.advance(ACKNOWLEDGE_MS);
    expect(read(stage.server.takeOne()).params.requestId).toBe(read(listen).id);
    expect(read(stage.client.takeOne()).error?.message).toMatch(/did not acknowledge within 30 s/);
    stage.acknowledges(listen);
    expect(stage.client.take()).toEqual([]);
  });

  it('that the client gives up are not answered', () => {
    const { stage } = listening();
    stage.client.asks('1', 'resources/subscribe', { uri: 'a:' });
    stage.client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    stage.acknowledges(stage.server.takeOne());
    expect(stage.client.take()).toEqual([]);
  });

  it('are bounded in number and length', () => {
    const stage = Stage.ready({}, QUIET);
    stage.client.asks('1', 'resources/subscribe', { uri: `a:${'x'.repeat(MAX_URI_LENGTH)}` });
    expect(read(stage.client.takeOne()).error?.code).toBe(-32600);
    for (let i = 0; i <= MAX_URIS; i++)
      stage.client.asks(String(i), 'resources/subscribe', { uri: `a:${i}` });
    expect(read(stage.client.takeOne())).toMatchObject({ id: MAX_URIS, error: { code: -32600 } });
  });

  it('without a URI are refused', () => {
    const stage = Stage.ready();
    stage.client.asks('1', 'resources/subscribe', { uri: 7 });
    stage.client.asks('2', 'resources/unsubscribe');
    expect(stage.client.take().map((text) => read(text).error?.code)).toEqual([-32602, -32602]);
  });

  it('work without a handshake', () => {
    const stage = new Stage();
    subscribed(stage, 'a:');
  });
});

describe('a stream that ends', () => {
  const endings: readonly (readonly [string, (stage: Stage, listen: string) => void])[] = [
    ['a result', (stage, listen) => stage.answers(listen, { resultType: 'complete' })],
    ['an error', (stage, listen) => stage.refuses(listen, -32603)],
    [
      'a cancellation',
      (stage, listen) => stage.says('notifications/cancelled', { requestId: read(listen).id }),
    ],
    [
      'a cancellation and a result',
      (stage, listen) => {
        stage.says('notifications/cancelled', { requestId: read(listen).id });
        stage.answers(listen, { resultType: 'complete' });
      },
    ],
  ];

  it.each(endings)(
    `${req('legacy-client.reopened')} with %s is opened again, and what may be missed is told`,
    (_, end) => {
      const { stage } = listening();
      const listen = subscribed(stage, 'a:');
      end(stage, listen);
      expect(stage.server.take()).toEqual([]);
      stage.clock.advance(FIRST_PAUSE_MS);
      const next = stage.server.takeOne();
      expect(read(next).id).not.toBe(read(listen).id);
      expect(read(next).params.notifications).toEqual({ ...LISTS, resourceSubscriptions: ['a:'] });
      expect(stage.client.take()).toEqual([]);
      stage.acknowledges(next);
      expect(stage.client.take().map(read)).toEqual([
        { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
        { jsonrpc: '2.0', method: 'notifications/resources/list_changed' },
        { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a:' } },
      ]);
      expect(stage.server.take()).toEqual([]);
    },
  );

  it(`${req('legacy-client.reopened')} again and again is waited for longer and longer, until one holds`, () => {
    const { stage, listen } = listening();
    let current = listen;
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      stage.answers(current, { resultType: 'complete' });
      const before = stage.clock.now();
      for (let waited = 0; pauses.length <= i && waited <= LONGEST_PAUSE_MS; waited += 500) {
        stage.clock.advance(500);
        const [next] = stage.server.take();
        if (next === undefined) continue;
        pauses.push(stage.clock.now() - before);
        current = next;
      }
      stage.acknowledges(current);
    }
    expect(pauses).toEqual([
      1000,
      2000,
      4000,
      8000,
      16_000,
      LONGEST_PAUSE_MS,
      LONGEST_PAUSE_MS,
      LONGEST_PAUSE_MS,
    ]);
    stage.clock.advance(STEADY_MS);
    stage.answers(current, { resultType: 'complete' });
    stage.clock.advance(FIRST_PAUSE_MS);
    expect(stage.server.take()).toHaveLength(1);
  });

  it('while its successor is being opened is missed by nobody', () => {
    const { stage, listen } = listening();
    stage.client.asks('1', 'resources/subscribe', { uri: 'a:' });
    const next = stage.server.takeOne();
    stage.answers(listen, { resultType: 'complete' });
    stage.acknowledges(next);
    expect(stage.client.take().map((text) => read(text).method ?? read(text).id)).toEqual([
      1,
      'notifications/tools/list_changed',
      'notifications/resources/list_changed',
    ]);
    expect(stage.server.take()).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });

  it('before it was there is tried again, but not with a server that has none', () => {
    const stage = new Stage();
    stage.client.initializes();
    stage.answers(stage.server.takeOne(), DISCOVERED);
    stage.client.says(INITIALIZED);
    stage.client.take();
    stage.refuses(stage.server.takeOne(), -32603);
    stage.clock.advance(FIRST_PAUSE_MS);
    const second = stage.server.takeOne();
    stage.acknowledges(second);
    expect(stage.client.take()).toHaveLength(2);
    stage.refuses(second, -32601);
    expect(stage.clock.timers).toBe(0);
  });

  it('while it waits is opened at once where the client subscribes', () => {
    const { stage, listen } = listening();
    stage.answers(listen, { resultType: 'complete' });
    stage.client.asks('1', 'resources/subscribe', { uri: 'a:' });
    const next = stage.server.takeOne();
    expect(read(next).params.notifications).toEqual({ ...LISTS, resourceSubscriptions: ['a:'] });
    stage.acknowledges(next);
    expect(stage.clock.timers).toBe(0);
  });
});
