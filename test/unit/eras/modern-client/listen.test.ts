import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';
import { ALL, GONE, read, request, Stage, SUBSCRIPTION } from './stage.js';

const EVERYTHING = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ['a:/b', 'c:'],
};
const acknowledged = (filter: object, id = '1'): string =>
  `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"${SUBSCRIPTION}":${id}},"notifications":${JSON.stringify(filter)}}}`;
const changed = (what: string): string => `{"jsonrpc":"2.0","method":"notifications/${what}/list_changed"}`;
const tagged = (method: string, rest = '', id = '1'): string =>
  `{"jsonrpc":"2.0","method":"notifications/${method}","params":{"_meta":{"${SUBSCRIPTION}":${id}}${rest}}}`;
const updated = (uri: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}"}}`;

function listens(stage: Stage, notifications: unknown) {
  return stage.asks('subscriptions/listen', { notifications });
}

/** The server accepts every subscription. */
function accepts(stage: Stage): void {
  for (const text of stage.server.take()) stage.answers(text, {});
}

describe('subscriptions/listen', () => {
  it(`${req('m2l.listen', 'm2l.listen.resources')} subscribes, acknowledges what is honoured, and then tells it`, () => {
    const stage = new Stage();
    const asker = listens(stage, EVERYTHING);
    const sent = stage.server.take();
    expect(sent.map(read)).toMatchObject([
      { method: 'resources/subscribe', params: { uri: 'a:/b' } },
      { method: 'resources/subscribe', params: { uri: 'c:' } },
    ]);
    stage.answers(sent[1] ?? '', {});
    stage.server.says(changed('tools'));
    stage.server.says(updated('a:/b'));
    expect(asker.take()).toEqual([]);
    stage.answers(sent[0] ?? '', {});
    expect(asker.take()).toEqual([
      // It never said that its prompts change.
      acknowledged({
        toolsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ['a:/b', 'c:'],
      }),
      tagged('tools/list_changed'),
      tagged('resources/updated', ',"uri":"a:/b"'),
    ]);
    for (const text of [changed('prompts'), changed('resources'), updated('a:/b/c'), updated('a:/bc')]) {
      stage.server.says(text);
    }
    expect(asker.take()).toEqual([
      tagged('resources/list_changed'),
      tagged('resources/updated', ',"uri":"a:/b/c"'),
    ]);
    expect(stage.server.closings).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });

  it(`${req('m2l.listen')} honours only what was asked for`, () => {
    const stage = new Stage();
    const asker = listens(stage, { resourcesListChanged: true, toolsListChanged: false });
    expect(asker.takeOne()).toBe(acknowledged({ resourcesListChanged: true }));
    for (const text of [changed('tools'), changed('prompts'), updated('a:/b')]) stage.server.says(text);
    expect([...asker.take(), ...stage.server.take()]).toEqual([]);
  });

  it(`${req('m2l.listen')} is acknowledged where nothing of it is honoured`, () => {
    const stage = new Stage({}, '{"capabilities":{}}');
    const asker = listens(stage, EVERYTHING);
    expect(asker.takeOne()).toBe(acknowledged({}));
    stage.server.says(changed('tools'));
    expect([...asker.take(), ...stage.server.take()]).toEqual([]);
  });

  it('leaves out the resources that the server refuses', () => {
    const stage = new Stage();
    const asker = listens(stage, { resourceSubscriptions: ['a:', 'b:', 'b:'] });
    const [a, b, ...more] = stage.server.take();
    expect(more).toEqual([]);
    const refusal = { id: message(a ?? '').id, text: '"error":{"code":-32602,"message":"no"}' };
    stage.server.says(`{"jsonrpc":"2.0","id":${refusal.id},${refusal.text}}`);
    stage.answers(b ?? '', {});
    expect(asker.takeOne()).toBe(acknowledged({ resourceSubscriptions: ['b:'] }));
    for (const uri of ['a:', 'b:']) stage.server.says(updated(uri));
    expect(asker.takeOne()).toBe(tagged('resources/updated', ',"uri":"b:"'));
  });

  it('does not wait without end for the server to accept', () => {
    const stage = new Stage({ subscribeMs: 1000 });
    const asker = listens(stage, { resourceSubscriptions: ['a:', 'b:'] });
    const [a, b] = stage.server.take();
    stage.answers(a ?? '', {});
    stage.server.says(updated('b:'));
    stage.clock.advance(1000);
    expect(asker.takeOne()).toBe(acknowledged({ resourceSubscriptions: ['a:'] }));
    stage.answers(b ?? '', {});
    stage.server.says(updated('b:'));
    expect(asker.take()).toEqual([]);
    expect(stage.events).toMatchObject([{ level: 'warning' }]);
  });

  it.each([
    ['1.0', '1.0'],
    ['9007199254740993', '9007199254740993'],
    ['"1"', '"1"'],
    ['"\\u00e9"', '"\\u00e9"'],
  ])(`${req('m2l.listen')} tags with the id as it came: %s`, (id, tag) => {
    const stage = new Stage();
    const text = request(0, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    const asker = stage.sends(text.replace('"id":0', `"id":${id}`));
    stage.server.says(changed('tools'));
    expect(asker.take()).toEqual([
      acknowledged({ toolsListChanged: true }, tag),
      tagged('tools/list_changed', '', tag),
    ]);
  });

  it.each([
    ['{}', ''],
    ['{"_meta":{}}', ''],
    ['{"a":1.0,"_meta":{"b":1.0}}', ',"b":1.0', ',"a":1.0'],
    [`{"_meta":{"${SUBSCRIPTION}":"other"}}`, ''],
  ])('tags a notification with params %s', (params, meta, more = '') => {
    const stage = new Stage();
    const asker = listens(stage, { toolsListChanged: true });
    asker.take();
    stage.server.says(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":${params} }`);
    expect(asker.takeOne()).toBe(
      `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"${SUBSCRIPTION}":1${meta}}${more}} }`,
    );
  });

  it.each([
    [undefined, /must be an object/],
    [[], /must be an object/],
    [null, /must be an object/],
    [{ resourceSubscriptions: 'a:' }, /array of texts/],
    [{ resourceSubscriptions: [1] }, /array of texts/],
    [{ resourceSubscriptions: ['a:', 'b:', 'c:'] }, /may name 2/],
  ])('refuses what makes no sense: %j', (filter, words) => {
    const stage = new Stage({ resources: 2 });
    expect(read(listens(stage, filter).takeOne())).toMatchObject({
      id: 1,
      error: { code: -32602, message: expect.stringMatching(words) },
    });
    expect(stage.sessions).toEqual([]);
  });

  it(`${req('m2l.log-level', 'm2l.stray-notifications')} carries nothing else`, () => {
    const stage = new Stage();
    const asker = stage.asks(
      'subscriptions/listen',
      { notifications: { toolsListChanged: true } },
      { logLevel: 'debug', token: 't', capabilities: ALL },
    );
    asker.take();
    expect(stage.server.take()).toEqual([]);
    for (const rest of [
      'message","params":{"level":"error","data":1}',
      'progress","params":{"progressToken":"t","progress":1}',
      'cancelled","params":{"requestId":1}',
      'elicitation/complete","params":{"elicitationId":"e"}',
      'x"',
      'resources/updated"',
    ]) {
      stage.server.says(`{"jsonrpc":"2.0","method":"notifications/${rest}}`);
    }
    expect(asker.take()).toEqual([]);
  });

  it(`${req('m2l.questions.only-three-methods', 'm2l.questions.of-no-call', 'm2l.server-ping')} carries no questions`, () => {
    const stage = new Stage();
    const asker = listens(stage, {});
    asker.take();
    stage.server.says('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    stage.server.says('{"jsonrpc":"2.0","id":2,"method":"roots/list"}');
    expect(stage.server.take().map(read)).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: -32603 } },
    ]);
    expect(asker.take()).toEqual([]);
  });

  it(`${req('m2l.cancelled')} ends with its client`, () => {
    const stage = new Stage();
    const asker = listens(stage, EVERYTHING);
    asker.leaves();
    expect(stage.server.closings).toHaveLength(1);
    expect(stage.clock.timers).toBe(0);
    stage.server.says(changed('tools'));
    stage.server.goes(GONE);
    expect([...asker.take(), ...asker.closings]).toEqual([]);
  });

  it.each(['stopping', 'idle'] as const)(
    `${req('m2l.listen.graceful')} is answered where the session ends on purpose: %s`,
    (kind) => {
      for (const early of [true, false]) {
        const stage = new Stage();
        const asker = listens(stage, { resourceSubscriptions: ['a:'] });
        if (!early) accepts(stage);
        asker.take();
        stage.server.goes({ kind, text: 'enough' });
        expect(asker.takeOne()).toBe(
          `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"${SUBSCRIPTION}":1}}}`,
        );
        expect(asker.closings).toEqual([]);
      }
    },
  );

  it.each(['failed', 'ended'] as const)(
    `${req('m2l.listen.graceful')} just ends where the session is lost: %s`,
    (kind) => {
      const stage = new Stage();
      const asker = listens(stage, EVERYTHING);
      accepts(stage);
      asker.take();
      stage.server.goes({ ...GONE, kind });
      expect(asker.take()).toEqual([]);
      expect(asker.closings).toEqual([{ ...GONE, kind }]);
    },
  );

  it('fails where the session is lost before it was acknowledged', () => {
    const stage = new Stage();
    const asker = listens(stage, EVERYTHING);
    stage.server.goes(GONE);
    expect(read(asker.takeOne())).toMatchObject({
      error: { code: -32603, message: 'server "demo": exited with code 1', data: { exitCode: 1 } },
    });
    expect(asker.closings).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });
});
