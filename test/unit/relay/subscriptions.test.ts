import { describe, expect, it } from 'vitest';
import { MAX_SUBSCRIPTIONS } from '../../../src/relay/subscriptions.js';
import { type Client, read, Stage } from './stage.js';

const updated = (uri: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}"}}`;

function subscribes(stage: Stage, client: Client, uri: string): void {
  client.asks('"s"', 'resources/subscribe', { uri });
  stage.answers(stage.server.takeOne());
  expect(client.take()).toHaveLength(1);
}

/** Which of the clients hear that this resource was updated. */
function hear(stage: Stage, uri: string, clients: Client[]): boolean[] {
  stage.server.says(updated(uri));
  return clients.map((client) => client.take().length === 1);
}

describe('resource subscriptions of sessions that share a server', () => {
  it('reach those who subscribed, once each', () => {
    const stage = new Stage();
    const clients = [stage.ready(), stage.ready(), stage.ready()] as const;
    subscribes(stage, clients[0], 'file:///a');
    subscribes(stage, clients[0], 'file:///a');
    subscribes(stage, clients[1], 'file:///b');
    expect(hear(stage, 'file:///a', [...clients])).toEqual([true, false, false]);
    expect(hear(stage, 'file:///b', [...clients])).toEqual([false, true, false]);
    expect(hear(stage, 'file:///c', [...clients])).toEqual([false, false, false]);
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/resources/updated"}');
    expect(clients.map((client) => client.take())).toEqual([[], [], []]);
  });

  it('go to the own stream of the session, not to a call', () => {
    const stage = new Stage();
    const a = stage.ready();
    subscribes(stage, a, 'a:b');
    a.asks('1', 'm');
    stage.server.says(updated('a:b'));
    expect(a.takeAll()).toEqual([{ text: updated('a:b'), about: undefined }]);
  });

  it('cover what lies below the resource', () => {
    const stage = new Stage();
    const a = stage.ready();
    subscribes(stage, a, 'file:///dir');
    subscribes(stage, a, 'file:///dir/');
    expect(hear(stage, 'file:///dir/x', [a])).toEqual([true]);
    expect(hear(stage, 'file:///directory', [a])).toEqual([false]);
    expect(hear(stage, 'file:///', [a])).toEqual([false]);
  });

  it('end on the server when the last one leaves or unsubscribes', () => {
    const stage = new Stage();
    const [a, b, c] = [stage.ready(), stage.ready(), stage.ready()];
    for (const client of [a, b, c]) subscribes(stage, client, 'a:b');
    a.asks('1', 'resources/unsubscribe', { uri: 'a:b' });
    expect(a.takeAll()).toEqual([{ text: '{"jsonrpc":"2.0","id":1,"result":{}}', about: '1' }]);
    c.leaves();
    expect(stage.server.take()).toEqual([]);
    expect(hear(stage, 'a:b', [a, b])).toEqual([false, true]);
    b.asks('1', 'resources/unsubscribe', { uri: 'a:b' });
    stage.answers(stage.server.takeOne());
    expect(b.take()).toHaveLength(1);
    expect(hear(stage, 'a:b', [b])).toEqual([false]);

    subscribes(stage, b, 'x:y');
    b.leaves();
    const sent = stage.server.takeOne();
    expect(read(sent)).toMatchObject({ method: 'resources/unsubscribe', params: { uri: 'x:y' } });
    stage.answers(sent);
    expect(stage.correlation.inFlight).toBe(0);
  });

  it('that the server refuses are none; one that was there stays', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    a.asks('1', 'resources/subscribe', { uri: 'a:b' });
    stage.refuses(stage.server.takeOne());
    expect(a.take()).toHaveLength(1);
    expect(hear(stage, 'a:b', [a])).toEqual([false]);
    subscribes(stage, b, 'a:b');
    b.asks('1', 'resources/subscribe', { uri: 'a:b' });
    stage.refuses(stage.server.takeOne());
    b.take();
    expect(hear(stage, 'a:b', [a, b])).toEqual([false, true]);
  });

  it('have a bound for each session', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    for (let i = 0; i < MAX_SUBSCRIPTIONS; i++) subscribes(stage, a, `a:${i}`);
    a.asks('1', 'resources/subscribe', { uri: 'a:x' });
    expect(stage.server.take()).toEqual([]);
    expect(read(a.takeOne())).toMatchObject({ id: 1, error: { code: -32600 } });
    subscribes(stage, a, 'a:0');
    subscribes(stage, b, 'a:x');
    a.asks('1', 'resources/unsubscribe', { uri: 'a:0' });
    stage.answers(stage.server.takeOne());
    a.take();
    subscribes(stage, a, 'a:x');
    expect(hear(stage, 'a:x', [a, b])).toEqual([true, true]);
  });

  it('pass on what names no resource', () => {
    const stage = new Stage();
    const a = stage.ready();
    for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
      a.asks('1', method, { uri: 7 });
      stage.refuses(stage.server.takeOne());
      expect(a.take()).toHaveLength(1);
    }
  });
});
