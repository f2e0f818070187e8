import { describe, expect, it } from 'vitest';
import type { CloseReason } from '../../../src/relay/link.js';
import { withTimeLimit } from '../../../src/relay/timed.js';
import { HandClock } from './hand-clock.js';
import { MemoryLink, message } from './memory-link.js';

const SECOND = 1000;
const text = (value: object): string => JSON.stringify({ jsonrpc: '2.0', ...value });
const call = (id: unknown, token?: unknown): string =>
  text({ id, method: 'tools/call', params: token === undefined ? {} : { _meta: { progressToken: token } } });
const progress = (token: unknown): string =>
  text({ method: 'notifications/progress', params: { progressToken: token, progress: 1 } });

class Stage {
  readonly clock = new HandClock();
  readonly server = new MemoryLink();
  readonly got: string[] = [];
  readonly told: string[] = [];
  readonly closings: CloseReason[] = [];
  /** A person is asked to do something first, or has done it. */
  stand: (isStill: boolean) => void = () => undefined;
  readonly #link;

  constructor(maxTimeout: number | undefined = undefined) {
    this.#link = withTimeLimit(this.server, {
      server: 'the server',
      clock: this.clock,
      emit: ({ text: told }) => this.told.push(told),
      timeout: SECOND,
      maxTimeout,
      onStill: (hear) => {
        this.stand = hear;
      },
    });
    this.#link.listen({
      message: (one) => this.got.push(one.text),
      closed: (reason) => this.closings.push(reason),
    });
  }

  says(...texts: string[]): void {
    for (const one of texts) this.#link.send(message(one));
  }

  close(): void {
    this.#link.close({ kind: 'ended', text: 'over' });
  }

  takeErrors(): [unknown, string][] {
    return this.got
      .splice(0)
      .map((one) => JSON.parse(one))
      .filter(({ error }) => error !== undefined)
      .map(({ id, error }) => [id, error.message]);
  }
}

describe('a request with a time limit', () => {
  it('has all of its time beside that in which a person signs in, also where it comes meanwhile', () => {
    const stage = new Stage();
    stage.says(call(1));
    stage.clock.advance(SECOND / 2);
    stage.stand(true);
    stage.says(call(2));
    stage.clock.advance(100 * SECOND);
    expect(stage.got).toEqual([]);
    stage.stand(false);
    stage.clock.advance(SECOND / 2);
    expect(stage.takeErrors()).toEqual([[1, 'the server did not answer tools/call within 1 s']]);
    stage.clock.advance(SECOND / 2);
    expect(stage.takeErrors()).toEqual([[2, 'the server did not answer tools/call within 1 s']]);
  });

  it('is answered for with the reason, and taken back from the server, once', () => {
    const stage = new Stage();
    stage.says(call(1), call('1'));
    stage.server.take();
    stage.clock.advance(SECOND - 1);
    expect(stage.got).toEqual([]);
    stage.clock.advance(1);
    const reason = 'the server did not answer tools/call within 1 s';
    expect(stage.takeErrors()).toEqual([
      [1, reason],
      ['1', reason],
    ]);
    expect(stage.server.take().map((one) => JSON.parse(one).params)).toEqual([
      { requestId: 1, reason },
      { requestId: '1', reason },
    ]);
    expect(stage.told).toEqual([reason, reason]);
    stage.clock.advance(10 * SECOND);
    expect(stage.got).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });

  it.each([
    ['its answer', (stage: Stage) => stage.server.says(text({ id: 1, result: {} }))],
    ['its error', (stage: Stage) => stage.server.says(text({ id: 1, error: { code: 1, message: 'm' } }))],
    [
      'its cancellation',
      (stage: Stage) => stage.says(text({ method: 'notifications/cancelled', params: { requestId: 1 } })),
    ],
    ['the end of the server', (stage: Stage) => stage.server.goes({ kind: 'failed', text: 'gone' })],
    ['the end of the client', (stage: Stage) => stage.close()],
  ])('is over with %s', (_, end) => {
    const stage = new Stage();
    stage.says(call(1));
    end(stage);
    expect(stage.clock.timers).toBe(0);
  });

  it('lasts as long as there is progress of it, up to a maximum', () => {
    const stage = new Stage(2.5 * SECOND);
    stage.says(call(1, 'a'), call(2, 'b'));
    for (let n = 0; n < 2; n++) {
      stage.clock.advance(0.9 * SECOND);
      stage.server.says(progress('a'));
    }
    expect(stage.takeErrors()).toEqual([[2, expect.stringContaining('within 1 s')]]);
    stage.clock.advance(0.7 * SECOND);
    expect(stage.takeErrors()).toEqual([[1, expect.stringContaining('within 2.5 s')]]);
  });

  it('stands still while the server waits for the client', () => {
    const stage = new Stage();
    stage.says(call(1));
    stage.server.says(text({ id: 'q', method: 'elicitation/create', params: {} }));
    stage.says(call(2));
    stage.clock.advance(60 * SECOND);
    expect(stage.takeErrors()).toEqual([]);
    stage.says(text({ id: 'q', result: {} }));
    stage.server.says(text({ id: 'r', method: 'roots/list' }));
    stage.clock.advance(60 * SECOND);
    stage.server.says(text({ method: 'notifications/cancelled', params: { requestId: 'r' } }));
    stage.clock.advance(SECOND);
    expect(stage.takeErrors().map(([id]) => id)).toEqual([1, 2]);
  });

  it.each(['initialize', 'server/discover', 'subscriptions/listen'])('is none of these: %s', (method) => {
    const stage = new Stage();
    stage.says(text({ id: 1, method, params: {} }));
    expect(stage.clock.timers).toBe(0);
  });
});
