import { describe, expect, it } from 'vitest';
import type { Client } from './stage.js';
import { read, Stage } from './stage.js';

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

describe('sessions that share a modern server', () => {
  it('have each their own subscription ids', () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    const [ofA, ofB] = [listening(stage, a, '7'), listening(stage, b, '"7"')];
    stage.server.says(
      note('notifications/subscriptions/acknowledged', { ...tagged(ofA), notifications: {} }),
    );
    stage.server.says(note('notifications/tools/list_changed', tagged(ofB)));
    expect(read(a.takeOne()).params).toMatchObject(tagged(7));
    expect(read(b.takeOne()).params).toMatchObject(tagged('7'));
  });

  it('get the end of a subscription with its own id, be it a result or a cancellation', () => {
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
    expect(stage.correlation.inFlight).toBe(0);
  });

  it('get log messages only where it is certain whose they are', () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    listening(stage, b, '1');
    a.asks('1', 'tools/call', { ...logging, name: 'x' });
    b.asks('2', 'tools/call', { ...meta(), name: 'x' });
    stage.server.says(note('notifications/message', { level: 'info', data: 1 }));
    expect([a.take().length, b.take().length]).toEqual([1, 0]);
    b.asks('3', 'tools/call', { ...logging, name: 'x' });
    stage.server.says(note('notifications/message', { level: 'info', data: 2 }));
    expect([a.take(), b.take()]).toEqual([[], []]);
  });

  it('keep their ids and progress tokens apart, and cancel their own requests only', () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    a.asks('1', 'tools/call', meta({ progressToken: 't' }));
    b.asks('1', 'tools/call', meta({ progressToken: 't' }));
    const [ofA, ofB] = stage.server.take().map((text) => read(text).id);
    stage.server.says(note('notifications/progress', { progressToken: ofB, progress: 1 }));
    expect([a.take(), read(b.takeOne()).params]).toEqual([[], { progressToken: 't', progress: 1 }]);
    a.says(note('notifications/cancelled', { requestId: 1 }));
    expect(read(stage.server.takeOne()).params).toEqual({ requestId: ofA });
    stage.server.says(`{"jsonrpc":"2.0","id":${ofB},"result":{"resultType":"complete"}}`);
    expect(read(b.takeOne())).toMatchObject({ id: 1 });
  });

  it('hear nothing of a server that asks, which it must not', () => {
    const stage = new Stage({ era: 'modern' });
    const client = stage.client();
    client.asks('1', 'tools/call', meta());
    stage.server.take();
    stage.server.says('{"jsonrpc":"2.0","id":9,"method":"roots/list"}');
    expect([client.take(), stage.server.take()]).toEqual([[], []]);
    expect(stage.events.at(-1)).toMatchObject({ level: 'warning' });
  });

  it('leave a subscription with no time limit', () => {
    const stage = new Stage({ era: 'modern', timeout: 1000 });
    const client = stage.client();
    listening(stage, client, '1');
    stage.clock.advance(100_000);
    expect(client.take()).toEqual([]);
    client.leaves();
    expect(read(stage.server.takeOne()).method).toBe('notifications/cancelled');
  });
});
