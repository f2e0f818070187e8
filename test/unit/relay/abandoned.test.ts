import { describe, expect, it } from 'vitest';
import { ABANDONED_MS, HAUNTED_MS } from '../../../src/relay/audience.js';
import { INITIALIZED, read, Stage } from './stage.js';

const QUESTION = '{"jsonrpc":"2.0","id":"q","method":"roots/list"}';
const LOG = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}';
const cancelled = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}';

/** Two sessions on one process: the first has given its request up, the second has one open. */
function stage(): {
  stage: Stage;
  a: ReturnType<Stage['ready']>;
  b: ReturnType<Stage['ready']>;
  given: unknown;
} {
  const one = new Stage();
  const [a, b] = [one.ready({ roots: {} }), one.ready({ roots: {} })];
  a.asks('5', 'tools/call', { name: 'x' });
  const given = read(one.server.takeOne()).id;
  a.says(cancelled);
  b.asks('5', 'tools/call', { name: 'y' });
  one.server.take();
  return { stage: one, a, b, given };
}

describe('what a server asks or says after a request was given up', () => {
  it('reaches no other session for a while', () => {
    const { stage: one, a, b } = stage();
    one.server.says(QUESTION);
    one.server.says(LOG);
    expect([a.take(), b.take()]).toEqual([[], []]);
    expect(read(one.server.takeOne())).toMatchObject({ id: 'q', error: {} });
    one.clock.advance(ABANDONED_MS);
    one.server.says(QUESTION);
    expect(read(b.takeOne())).toMatchObject({ id: 'q' });
    expect(one.correlation.haunted).toBe(true);
    one.clock.advance(HAUNTED_MS);
    expect(one.correlation.haunted).toBe(false);
  });

  it('is whose it seems to be once the server has answered what was given up', () => {
    const { stage: one, b, given } = stage();
    one.server.says(`{"jsonrpc":"2.0","id":${given},"result":{}}`);
    one.server.says(QUESTION);
    expect(read(b.takeOne())).toMatchObject({ id: 'q' });
  });

  it('is also kept back where the one who gave it up has left', () => {
    const one = new Stage();
    const [a, b] = [one.ready(), one.ready()];
    a.asks('5', 'tools/call', { name: 'x' });
    a.leaves();
    one.server.take();
    one.server.says(LOG);
    expect(b.take()).toEqual([]);
  });
});

describe('the handshake of the proxy itself', () => {
  it('is done once for all who need it', async () => {
    const one = new Stage();
    const [first, second] = [one.correlation.initialize({}), one.correlation.initialize({})];
    one.answers(one.server.takeOne(), INITIALIZED);
    expect(JSON.parse(await first)).toEqual(INITIALIZED);
    expect(await second).toBe(await first);
    expect(read(one.server.takeOne()).method).toBe('notifications/initialized');
    expect(await one.correlation.initialize({})).toBe(await first);
    expect(one.server.take()).toEqual([]);
  });

  it('is that of a session which has begun it', async () => {
    const one = new Stage();
    const client = one.client();
    client.initializes();
    const own = one.correlation.initialize({});
    one.answers(one.server.takeOne(), INITIALIZED);
    expect(JSON.parse(await own)).toEqual(INITIALIZED);
    expect(read(one.server.takeOne()).method).toBe('notifications/initialized');
    client.says('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    expect(one.server.take()).toEqual([]);
  });

  it('fails for all who wait for it', async () => {
    const one = new Stage();
    const [first, second] = [one.correlation.initialize({}), one.correlation.initialize({})];
    one.refuses(one.server.takeOne());
    await expect(first).rejects.toThrow('demo');
    await expect(second).rejects.toThrow('demo');
  });
});
