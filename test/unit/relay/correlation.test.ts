import { describe, expect, it } from 'vitest';
import { req } from '../../requirements.js';
import { GONE, read, Stage } from './stage.js';

describe('an upstream that one session has to itself', () => {
  it.each(['1', '1.0', '"a"', '9007199254740993', '-7', '"\\u0061\\u00e9"', '"\u00c3\u00a9"', '0'])(
    `${req('base.result.same-id')} leaves every byte of a call with the id %s as it is`,
    (id) => {
      const stage = new Stage({ exclusive: true });
      const client = stage.client();
      const call = `{"id":${id}, "method":"tools/call" ,"x":1,"params":{"_meta":{"progressToken":${id}}},"jsonrpc":"2.0"}`;
      client.says(call);
      expect(stage.server.takeOne()).toBe(call);
      const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":1}}`;
      stage.server.says(progress);
      const answer = `{"result":{"n":10000000000000000000000001},"id":${id},"y":[],"jsonrpc":"2.0"}`;
      stage.server.says(answer);
      expect(client.take()).toEqual([progress, answer]);
      expect(stage.correlation.inFlight).toBe(0);
    },
  );

  it('knows an id by its value where the server spells it otherwise', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.client();
    for (const id of ['1.0', '"\\u00e9"', '"b"']) client.says(`{"jsonrpc":"2.0","id":${id},"method":"m"}`);
    for (const id of ['1', '"\u00c3\u00a9"', '"\\u0062"'])
      stage.server.says(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
    expect(client.takeAll().map(({ about }) => about)).toEqual(['1', '"\\u00e9"', '"b"']);
    expect(stage.correlation.inFlight).toBe(0);
  });

  it('says which open request a message belongs to, where there is one', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.client();
    const log = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}';
    const list = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
    stage.server.says(log);
    client.asks('1.0', 'tools/call');
    stage.server.says(log);
    stage.server.says(list);
    stage.server.says('{"jsonrpc":"2.0","id":5,"method":"roots/list"}');
    client.asks('2', 'tools/call');
    stage.server.says(log);
    expect(client.takeAll().map(({ about }) => about)).toEqual([undefined, '1', undefined, '1', undefined]);
  });

  it('passes handshake, questions, pings and unknown methods on, both ways', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.client();
    client.initializes('2024-11-05', { roots: {} });
    const initialize = stage.server.takeOne();
    expect(read(initialize).params).toMatchObject({ protocolVersion: '2024-11-05' });
    stage.answers(initialize, { protocolVersion: '1999-01-01' });
    expect(read(client.takeOne()).result).toEqual({ protocolVersion: '1999-01-01' });
    const asked = ['{"jsonrpc":"2.0","id":"q","method":"ping"}', '{"jsonrpc":"2.0","id":1,"method":"x/y"}'];
    for (const text of asked) stage.server.says(text);
    expect(client.take()).toEqual(asked);
    client.says('{"jsonrpc":"2.0","id":"q","result":{}}');
    client.says('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}');
    client.says('{"jsonrpc":"2.0","method":"x/z"}');
    expect(stage.server.take()).toHaveLength(3);
  });

  it(`${req('ping.answered')} answers a ping while no client is there`, () => {
    const stage = new Stage({ exclusive: true });
    stage.server.says('{"jsonrpc":"2.0","id":"p","method":"ping"}');
    expect(stage.server.takeOne()).toBe('{"jsonrpc":"2.0","id":"p","result":{}}');
  });

  it('keeps the token of a second request that took the same one', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.client();
    for (const id of ['1', '2']) client.asks(id, 'm', { _meta: { progressToken: 't' } });
    stage.answers(stage.server.take()[0] ?? '');
    client.take();
    stage.server.says(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1}}',
    );
    expect(client.takeAll().map(({ about }) => about)).toEqual(['2']);
  });
});

describe('an upstream that several sessions share', () => {
  it.each(['1', '1.0', '"a"', '9007199254740993', '-7', '"\\u0061"', '"\u00c3\u00a9"', '1e2'])(
    `${req('base.result.same-id', 'base.error.same-id')} gives back the id %s as it was written`,
    (id) => {
      const stage = new Stage();
      const [a, b] = [stage.client(), stage.client()];
      for (const client of [a, b]) {
        client.says(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"n":1.50}}`);
      }
      const [forA, forB] = stage.server.take();
      expect(forA).toBe('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n":1.50}}');
      expect(forB).toBe('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"n":1.50}}');
      stage.server.says('{"jsonrpc":"2.0","result":{"n":1.0},"id":2}');
      stage.server.says('{"error":{"code":-1,"message":"m","data":[1.0]},"id":1,"jsonrpc":"2.0"}');
      expect(b.takeOne()).toBe(`{"jsonrpc":"2.0","result":{"n":1.0},"id":${id}}`);
      expect(a.takeOne()).toBe(`{"error":{"code":-1,"message":"m","data":[1.0]},"id":${id},"jsonrpc":"2.0"}`);
      expect(stage.correlation.inFlight).toBe(0);
    },
  );

  it.each(['1', '"t"', '0', '9007199254740993'])(
    `${req('progress.token-unique', 'progress.known-tokens-only', 'progress.stops')} tells apart two sessions that chose the token %s`,
    (token) => {
      const stage = new Stage();
      const [a, b] = [stage.client(), stage.client()];
      const call = `{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"k":1,"progressToken":${token}}}}`;
      for (const client of [a, b]) client.says(call);
      const sent = stage.server.take();
      expect(sent).toEqual([
        '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"k":1,"progressToken":1}}}',
        '{"jsonrpc":"2.0","id":2,"method":"m","params":{"_meta":{"k":1,"progressToken":2}}}',
      ]);
      const progress = (t: string): string =>
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1,"progressToken":${t},"message":"m"}}`;
      stage.server.says(progress('2'));
      expect(b.takeAll()).toEqual([{ text: progress(token), about: '7' }]);
      stage.answers(sent[1] ?? '');
      b.take();
      stage.server.says(progress('2'));
      stage.server.says(progress('99'));
      stage.server.says(progress('"1"'));
      expect([...a.take(), ...b.take()]).toEqual([]);
    },
  );

  it('refuses an id that is in use, and the request that has it goes on', () => {
    const stage = new Stage();
    const client = stage.client();
    client.asks('1', 'tools/call');
    client.asks('1.0', 'tools/call');
    const sent = stage.server.takeOne();
    expect(read(client.takeOne())).toMatchObject({ id: null, error: { code: -32600 } });
    stage.answers(sent, { ok: true });
    expect(read(client.takeOne())).toMatchObject({ id: 1, result: { ok: true } });
    client.asks('1', 'tools/call');
    stage.answers(stage.server.takeOne());
    expect(client.take()).toHaveLength(1);
  });

  it('passes an error without an id to the only client there is', () => {
    const stage = new Stage({ exclusive: true });
    const client = stage.client();
    client.asks('1', 'm');
    const text = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}';
    stage.server.says(text);
    expect(client.takeAll()).toEqual([{ text, about: '1' }]);
  });

  it('drops answers that nobody waits for', () => {
    const stage = new Stage();
    const client = stage.client();
    client.asks('1', 'm');
    const sent = stage.server.takeOne();
    stage.server.says('{"jsonrpc":"2.0","id":77,"result":{}}');
    stage.server.says('{"jsonrpc":"2.0","id":"1","result":{}}');
    stage.server.says('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}');
    expect(client.take()).toEqual([]);
    stage.answers(sent);
    stage.answers(sent);
    expect(client.take()).toHaveLength(1);
  });

  it('answers a ping of the server itself', () => {
    const stage = new Stage();
    const client = stage.client();
    stage.server.says('{"jsonrpc":"2.0","id":"p","method":"ping"}');
    expect(stage.server.takeOne()).toBe('{"jsonrpc":"2.0","id":"p","result":{}}');
    expect(client.take()).toEqual([]);
  });

  it(`${req('tools.list-changed', 'prompts.list-changed', 'resources.list-changed')} tells everybody that a list has changed`, () => {
    const stage = new Stage();
    const clients = [stage.client(), stage.client(), stage.client()];
    clients[1]?.asks('1', 'm');
    for (const what of ['tools', 'prompts', 'resources']) {
      const text = `{"jsonrpc":"2.0","method":"notifications/${what}/list_changed"}`;
      stage.server.says(text);
      for (const client of clients) expect(client.takeAll()).toEqual([{ text, about: undefined }]);
    }
  });

  it('brings an unknown notification to the one that is busy, to all where none is, to nobody where several are', () => {
    const stage = new Stage();
    const [a, b] = [stage.client(), stage.client()];
    const text = '{"jsonrpc":"2.0","method":"x/y"}';
    stage.server.says(text);
    expect([a.take(), b.take()]).toEqual([[text], [text]]);
    a.asks('5', 'm');
    stage.server.says(text);
    expect([a.takeAll(), b.take()]).toEqual([[{ text, about: '5' }], []]);
    b.asks('5', 'm');
    stage.server.says(text);
    expect([a.take(), b.take()]).toEqual([[], []]);
  });

  it('counts sessions, and says when the server has spoken first', () => {
    const counts: number[] = [];
    let alive = 0;
    const stage = new Stage({ onPorts: (count) => counts.push(count), onAlive: () => alive++ });
    const [a, b] = [stage.client(), stage.client()];
    a.leaves();
    a.leaves();
    stage.server.says('{"jsonrpc":"2.0","method":"x"}');
    stage.server.says('{"jsonrpc":"2.0","method":"x"}');
    b.leaves();
    expect(counts).toEqual([1, 2, 1, 0]);
    expect(alive).toBe(1);
    expect(stage.correlation.sessions).toBe(0);
  });
});

describe('the loss of the upstream', () => {
  it.each([true, false])(
    `${req('base.error.code-and-message', 'base.error.code-integer')} answers every open request once (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive, timeout: 1000 });
      const clients = exclusive ? [stage.client()] : [stage.client(), stage.client()];
      for (const client of clients) for (const id of ['1', '"x"']) client.asks(id, 'tools/call');
      stage.server.goes(GONE);
      for (const client of clients) {
        expect(client.take()).toEqual(
          ['1', '"x"'].map(
            (id) =>
              `{"jsonrpc":"2.0","id":${id},"error":{"code":-32603,"message":"server \\"demo\\": exited with code 1","data":{"exitCode":1}}}`,
          ),
        );
        expect(client.closings).toEqual([GONE]);
        client.asks('3', 'm');
        client.leaves();
        expect(client.take()).toEqual([]);
      }
      stage.correlation.close(GONE);
      expect(stage.correlation.inFlight).toBe(0);
      expect(stage.clock.timers).toBe(0);
      expect(stage.server.sentTooLate).toEqual([]);
    },
  );

  it('answers those who wait for the handshake of another, once', () => {
    const stage = new Stage();
    const clients = [stage.client(), stage.client(), stage.client()];
    for (const client of clients) client.initializes();
    stage.server.goes(GONE);
    for (const client of clients) {
      expect(read(client.takeOne())).toMatchObject({ id: 0, error: { code: -32603 } });
      expect(client.closings).toEqual([GONE]);
    }
  });

  it('tells a session that comes afterwards, and one that asks again at once', () => {
    const counts: number[] = [];
    const stage = new Stage({ onPorts: (count) => counts.push(count) });
    const client = stage.client();
    client.asks('1', 'm');
    client.asks('2', 'm');
    client.onMessage = () => {
      client.onMessage = undefined;
      client.asks('3', 'again');
    };
    stage.server.goes(GONE);
    expect(client.take().map((text) => read(text).id)).toEqual([1, 3, 2]);
    const late = stage.client();
    late.says('{"jsonrpc":"2.0","method":"x"}');
    late.initializes();
    expect(read(late.takeOne())).toMatchObject({
      id: 0,
      error: { message: 'server "demo": exited with code 1' },
    });
    expect(late.closings).toEqual([GONE]);
    late.leaves();
    expect(counts).toEqual([1]);
    expect(stage.server.sentTooLate).toEqual([]);
  });

  it('lets a session leave while it is told', () => {
    const stage = new Stage();
    const client = stage.ready();
    client.asks('1', 'm');
    client.asks('2', 'm');
    client.asks('3', 'resources/subscribe', { uri: 'a:' });
    stage.server.take();
    client.onMessage = () => client.leaves();
    stage.server.goes(GONE);
    expect(client.take()).toHaveLength(1);
    expect(client.closings).toEqual([]);
    expect(stage.server.sentTooLate).toEqual([]);
    expect(stage.correlation.inFlight).toBe(0);
  });

  it('closes the link when the proxy ends it, and tells the sessions', () => {
    const stage = new Stage();
    const client = stage.client();
    client.asks('1', 'm');
    stage.correlation.close({ kind: 'stopping', text: 'stopping' });
    expect(read(client.takeOne())).toMatchObject({ id: 1, error: { code: -32603 } });
    expect(client.closings).toHaveLength(1);
    expect(stage.server.closings).toHaveLength(1);
  });

  it('rejects a handshake of its own that it interrupts or follows', async () => {
    const stage = new Stage();
    const during = stage.correlation.initialize({});
    stage.server.goes(GONE);
    await expect(during).rejects.toThrow('exited with code 1');
    await expect(stage.correlation.initialize({})).rejects.toThrow('exited with code 1');
  });
});
