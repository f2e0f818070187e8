import { describe, expect, it } from 'vitest';
import { req } from '../../requirements.js';
import { read, Stage } from './stage.js';

const cancel = (ref: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"x":1,"requestId":${ref},"reason":"r"}}`;

describe('a client that gives a request up', () => {
  it(`${req('cancellation.stops-work', 'cancellation.own-requests-only')} cancels its own of several with the same id`, () => {
    const stage = new Stage();
    const [a, b] = [stage.client(), stage.client()];
    for (const client of [a, b]) client.asks('"1"', 'tools/call');
    const [forA] = stage.server.take();
    b.says(cancel('"\\u0031"'));
    expect(stage.server.takeOne()).toBe(cancel('2'));
    expect(stage.correlation.inFlight).toBe(1);
    stage.answers(forA ?? '');
    expect(a.take()).toHaveLength(1);
  });

  it('passes its words on where it has the upstream to itself', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.client();
    client.asks('1', 'tools/call');
    stage.server.take();
    client.says(cancel('1.0'));
    expect(stage.server.takeOne()).toBe(cancel('1.0'));
    expect(stage.correlation.inFlight).toBe(0);
  });

  it.each([true, false])(
    `${req('cancellation.invalid-ignored')} is not heard where it names nothing that is open (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive });
      const client = stage.client();
      client.asks('1', 'tools/call');
      const sent = stage.server.takeOne();
      for (const ref of ['2', '"1"', 'null', '{"a":1}', '[]', '""']) client.says(cancel(ref));
      client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}');
      client.says('{"jsonrpc":"2.0","method":"notifications/cancelled"}');
      stage.answers(sent);
      client.says(cancel('1'));
      expect(stage.server.take()).toEqual([]);
      expect(client.take()).toHaveLength(1);
    },
  );

  it(`${req('cancellation.no-response', 'cancellation.late-response-ignored', 'cancellation.race')} gets no answer, also to the same id used again`, () => {
    const stage = new Stage();
    const client = stage.client();
    client.asks('1', 'm', { _meta: { progressToken: 1 } });
    const first = stage.server.takeOne();
    client.says(cancel('1'));
    client.asks('1', 'm', { _meta: { progressToken: 1 } });
    const [, second] = stage.server.take();
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${read(first).id},"progress":1}}`,
    );
    stage.answers(first, { of: 'first' });
    expect(client.take()).toEqual([]);
    stage.answers(second ?? '', { of: 'second' });
    expect(read(client.takeOne()).result).toEqual({ of: 'second' });
  });

  it.each([true, false])(
    `${req('cancellation.not-initialize')} cannot cancel initialize (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive });
      const [a, b] = exclusive ? [stage.client()] : [stage.client(), stage.client()];
      a?.initializes();
      b?.initializes();
      const sent = stage.server.takeOne();
      a?.says(cancel('0'));
      b?.says(cancel('0'));
      expect(stage.server.take()).toEqual([]);
      stage.answers(sent, { protocolVersion: '2025-11-25' });
      expect(a?.take()).toHaveLength(1);
      expect(b?.take() ?? ['']).toHaveLength(1);
    },
  );
});

describe('a session that ends', () => {
  it.each([true, false])(
    `${req('cancellation.stops-work', 'cancellation.not-initialize')} has its open requests cancelled, not initialize (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive });
      const client = stage.client();
      client.initializes();
      client.asks('"5"', 'tools/call', { _meta: { progressToken: 9 } });
      client.asks('6', 'tools/call');
      const ids = stage.server.take().map((text) => read(text).id);
      client.leaves();
      const cancelled = stage.server.take().map(read);
      expect(cancelled).toMatchObject(
        ids.slice(1).map((requestId) => ({ method: 'notifications/cancelled', params: { requestId } })),
      );
      client.asks('7', 'm');
      client.says(cancel('6'));
      expect(stage.server.take()).toEqual([]);
      stage.server.says('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
      expect(client.take()).toEqual([]);
    },
  );

  it('leaves the requests of others alone', () => {
    const stage = new Stage();
    const [a, b] = [stage.client(), stage.client()];
    for (const client of [a, b]) client.asks('1', 'm', { _meta: { progressToken: 't' } });
    const [, forB] = stage.server.take();
    a.leaves();
    stage.server.says(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}}',
    );
    stage.answers(forB ?? '');
    expect(b.take()).toHaveLength(2);
    expect(stage.correlation.inFlight).toBe(0);
  });
});
