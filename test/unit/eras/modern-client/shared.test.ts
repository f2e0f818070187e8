/** Modern clients that share one session of a legacy server: what is whose, and when it is nobody's. */
import { describe, expect, it } from 'vitest';
import { readEnvelope } from '../../../../src/eras/envelope.js';
import { ModernClients } from '../../../../src/eras/modern-client/modern-clients.js';
import { Correlation, type CorrelationOptions } from '../../../../src/relay/correlation.js';
import { req } from '../../../requirements.js';
import { HandClock } from '../../relay/hand-clock.js';
import { MemoryLink, message } from '../../relay/memory-link.js';
import { ALL, Asker, type Asking, read, request, TestSeal } from './stage.js';

const INITIALIZED = JSON.stringify({
  protocolVersion: '2025-11-25',
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
  serverInfo: { name: 'legacy', version: '1' },
});
const note = (method: string, params: object): string => JSON.stringify({ jsonrpc: '2.0', method, params });

class SharedStage {
  readonly server = new MemoryLink();
  readonly clock = new HandClock();
  readonly #correlation: Correlation;
  readonly #clients: ModernClients;

  constructor(clients: CorrelationOptions['clients'] = 'several') {
    const { clock } = this;
    const emit = (): void => undefined;
    this.#clients = new ModernClients({ server: 'demo', clock, emit, seal: new TestSeal() });
    this.#correlation = new Correlation(this.server, {
      server: 'demo',
      era: 'legacy',
      exclusive: false,
      clients,
      timeout: undefined,
      clock,
      emit,
    });
  }

  static async ready(clients?: CorrelationOptions['clients']): Promise<SharedStage> {
    const stage = new SharedStage(clients);
    const initialized = stage.#correlation.initialize({ capabilities: ALL });
    stage.answers(stage.server.takeOne(), JSON.parse(INITIALIZED));
    for (const sent of stage.server.take()) if (sent.includes('"ping"')) stage.answers(sent, {});
    await initialized;
    return stage;
  }

  /** Every client's first request has the id 1. */
  asks(method: string, params: object = {}, asking: Asking = {}): Asker {
    const text = request(1, method, params, asking);
    const envelope = readEnvelope(message(text));
    if (typeof envelope === 'string') throw new Error(envelope);
    const joining = { isTranslated: true, canBeAsked: method === 'tools/call' };
    const open = () => ({ link: this.#correlation.attach(joining), initialized: INITIALIZED });
    const asker = new Asker(this.#clients.link(message(text), envelope, undefined, open), text);
    asker.says(text);
    return asker;
  }

  answers(asked: string, result: unknown): void {
    this.server.says(`{"jsonrpc":"2.0","id":${message(asked).id},"result":${JSON.stringify(result)}}`);
  }
}

describe('modern clients on one legacy session', () => {
  it(`${req('caching.key', 'caching.private', 'm2l.ids')} each get an answer of their own to the same question`, async () => {
    const stage = await SharedStage.ready();
    for (const method of ['tools/list', 'resources/read', 'prompts/list']) {
      const askers = [1, 2, 3].map(() => stage.asks(method, { uri: 'a:' }));
      const asked = stage.server.take();
      expect(new Set(asked.map((text) => message(text).id)).size).toBe(3);
      for (const [n, text] of [...asked.entries()].reverse()) stage.answers(text, { n, ttlMs: 60_000 });
      for (const [n, asker] of askers.entries()) {
        expect(read(asker.takeOne())).toMatchObject({ id: 1, result: { n } });
      }
    }
  });

  it(`${req('m2l.listen.unsubscribed')} are subscribed as long as one of them listens`, async () => {
    const stage = await SharedStage.ready();
    const listens = () =>
      stage.asks('subscriptions/listen', { notifications: { resourceSubscriptions: ['a:'] } });
    const [one, two] = [listens(), listens()];
    const subscribed = stage.server.take();
    for (const text of subscribed) {
      expect(read(text).method).toBe('resources/subscribe');
      stage.answers(text, {});
    }
    for (const asker of [one, two]) expect(asker.take()).toHaveLength(1);
    one.leaves();
    expect(stage.server.take()).toEqual([]);
    stage.server.says(note('notifications/resources/updated', { uri: 'a:' }));
    expect([one.take(), two.take().length]).toEqual([[], 1]);
    two.leaves();
    expect(read(stage.server.takeOne())).toMatchObject({
      method: 'resources/unsubscribe',
      params: { uri: 'a:' },
    });
  });

  it(`${req('m2l.questions.of-no-call')} are not asked what none of their calls can have caused, nor any of several`, async () => {
    const stage = await SharedStage.ready();
    const question = (id: number): void =>
      stage.server.says(`{"jsonrpc":"2.0","id":${id},"method":"roots/list"}`);
    const listener = stage.asks('subscriptions/listen', { notifications: {} }, { capabilities: ALL });
    listener.take();
    const refused = (): unknown[] =>
      stage.server
        .take()
        .map(read)
        .filter(({ error }) => error !== undefined);
    question(1);
    expect(refused()).toMatchObject([{ id: 1, error: { message: expect.stringContaining('roots/list') } }]);
    const calls = [1, 2].map(() => stage.asks('tools/call', { name: 't' }, { capabilities: ALL }));
    question(2);
    expect(refused()).toMatchObject([{ id: 2, error: { message: expect.stringContaining('roots/list') } }]);
    for (const asker of [listener, ...calls]) expect(asker.take()).toEqual([]);
  });

  const ROOTS = '{"jsonrpc":"2.0","id":1,"method":"roots/list"}';
  const calling = (stage: SharedStage, params: object = {}): Asker =>
    stage.asks('tools/call', { name: 't', ...params }, { capabilities: ALL });

  it(`${req('m2l.questions.roots')} are asked for roots in front of a call, which goes to the server after their answer`, async () => {
    const stage = await SharedStage.ready('alike');
    stage.server.says(ROOTS);
    const asker = calling(stage);
    stage.clock.advance(25);
    const { requestState, inputRequests } = asker.takeQuestions();
    expect(inputRequests).toEqual({ q1: { method: 'roots/list' } });
    expect(stage.server.take()).toEqual([]);
    const retry = calling(stage, { requestState, inputResponses: { q1: { roots: [] } } });
    expect(read(stage.server.takeOne())).toEqual({ jsonrpc: '2.0', id: 1, result: { roots: [] } });
    stage.clock.advance(149);
    expect(stage.server.take()).toEqual([]);
    stage.clock.advance(1);
    const call = stage.server.takeOne();
    expect(read(call)).toMatchObject({ method: 'tools/call', params: { name: 't' } });
    stage.answers(call, { content: [] });
    expect(read(retry.takeOne())).toMatchObject({ id: 1, result: { resultType: 'complete' } });
    expect(stage.clock.timers).toBe(0);
  });

  it('have their call sent where the server takes that question back, also while they think about it', async () => {
    const stage = await SharedStage.ready('alike');
    const takesBack = (): void => stage.server.says(note('notifications/cancelled', { requestId: 1 }));
    stage.server.says(ROOTS);
    const asker = calling(stage);
    takesBack();
    const call = stage.server.takeOne();
    expect(read(call)).toMatchObject({ method: 'tools/call' });
    stage.answers(call, { content: [] });
    expect(read(asker.takeOne())).toMatchObject({ result: { resultType: 'complete' } });
    asker.leaves();
    stage.server.says(ROOTS);
    const other = calling(stage);
    stage.clock.advance(25);
    const { requestState } = other.takeQuestions();
    takesBack();
    expect(stage.server.take()).toEqual([]);
    calling(stage, { requestState, inputResponses: { q1: { roots: [] } } });
    stage.clock.advance(150);
    expect(read(stage.server.takeOne())).toMatchObject({ method: 'tools/call' });
  });

  it('are asked again what nobody has answered, in the next call, and nothing is sent of the one that was given up', async () => {
    const stage = await SharedStage.ready('alike');
    stage.server.says(ROOTS);
    const asker = calling(stage);
    asker.leaves();
    expect(stage.server.take()).toEqual([]);
    const next = calling(stage);
    stage.clock.advance(25);
    expect(next.takeQuestions().inputRequests).toEqual({ q1: { method: 'roots/list' } });
  });

  it(`${req('m2l.log-level', 'modern.state.none')} hear no log line that may be another's, and set no level for another`, async () => {
    const stage = await SharedStage.ready();
    const talkative = stage.asks('tools/call', { name: 't' }, { logLevel: 'debug' });
    const silent = stage.asks('tools/call', { name: 't' });
    stage.server.says(note('notifications/message', { level: 'error', data: 1 }));
    expect([talkative.take(), silent.take()]).toEqual([[], []]);
    silent.leaves();
    talkative.leaves();
    stage.server.take();
    const next = stage.asks('tools/call', { name: 't' });
    stage.server.says(note('notifications/message', { level: 'error', data: 1 }));
    expect(next.take()).toEqual([]);
  });

  it(`${req('m2l.log-level')} have the server say as much as the most curious of them asks for`, async () => {
    const stage = await SharedStage.ready();
    const levels = (): unknown[] =>
      stage.server
        .take()
        .map(read)
        .filter(({ method }) => method === 'logging/setLevel')
        .map(({ params }) => params);
    const one = stage.asks('tools/call', { name: 't' }, { logLevel: 'error' });
    expect(levels()).toEqual([{ level: 'error' }]);
    const two = stage.asks('tools/call', { name: 't' }, { logLevel: 'debug' });
    expect(levels()).toEqual([{ level: 'debug' }]);
    const three = stage.asks('tools/call', { name: 't' }, { logLevel: 'critical' });
    expect(levels()).toEqual([{ level: 'debug' }]);
    for (const asker of [two, three]) asker.leaves();
    expect(levels().at(-1)).toEqual({ level: 'error' });
    for (const asker of [one, two, three]) expect(asker.take()).toEqual([]);
  });

  it(`${req('modern.cancelled.reason', 'm2l.cancelled', 'modern-stdio.cancel-sent')} cancel a call under the id that the server knows, in their own words`, async () => {
    const stage = await SharedStage.ready();
    const asker = stage.asks('tools/call', { name: 't' });
    const { id } = read(stage.server.takeOne());
    asker.says(note('notifications/cancelled', { requestId: 1, reason: 'enough' }));
    expect(read(stage.server.takeOne())).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: id, reason: 'enough' },
    });
    const other = stage.asks('tools/call', { name: 't' });
    stage.server.take();
    other.leaves();
    expect(read(stage.server.takeOne())).toMatchObject({ params: { reason: 'the client has gone' } });
  });
});
