import { describe, expect, it } from 'vitest';
import { MAX_PROLONGED } from '../../../src/relay/calls.js';
import { req } from '../../requirements.js';
import type { Client } from './stage.js';
import { GONE, read, Stage } from './stage.js';

const meta = (more: object = {}): object => ({
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    ...more,
  },
});
const logging = meta({ 'io.modelcontextprotocol/logLevel': 'debug' });
const note = (method: string, params: object): string => JSON.stringify({ jsonrpc: '2.0', method, params });
const tagged = (id: unknown): object => ({ _meta: { 'io.modelcontextprotocol/subscriptionId': id } });

function listening(stage: Stage, client: Client, id: string): unknown {
  client.asks(id, 'subscriptions/listen', { ...meta(), notifications: { toolsListChanged: true } });
  return read(stage.server.takeOne()).id;
}

const cancel = (requestId: unknown): string =>
  note('notifications/cancelled', { requestId, reason: 'enough' });
const progress = (progressToken: unknown, value: number): string =>
  note('notifications/progress', { progressToken, progress: value });
const complete = (id: unknown, more: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...more } });

describe('sessions that share a modern server', () => {
  it(`${req('modern.subscription.id', 'modern-stdio.correlated', 'modern.subscription.acknowledged-first')} have each their own subscription ids`, () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    const [ofA, ofB] = [listening(stage, a, '7'), listening(stage, b, '"7"')];
    const acknowledged = (id: unknown): string =>
      note('notifications/subscriptions/acknowledged', { ...tagged(id), notifications: {} });
    for (const text of [acknowledged(ofB), acknowledged(ofA)]) stage.server.says(text);
    stage.server.says(note('notifications/tools/list_changed', tagged(ofB)));
    const [ackA, ...noMore] = a.take().map(read);
    const [ackB, changed] = b.take().map(read);
    expect(noMore).toEqual([]);
    for (const ack of [ackA, ackB]) expect(ack?.method).toBe('notifications/subscriptions/acknowledged');
    expect(ackA?.params).toEqual({ ...tagged(7), notifications: {} });
    expect([ackB?.params, changed?.params]).toEqual([{ ...tagged('7'), notifications: {} }, tagged('7')]);
  });

  it(`${req('modern.subscription.several')} may have several subscriptions, each under its own id`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    const [first, second] = [listening(stage, client, '1'), listening(stage, client, '2')];
    stage.server.says(note('notifications/tools/list_changed', tagged(second)));
    stage.server.says(note('notifications/resources/updated', { ...tagged(first), uri: 'a:' }));
    stage.server.says(note('notifications/tools/list_changed', tagged(99)));
    expect(client.take().map((text) => read(text).params)).toEqual([tagged(2), { ...tagged(1), uri: 'a:' }]);
    client.says(cancel(1));
    expect(read(stage.server.takeOne()).params).toMatchObject({ requestId: first });
    stage.server.says(note('notifications/tools/list_changed', tagged(first)));
    stage.server.says(note('notifications/tools/list_changed', tagged(second)));
    expect(read(client.takeOne()).params).toEqual(tagged(2));
  });

  it(`${req('modern.subscription.end')} get the end of a subscription with its own id, be it a result or a cancellation`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    const first = listening(stage, client, '"a"');
    stage.server.says(
      `{"jsonrpc":"2.0","id":${first},"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":${first}}}}`,
    );
    expect(read(client.takeOne())).toMatchObject({ id: 'a', result: tagged('a') });
    const second = listening(stage, client, '2');
    stage.server.says(note('notifications/cancelled', { requestId: second }));
    expect(read(client.takeOne())).toMatchObject({ params: { requestId: 2 } });
    stage.server.says(complete(second, tagged(second)));
    expect([client.take(), stage.server.take()]).toEqual([[], []]);
    client.asks('2', 'tools/call', { ...meta(), name: 'x' });
    expect(stage.correlation.inFlight).toBe(1);
  });

  it(`${req('modern-stdio.listens-again')} get no answer to a subscription whose server is lost, only its end`, () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    listening(stage, a, '1');
    b.asks('1', 'tools/call', { ...meta(), name: 'x' });
    stage.server.goes(GONE);
    expect([a.take(), a.closings]).toEqual([[], [GONE]]);
    expect([read(b.takeOne()).error, b.closings]).toMatchObject([{ code: -32603 }, [GONE]]);
    expect(stage.clock.timers).toBe(0);
  });

  it(`${req('modern.cancelled.subscriptions-only')} hear of no cancellation of anything else`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    client.asks('1', 'tools/call', { ...meta(), name: 'x' });
    const { id } = read(stage.server.takeOne());
    for (const requestId of [id, 99, 'x', null]) stage.server.says(cancel(requestId));
    stage.server.says(note('notifications/cancelled', {}));
    expect(client.take()).toEqual([]);
    stage.server.says(complete(id));
    expect(read(client.takeOne()).id).toBe(1);
  });

  it(`${req('modern.log.on-request')} get log messages only where it is certain whose they are`, () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    listening(stage, b, '1');
    a.asks('1', 'tools/call', { ...logging, name: 'x' });
    b.asks('2', 'tools/call', { ...meta(), name: 'x' });
    stage.server.says(note('notifications/message', { level: 'info', data: 1 }));
    expect([a.take().length, b.take().length]).toEqual([1, 0]);
    a.asks('2', 'tools/call', { ...logging, name: 'x' });
    stage.server.says(note('notifications/message', { level: 'info', data: 2 }));
    expect([a.take().length, b.take().length]).toEqual([1, 0]);
    b.asks('3', 'tools/call', { ...logging, name: 'x' });
    stage.server.says(note('notifications/message', { level: 'info', data: 3 }));
    expect([a.take(), b.take()]).toEqual([[], []]);
  });

  it(`${req(
    'modern.request.id',
    'modern.request.id-unique',
    'modern.result.same-id',
    'modern.progress.token-unique',
    'modern.cancelled.own-requests',
    'modern.cancelled.reason',
    'modern-stdio.cancel-sent',
  )} keep their ids and progress tokens apart, and cancel their own requests only`, () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    a.asks('1', 'tools/call', meta({ progressToken: 't' }));
    b.asks('1', 'tools/call', meta({ progressToken: 't' }));
    const sent = stage.server.take().map(read);
    const [ofA, ofB] = sent.map(({ id }) => id);
    expect(new Set([ofA, ofB]).size).toBe(2);
    for (const { id, params } of sent) expect(params).toMatchObject({ _meta: { progressToken: id } });
    for (const id of [ofA, ofB]) expect(Number.isInteger(id)).toBe(true);
    stage.server.says(progress(ofB, 1));
    expect([a.take(), read(b.takeOne()).params]).toEqual([[], { progressToken: 't', progress: 1 }]);
    a.says(cancel(1));
    expect(read(stage.server.takeOne()).params).toEqual({ requestId: ofA, reason: 'enough' });
    stage.server.says(complete(ofB));
    expect(read(b.takeOne())).toMatchObject({ id: 1 });
    b.asks('2', 'tools/call', meta());
    b.leaves();
    const [third, cancelled] = stage.server.take().map(read);
    expect(cancelled).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: third?.id, reason: 'the client has gone' },
    });
  });

  it(`${req('modern.progress.open-requests-only', 'modern.progress.stops')} hear of the progress of what they have open, and of nothing else`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    client.asks('1', 'tools/call', meta({ progressToken: 't' }));
    client.asks('2', 'tools/call', meta());
    const [first, second] = stage.server.take().map((text) => read(text).id);
    for (const token of ['t', 99, second]) stage.server.says(progress(token, 1));
    stage.server.says(note('notifications/progress', { progress: 1 }));
    expect(client.take()).toEqual([]);
    stage.server.says(progress(first, 1));
    expect(read(client.takeOne()).params).toEqual({ progressToken: 't', progress: 1 });
    stage.server.says(complete(first));
    stage.server.says(progress(first, 2));
    expect(read(client.takeOne())).toMatchObject({ id: 1 });
  });

  it(`${req('modern.cancelled.invalid-ignored', 'modern.cancelled.race')} may cancel what is not there, or is answered`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    client.asks('1', 'tools/call', meta());
    const { id } = read(stage.server.takeOne());
    for (const requestId of [2, '1', null, [], { a: 1 }]) client.says(cancel(requestId));
    client.says(note('notifications/cancelled', {}));
    client.says('{"jsonrpc":"2.0","method":"notifications/cancelled"}');
    stage.server.says(complete(id));
    client.says(cancel(1));
    expect(stage.server.take()).toEqual([]);
    expect(read(client.takeOne())).toMatchObject({ id: 1 });
  });

  it(`${req('modern.cancelled.late-ignored', 'modern.cancelled.race')} hear nothing more of what they have cancelled, and may use its id again`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    client.asks('1', 'tools/call', meta({ progressToken: 't' }));
    client.says(cancel(1));
    client.asks('1', 'tools/call', meta({ progressToken: 't' }));
    const [first, , second] = stage.server.take().map((text) => read(text).id);
    stage.server.says(progress(first, 1));
    stage.server.says(complete(first, { of: 'first' }));
    expect(client.take()).toEqual([]);
    stage.server.says(complete(second, { of: 'second' }));
    expect(read(client.takeOne())).toMatchObject({ id: 1, result: { of: 'second' } });
  });

  it(`${req('modern-stdio.no-responses', 'modern-stdio.no-requests')} hear nothing of a server that asks, which it must not; their answers reach nobody`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    client.asks('1', 'tools/call', meta());
    stage.server.take();
    stage.server.says('{"jsonrpc":"2.0","id":9,"method":"roots/list"}');
    stage.server.says('{"jsonrpc":"2.0","id":10,"method":"ping"}');
    expect([client.take(), stage.server.take()]).toEqual([[], []]);
    expect(stage.events.at(-1)).toMatchObject({ level: 'warning' });
    client.says('{"jsonrpc":"2.0","id":9,"result":{"roots":[]}}');
    client.says('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}');
    expect([client.take(), stage.server.take()]).toEqual([[], []]);
  });

  it(`${req('modern.unknown', 'modern.meta.untouched', 'modern.questions.untouched')} send and get what nobody knows with every octet`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    const _meta =
      '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},' +
      '"traceparent":"00-a","baggage":"k=v","io.modelcontextprotocol/later":{"n":1.50},"com.example/x":"\\u00e9"}';
    const rest =
      '"method":"x/y","params":{"n":12345678901234567890,"requestState":"\\u0041\\/","inputResponses":{"q 1":{"n":1.0}},' +
      `"_meta":${_meta}},"x-top":[1e2]}`;
    client.says(`{"jsonrpc":"2.0","id":"a",${rest}`);
    expect(stage.server.takeOne()).toBe(`{"jsonrpc":"2.0","id":1,${rest}`);
    const result =
      '"result":{"resultType":"input_required","requestState":"\\u0041\\/","inputRequests":{"q 1":{"method":"x/later","params":{"n":1.0}}}},"x-top":1.0}';
    stage.server.says(`{"jsonrpc":"2.0","id":1,${result}`);
    expect(client.takeOne()).toBe(`{"jsonrpc":"2.0","id":"a",${result}`);
    const unknown = '{"jsonrpc":"2.0","method":"notifications/x","params":{"n":1.0,"_meta":{"a/b":1.0}}}';
    client.says(unknown);
    expect(stage.server.takeOne()).toBe(unknown);
    client.asks('2', 'x/y', meta());
    stage.server.take();
    stage.server.says(unknown);
    expect(client.takeOne()).toBe(unknown);
  });

  it(`${req('modern.tasks')} may have tasks, which have ids of the server's own`, () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    const told = listening(stage, client, '"l"');
    client.asks('1', 'tools/call', { ...meta(), name: 'x' });
    const { id } = read(stage.server.takeOne());
    const task = { taskId: 't-1', status: 'working', ttlMs: 1, pollIntervalMs: 5 };
    stage.server.says(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'task', ...task } }));
    expect(read(client.takeOne())).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { resultType: 'task', ...task },
    });
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      client.asks('2', method, { ...meta(), taskId: 't-1', inputResponses: {} });
      const sent = read(stage.server.takeOne());
      expect(sent).toMatchObject({ method, params: { taskId: 't-1', inputResponses: {} } });
      stage.server.says(complete(sent.id, { ...task, status: 'completed' }));
      expect(read(client.takeOne())).toMatchObject({ id: 2, result: { taskId: 't-1', status: 'completed' } });
    }
    stage.server.says(note('notifications/tasks', { ...tagged(told), ...task }));
    expect(read(client.takeOne())).toMatchObject({
      method: 'notifications/tasks',
      params: { ...tagged('l'), ...task },
    });
  });

  it(`${req('caching.key', 'caching.retries', 'caching.private')} each get an answer of their own to the same question`, () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    const hints = { ttlMs: 3_600_000, cacheScope: 'public' };
    const questions = [
      ['tools/list', meta()],
      ['server/discover', meta()],
      ['resources/read', { ...meta(), uri: 'a:' }],
      ['resources/read', { ...meta(), uri: 'a:', requestState: 's', inputResponses: {} }],
    ] as const;
    for (const [method, params] of questions) {
      for (const [n, client] of [a, a, b].entries()) {
        client.asks('1', method, params);
        const { id } = read(stage.server.takeOne());
        stage.server.says(complete(id, { ...hints, n }));
        expect(read(client.takeOne())).toMatchObject({ id: 1, result: { ...hints, n } });
      }
    }
  });

  it(`${req('modern.timeout.set', 'modern.timeout.cancels')} are not kept waiting for longer than a request may take`, () => {
    const stage = new Stage({ era: 'modern', timeout: 1000 });
    const client = stage.client();
    client.asks('"x"', 'tools/call', meta());
    const { id } = read(stage.server.takeOne());
    stage.clock.advance(999);
    expect(client.take()).toEqual([]);
    stage.clock.advance(1);
    expect(read(client.takeOne())).toMatchObject({
      id: 'x',
      error: { code: -32603, message: 'server "demo" did not answer tools/call within 1 s' },
    });
    expect(read(stage.server.takeOne())).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: id },
    });
    stage.server.says(complete(id));
    expect([client.take(), stage.clock.timers]).toEqual([[], 0]);
  });

  it(`${req('modern.timeout.maximum')} wait longer while there is progress, but not for ever`, () => {
    const stage = new Stage({ era: 'modern', timeout: 1000 });
    const client = stage.client();
    client.asks('1', 'tools/call', meta({ progressToken: 't' }));
    const { id } = read(stage.server.takeOne());
    let told = 0;
    for (let value = 1; value < 2 * MAX_PROLONGED; value++) {
      stage.clock.advance(500);
      stage.server.says(progress(id, value));
      told += client.take().length;
    }
    expect(told).toBe(2 * MAX_PROLONGED - 1);
    stage.clock.advance(500);
    expect(read(client.takeOne())).toMatchObject({ id: 1, error: { code: -32603 } });
    expect(stage.clock.timers).toBe(0);
  });

  it(`${req('modern.timeout.set')} leave a subscription with no time limit`, () => {
    const stage = new Stage({ era: 'modern', timeout: 1000 });
    const client = stage.client();
    listening(stage, client, '1');
    stage.clock.advance(100_000);
    expect(client.take()).toEqual([]);
    client.leaves();
    expect(read(stage.server.takeOne()).method).toBe('notifications/cancelled');
  });
});
