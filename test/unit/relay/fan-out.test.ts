import { describe, expect, it } from 'vitest';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { FanOut } from '../../../src/relay/fan-out.js';
import type { Link } from '../../../src/relay/link.js';
import { MemoryLink } from './memory-link.js';
import { Client, GONE } from './stage.js';

const CHANGED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
const subscribe = (id: number): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"resources/subscribe","params":{"uri":"a:"}}`;
const accepted = (id: number): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`;
const refused = (id: number, why = 'no'): string =>
  `{"jsonrpc":"2.0","id":${id},"error":{"code":-32602,"message":"${why}"}}`;
const question = (method: string): string => `{"jsonrpc":"2.0","id":"q","method":"${method}"}`;

function stage() {
  const events: ProxyEvent[] = [];
  const fan = new FanOut((event) => events.push(event));
  const client = new Client(fan);
  const [a, b, c] = [new MemoryLink(), new MemoryLink(), new MemoryLink()];
  for (const link of [a, b]) fan.join(link);
  return { fan, client, a, b, c, events };
}

/** Lets what was promised happen. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A link that the test makes, or fails to make. */
function expected(fan: FanOut): {
  make: (link: Link) => Promise<void>;
  fail: (why: string) => Promise<void>;
} {
  let resolve: (link: Link) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  fan.expect(
    new Promise((...settle) => {
      [resolve, reject] = settle;
    }),
  );
  return {
    make: (link) => {
      resolve(link);
      return settled();
    },
    fail: (why) => {
      reject(new Error(why));
      return settled();
    },
  };
}

describe('several links that are listened to as one', () => {
  it('are all heard, those that join later too', () => {
    const { fan, client, a, b, c } = stage();
    a.says(CHANGED);
    fan.join(c);
    for (const link of [b, c]) link.says(CHANGED);
    expect(client.take()).toEqual([CHANGED, CHANGED, CHANGED]);
  });

  it('each get the requests, those that join later too', () => {
    const { fan, client, a, b, c } = stage();
    for (const id of [1, 2]) client.says(subscribe(id));
    for (const link of [a, b]) expect(link.take()).toEqual([subscribe(1), subscribe(2)]);
    a.says(accepted(1));
    fan.join(c);
    expect(c.take()).toEqual([subscribe(1), subscribe(2)]);
  });

  it('give one answer: the first that accepts', () => {
    const { fan, client, a, b, c } = stage();
    client.says(subscribe(1));
    a.says(refused(1));
    expect(client.take()).toEqual([]);
    b.says(accepted(1));
    expect(client.takeOne()).toBe(accepted(1));
    fan.join(c);
    c.says(refused(1));
    expect(client.take()).toEqual([]);
  });

  it('give a refusal once nobody can accept any more, and then nobody else is asked', () => {
    const { fan, client, a, b, c } = stage();
    client.says(subscribe(1));
    a.says(refused(1));
    fan.join(c);
    b.says(refused(1));
    expect(client.take()).toEqual([]);
    c.says(refused(1, 'the last'));
    expect(client.takeOne()).toBe(refused(1, 'the last'));
    const later = new MemoryLink();
    fan.join(later);
    expect(later.take()).toEqual([]);
    for (const link of [a, b]) link.says(accepted(1));
    expect(client.take()).toEqual([]);
  });

  it('are answered where they have asked', () => {
    const { client, a, b } = stage();
    client.onMessage = (text) => {
      if (text.includes('ping')) client.says('{"jsonrpc":"2.0","id":"q","result":{}}');
    };
    b.says(question('ping'));
    expect([a.take(), b.take()]).toEqual([[], ['{"jsonrpc":"2.0","id":"q","result":{}}']]);
    client.says('{"jsonrpc":"2.0","id":"q","result":{}}');
    expect([a.take(), b.take()]).toEqual([[], []]);
  });

  it('end with the last of them', () => {
    const { fan, client, a, b, c } = stage();
    client.says(subscribe(1));
    a.says(refused(1, 'lost'));
    a.goes({ kind: 'failed', text: 'the first' });
    b.says(CHANGED);
    expect(client.takeOne()).toBe(CHANGED);
    expect(client.closings).toEqual([]);
    b.says(refused(1, 'lost'));
    b.goes(GONE);
    expect(client.takeOne()).toBe(refused(1, 'lost'));
    expect(client.closings).toEqual([GONE]);
    fan.join(c);
    expect(c.closings).toEqual([GONE]);
    client.says(subscribe(2));
    expect([...a.take(), ...b.sentTooLate, ...c.take()]).not.toContain(subscribe(2));
  });

  it('are all closed by who listens', () => {
    const { fan, client, a, b, c } = stage();
    client.says(subscribe(1));
    client.leaves();
    client.leaves();
    fan.join(c);
    for (const link of [a, b, c]) expect(link.closings).toMatchObject([{ kind: 'ended' }]);
    b.says(accepted(1));
    a.says(CHANGED);
    expect([...client.take(), ...client.closings]).toEqual([]);
  });
});

describe('a link that is still being made', () => {
  it('counts as one that is there, and gets all that was asked', async () => {
    const { fan, client, a, b, c } = stage();
    const { make } = expected(fan);
    client.says(subscribe(1));
    b.says(accepted(1));
    for (const link of [a, b]) link.goes(GONE);
    expect(client.closings).toEqual([]);
    await make(c);
    expect(c.takeOne()).toBe(subscribe(1));
    c.says(CHANGED);
    expect(client.take()).toEqual([accepted(1), CHANGED]);
    c.goes(GONE);
    expect(client.closings).toEqual([GONE]);
  });

  it('that comes to nothing is left out; where it was the last, all has ended', async () => {
    const { fan, client, a, b, events } = stage();
    await expected(fan).fail('not this one');
    const { fail } = expected(fan);
    for (const link of [a, b]) link.goes(GONE);
    expect(client.closings).toEqual([]);
    await fail('the handshake failed');
    expect(client.closings).toEqual([{ kind: 'failed', text: 'the handshake failed' }]);
    expect(events).toEqual([]);
  });

  it('that comes after the end is closed', async () => {
    const { fan, client, c } = stage();
    const { make } = expected(fan);
    client.leaves();
    await make(c);
    expect(c.closings).toHaveLength(1);
  });
});
