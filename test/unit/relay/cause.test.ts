/** What a transport knows of the call that a message belongs to, and sessions that a translator stands before. */
import { describe, expect, it } from 'vitest';
import { HAUNTED_MS } from '../../../src/relay/audience.js';
import { Client, read, Stage } from './stage.js';

const QUESTION = '{"jsonrpc":"2.0","id":"q","method":"roots/list"}';
const note = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params });
const LOG = note('notifications/message', { level: 'info', data: 1 });

/** Two sessions with a call open each, under the same id of their own; and the keys that the server knows. */
function two(options: ConstructorParameters<typeof Stage>[0] = {}) {
  const stage = new Stage(options);
  const [a, b] = [stage.ready({ roots: {} }), stage.ready({ roots: {} })];
  for (const client of [a, b]) client.asks('5', 'tools/call', { name: 'x' });
  const [ofA = '', ofB = ''] = stage.server.take().map((text) => String(read(text).id));
  return { stage, a, b, ofA, ofB };
}

describe('a message on the stream of a call', () => {
  it('is a question to whose call it is, although others have one open', () => {
    const { stage, a, b, ofB } = two();
    stage.server.says(QUESTION, ofB);
    expect(b.takeAll()).toEqual([{ text: QUESTION, about: '5' }]);
    expect(a.take()).toEqual([]);
    b.says('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}');
    expect(stage.server.takeOne()).toContain('roots');
  });

  it('is refused as a question that this client cannot be asked, whatever the others can', () => {
    const { stage, a, b } = two();
    const mute = stage.ready();
    mute.asks('1', 'tools/call', { name: 'x' });
    const ofMute = String(read(stage.server.takeOne()).id);
    stage.server.says(QUESTION, ofMute);
    expect(read(stage.server.takeOne())).toMatchObject({ id: 'q', error: { code: -32601 } });
    expect([a.take(), b.take(), mute.take()]).toEqual([[], [], []]);
  });

  it('is a log line, or a notification that nobody knows, of that call', () => {
    const { stage, a, b, ofA } = two();
    stage.server.says(LOG, ofA);
    stage.server.says(note('x/unheard'), ofA);
    expect(a.takeAll()).toEqual([
      { text: LOG, about: '5' },
      { text: note('x/unheard'), about: '5' },
    ]);
    expect(b.take()).toEqual([]);
  });

  it('is for all, where it is about what all share', () => {
    const { stage, a, b, ofA } = two();
    const changed = note('notifications/tools/list_changed');
    stage.server.says(changed, ofA);
    for (const client of [a, b]) expect(client.takeAll()).toEqual([{ text: changed, about: undefined }]);
  });

  it('goes to none of the open calls of somebody else: who was asked hears that it is off', () => {
    const { stage, a, b, ofA, ofB } = two();
    stage.server.says(QUESTION, ofB);
    b.asks('6', 'tools/call', { name: 'y' });
    a.asks('6', 'tools/call', { name: 'y' });
    const ofA6 = String(read(stage.server.take()[1] ?? '').id);
    b.take();
    const off = note('notifications/cancelled', { requestId: 'q' });
    stage.server.says(off, ofA6);
    // B has a call of the same id as A's, which has nothing to do with it.
    expect(b.takeAll()).toEqual([{ text: off, about: undefined }]);
    expect([a.take(), ofA]).toEqual([[], ofA]);
  });

  it('says nothing where the call is over, or is the proxy`s own', () => {
    const { stage, a, b, ofA } = two();
    stage.answers(`{"jsonrpc":"2.0","id":${ofA},"method":"x"}`);
    a.take();
    stage.server.says(QUESTION, ofA);
    // Only B has a call open, so that it is taken for B's, as without a stream.
    expect(b.take()).toEqual([QUESTION]);
    const own = new Stage();
    const [c, d] = [own.ready({ roots: {} }), own.ready({ roots: {} })];
    c.asks('1', 'resources/subscribe', { uri: 'a:b' });
    own.answers(own.server.takeOne());
    c.leaves();
    const unsubscribe = String(read(own.server.takeOne()).id);
    d.asks('1', 'tools/call', { name: 'x' });
    own.server.take();
    own.server.says(QUESTION, unsubscribe);
    expect(d.take()).toEqual([QUESTION]);
  });

  it('reaches the only session of an upstream that is not shared, with its call', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.ready({ roots: {} });
    client.asks('5', 'tools/call', { name: 'x' });
    client.asks('"6"', 'tools/call', { name: 'x' });
    stage.server.says(QUESTION, '"6"');
    stage.server.says(LOG, '5');
    expect(client.takeAll()).toEqual([
      { text: QUESTION, about: '"6"' },
      { text: LOG, about: '5' },
    ]);
  });

  it('is a modern server`s notification of that request, although others want log messages too', () => {
    const stage = new Stage({ era: 'modern' });
    const [a, b] = [stage.client(), stage.client()];
    const meta = { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } };
    for (const client of [a, b]) client.asks('1', 'tools/call', meta);
    const [, ofB = ''] = stage.server.take().map((text) => String(read(text).id));
    stage.server.says(LOG, ofB);
    expect([a.take(), b.takeAll()]).toEqual([[], [{ text: LOG, about: '1' }]]);
  });
});

describe('a session that a translator stands before', () => {
  function translated(stage: Stage): Client {
    return new Client(stage.correlation.attach({ isTranslated: true }));
  }

  it('is asked whatever the server asks: the translator knows what its client can be asked', () => {
    const stage = new Stage();
    stage.ready();
    const client = translated(stage);
    client.asks('1', 'tools/call', { name: 'x' });
    stage.server.says(QUESTION);
    expect(client.take()).toEqual([QUESTION]);
  });

  it('asks for no log level of the server by joining, nor by leaving', () => {
    const stage = new Stage();
    const other = stage.ready();
    other.asks('1', 'logging/setLevel', { level: 'error' });
    expect(read(stage.server.takeOne()).params).toEqual({ level: 'error' });
    const client = translated(stage);
    expect(stage.server.take()).toEqual([]);
    client.asks('1', 'logging/setLevel', { level: 'debug' });
    expect(read(stage.server.takeOne()).params).toEqual({ level: 'debug' });
    client.leaves();
    const sent = stage.server.take().map(read);
    expect(sent).toContainEqual(expect.objectContaining({ params: { level: 'error' } }));
  });
});

describe('a server that may still be at work for what was given up', () => {
  it('is haunted until it answers, or long enough', () => {
    const { stage, a, ofA } = two();
    expect(stage.correlation.haunted).toBe(false);
    a.says(note('notifications/cancelled', { requestId: 5 }));
    expect(stage.correlation.haunted).toBe(true);
    stage.clock.advance(HAUNTED_MS - 1);
    expect(stage.correlation.haunted).toBe(true);
    stage.clock.advance(1);
    expect(stage.correlation.haunted).toBe(false);
    expect(ofA).not.toBe('');
  });

  it('is so by a client that leaves, and by a time limit; not by one that was answered, nor by a handshake', () => {
    const { stage, a, b, ofB } = two({ timeout: 1000 });
    stage.answers(`{"jsonrpc":"2.0","id":${ofB},"method":"x"}`);
    b.leaves();
    expect(stage.correlation.haunted).toBe(false);
    stage.clock.advance(1000);
    expect(stage.correlation.haunted).toBe(true);
    a.leaves();
    const fresh = new Stage();
    const client = fresh.client();
    client.initializes();
    client.leaves();
    expect(fresh.correlation.haunted).toBe(false);
  });

  it('is not where its one client, or a modern server, can mix nothing up', () => {
    for (const options of [{ exclusive: true }, { era: 'modern' }] as const) {
      const { stage, a } = two(options);
      a.says(note('notifications/cancelled', { requestId: 5 }));
      expect(stage.correlation.haunted).toBe(false);
    }
  });
});
