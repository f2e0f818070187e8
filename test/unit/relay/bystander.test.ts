/** A session that only hears what others cause. */
import { describe, expect, it } from 'vitest';
import { Client, GONE, read, Stage } from './stage.js';

const QUESTION = '{"jsonrpc":"2.0","id":"q","method":"roots/list"}';
const updated = '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:"}}';

function stage() {
  const counts: number[] = [];
  const one = new Stage({ onPorts: (count) => counts.push(count) });
  const client = one.ready({ roots: {} });
  const bystander = new Client(one.correlation.attach({ isTranslated: true, isBystander: true }));
  return { one, client, bystander, counts };
}

describe('a bystander', () => {
  it('is no session for which the server stays', () => {
    const { one, client, bystander, counts } = stage();
    expect(one.correlation.sessions).toBe(1);
    client.leaves();
    bystander.leaves();
    expect(counts).toEqual([1, 0]);
    expect(one.correlation.sessions).toBe(0);
  });

  it('hears what it has subscribed to, until it leaves', () => {
    const { one, bystander } = stage();
    bystander.asks('1', 'resources/subscribe', { uri: 'a:' });
    one.answers(one.server.takeOne());
    one.server.says(updated);
    expect(bystander.take()).toEqual([expect.stringContaining('"result"'), updated]);
    bystander.leaves();
    expect(read(one.server.takeOne())).toMatchObject({
      method: 'resources/unsubscribe',
      params: { uri: 'a:' },
    });
  });

  it('makes no question of the server uncertain', () => {
    const { one, client, bystander } = stage();
    bystander.asks('1', 'resources/subscribe', { uri: 'a:' });
    client.asks('1', 'tools/call', { name: 'x' });
    one.server.take();
    one.server.says(QUESTION);
    expect(read(client.takeOne())).toMatchObject({ method: 'roots/list' });
    bystander.leaves(); // before its subscription was answered
    expect(one.correlation.haunted).toBe(false);
    one.server.says(QUESTION.replace('"q"', '"r"'));
    expect(read(client.takeOne())).toMatchObject({ id: 'r' });
  });

  it('is told when the server is lost', () => {
    const { one, client, bystander } = stage();
    one.server.goes(GONE);
    for (const { closings } of [client, bystander]) expect(closings).toEqual([GONE]);
    expect(one.correlation.sessions).toBe(0);
  });
});
