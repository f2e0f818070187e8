import { describe, expect, it } from 'vitest';
import { MAX_PROLONGED, OWN_REQUEST_MS } from '../../../src/relay/calls.js';
import { STILL_MS } from '../../../src/relay/time-limit.js';
import { req } from '../../requirements.js';
import { type Client, INITIALIZED, read, Stage } from './stage.js';

const SECOND = 1000;

describe('the time limit of a request', () => {
  it.each([true, false])(
    `${req('lifecycle.timeout.set', 'lifecycle.timeout.cancels')} ends it with an error and a cancellation (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive, timeout: 30 * SECOND });
      const client = stage.client();
      client.asks('"x"', 'tools/call');
      const sent = stage.server.takeOne();
      stage.clock.advance(30 * SECOND - 1);
      expect(client.take()).toEqual([]);
      stage.clock.advance(1);
      expect(client.takeAll()).toEqual([
        {
          text: '{"jsonrpc":"2.0","id":"x","error":{"code":-32603,"message":"server \\"demo\\" did not answer tools/call within 30 s"}}',
          about: '"x"',
        },
      ]);
      expect(read(stage.server.takeOne())).toMatchObject({
        method: 'notifications/cancelled',
        params: { requestId: read(sent).id },
      });
      stage.answers(sent);
      expect(client.take()).toEqual([]);
      expect([stage.correlation.inFlight, stage.clock.timers]).toEqual([0, 0]);
    },
  );

  it(`${req('lifecycle.timeout.maximum')} starts again with progress, but not for ever`, () => {
    const stage = new Stage({ timeout: 10 * SECOND });
    const client = stage.client();
    client.asks('1', 'm', { _meta: { progressToken: 't' } });
    const { id } = read(stage.server.takeOne());
    let told = 0;
    for (let s = 0; s < 10 * MAX_PROLONGED - 1; s++) {
      stage.clock.advance(SECOND);
      stage.server.says(
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":${s}}}`,
      );
      told += client.take().length;
    }
    expect(told).toBe(10 * MAX_PROLONGED - 1);
    stage.clock.advance(SECOND);
    expect(read(client.takeOne()).error).toMatchObject({
      message: `server "demo" did not answer m within ${10 * MAX_PROLONGED} s`,
    });
    expect(stage.clock.timers).toBe(0);
  });

  it('is not there where none was set', () => {
    const stage = new Stage();
    const client = stage.client();
    client.asks('1', 'm');
    expect(stage.clock.timers).toBe(0);
  });

  it('ends what the proxy asks for itself, even where none was set', () => {
    const stage = new Stage();
    const client = stage.ready();
    client.asks('1', 'resources/subscribe', { uri: 'a:' });
    stage.answers(stage.server.takeOne());
    client.leaves();
    expect(read(stage.server.takeOne()).method).toBe('resources/unsubscribe');
    expect(stage.correlation.inFlight).toBe(1);
    stage.clock.advance(OWN_REQUEST_MS);
    expect(stage.correlation.inFlight).toBe(0);
    expect(read(stage.server.takeOne()).method).toBe('notifications/cancelled');
  });

  it('takes a subscription back that was not answered', () => {
    const stage = new Stage({ timeout: SECOND });
    const [a, b] = [stage.ready(), stage.ready()];
    a.asks('1', 'resources/subscribe', { uri: 'a:' });
    stage.clock.advance(SECOND);
    a.take();
    stage.server.take();
    b.asks('1', 'resources/unsubscribe', { uri: 'a:' });
    expect(read(stage.server.takeOne()).method).toBe('resources/unsubscribe');
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:"}}');
    expect(a.take()).toEqual([]);
  });

  it(`${req('cancellation.not-initialize')} ends a handshake for those who wait for it too, and the next one tries again`, () => {
    const stage = new Stage({ startTimeout: SECOND });
    const [a, b] = [stage.client(), stage.client()];
    a.initializes();
    b.initializes();
    const first = stage.server.takeOne();
    stage.clock.advance(SECOND);
    for (const client of [a, b])
      expect(read(client.takeOne())).toMatchObject({ id: 0, error: { code: -32603 } });
    expect(stage.server.take()).toEqual([]);
    b.initializes();
    const second = stage.server.takeOne();
    stage.answers(first, INITIALIZED);
    expect(b.take()).toEqual([]);
    stage.answers(second, INITIALIZED);
    expect(read(b.takeOne()).result).toEqual(INITIALIZED);
    expect(stage.clock.timers).toBe(0);
  });

  it('ends the wait of one for a handshake that goes on', () => {
    const stage = new Stage({ startTimeout: 2 * SECOND });
    const [a, b] = [stage.client(), stage.client()];
    a.initializes();
    const sent = stage.server.takeOne();
    a.leaves();
    stage.clock.advance(SECOND);
    b.initializes();
    stage.answers(sent, INITIALIZED);
    expect(b.take()).toHaveLength(1);

    const proxy = new Stage({ startTimeout: 2 * SECOND });
    void proxy.correlation.initialize({}).catch(() => undefined);
    const c = proxy.client();
    c.initializes();
    proxy.clock.advance(2 * SECOND);
    expect(read(c.takeOne()).error).toMatchObject({ code: -32603 });
    expect([proxy.correlation.inFlight, proxy.clock.timers]).toEqual([0, 0]);
  });
});

describe('the longest time of a request', () => {
  const progress = (stage: Stage, id: unknown): void =>
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":1}}`,
    );

  it(`${req('lifecycle.timeout.maximum')} is what is set, and holds also without a limit that progress starts again`, () => {
    const stage = new Stage({ timeout: Number.POSITIVE_INFINITY, maxTimeout: 25 * SECOND });
    const client = stage.client();
    client.asks('1', 'm', { _meta: { progressToken: 't' } });
    const { id } = read(stage.server.takeOne());
    stage.clock.advance(10 * SECOND);
    progress(stage, id);
    client.take();
    stage.clock.advance(15 * SECOND);
    expect(read(client.takeOne()).error).toMatchObject({
      message: 'server "demo" did not answer m within 25 s',
    });
    expect(read(stage.server.takeOne()).method).toBe('notifications/cancelled');
    expect(stage.clock.timers).toBe(0);
  });

  it('may be none: then progress goes on for ever', () => {
    const stage = new Stage({ timeout: SECOND, maxTimeout: Number.POSITIVE_INFINITY });
    const client = stage.client();
    client.asks('1', 'm', { _meta: { progressToken: 't' } });
    const { id } = read(stage.server.takeOne());
    for (let i = 0; i < 100 * MAX_PROLONGED; i++) {
      stage.clock.advance(SECOND - 1);
      progress(stage, id);
      expect(client.take()).toHaveLength(1);
    }
    stage.clock.advance(SECOND);
    expect(read(client.takeOne())).toHaveProperty('error');
  });

  it('is no less than what is left of the limit', () => {
    const stage = new Stage({ timeout: 10 * SECOND, maxTimeout: 12 * SECOND });
    const client = stage.client();
    client.asks('1', 'm', { _meta: { progressToken: 't' } });
    const { id } = read(stage.server.takeOne());
    stage.clock.advance(9 * SECOND);
    progress(stage, id);
    client.take();
    stage.clock.advance(3 * SECOND - 1);
    expect(client.take()).toEqual([]);
    stage.clock.advance(1);
    expect(client.take()).toHaveLength(1);
  });

  it('is not that of the first answer', () => {
    const stage = new Stage({ timeout: SECOND, startTimeout: 5 * SECOND });
    const client = stage.client();
    client.initializes();
    const initialize = stage.server.takeOne();
    stage.clock.advance(4 * SECOND);
    stage.answers(initialize, INITIALIZED);
    expect(read(client.takeOne()).result).toEqual(INITIALIZED);
  });
});

describe('while the server waits for the client', () => {
  /** A call with a question open. */
  function asked(exclusive: boolean, limits = { timeout: 10 * SECOND }): { stage: Stage; client: Client } {
    const stage = new Stage({ exclusive, ...limits });
    const client = stage.ready({ roots: {} });
    client.asks('1', 'm');
    stage.server.take();
    stage.clock.advance(4 * SECOND);
    stage.server.says('{"jsonrpc":"2.0","id":"q","method":"roots/list"}');
    expect(read(client.takeOne()).method).toBe('roots/list');
    return { stage, client };
  }

  it.each([true, false])(
    'the time limit stands still, and goes on with the answer (exclusive: %s)',
    (exclusive) => {
      const { stage, client } = asked(exclusive);
      stage.clock.advance(10 * 60 * SECOND);
      expect(client.take()).toEqual([]);
      client.says('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}');
      stage.clock.advance(6 * SECOND - 1);
      expect(client.take()).toEqual([]);
      stage.clock.advance(1);
      expect(read(client.takeOne()).error).toMatchObject({
        message: 'server "demo" did not answer m within 10 s',
      });
      expect(stage.clock.timers).toBe(0);
    },
  );

  it('it stands still as long as one question is open', () => {
    const { stage, client } = asked(false);
    stage.server.says('{"jsonrpc":"2.0","id":"r","method":"roots/list"}');
    client.take();
    client.says('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}');
    stage.clock.advance(60 * SECOND);
    expect(client.take()).toEqual([]);
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r"}}');
    client.take();
    stage.clock.advance(6 * SECOND);
    expect(client.take()).toHaveLength(1);
  });

  it('it goes on in the end where no answer comes', () => {
    const { stage, client } = asked(false);
    stage.clock.advance(STILL_MS + 6 * SECOND - 1);
    expect(client.take()).toEqual([]);
    stage.clock.advance(1);
    expect(client.take()).toHaveLength(1);
    expect(stage.clock.timers).toBe(0);
  });

  it('progress starts it again for then', () => {
    const stage = new Stage({ timeout: 10 * SECOND });
    const client = stage.ready({ roots: {} });
    client.asks('1', 'm', { _meta: { progressToken: 't' } });
    const { id } = read(stage.server.takeOne());
    stage.clock.advance(9 * SECOND);
    stage.server.says('{"jsonrpc":"2.0","id":"q","method":"roots/list"}');
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":1}}`,
    );
    stage.clock.advance(60 * SECOND);
    client.take();
    client.says('{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}');
    stage.clock.advance(10 * SECOND - 1);
    expect(client.take()).toEqual([]);
    stage.clock.advance(1);
    expect(client.take()).toHaveLength(1);
  });

  it("it is the session's own: another's call runs out", () => {
    const { stage } = asked(false, { timeout: 10 * SECOND });
    const other = stage.client();
    other.asks('1', 'm');
    stage.clock.advance(10 * SECOND);
    expect(other.take()).toHaveLength(1);
  });
});
