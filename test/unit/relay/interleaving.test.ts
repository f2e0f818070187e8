import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../src/jsonrpc/message.js';
import { req } from '../../requirements.js';
import { type Client, Stage } from './stage.js';

/** Ids and tokens that sessions share on purpose; some are two spellings of one value. */
const IDS = ['1', '1.0', '"1"', '"\\u0031"', '2', '-1', '9007199254740993', '"\u00c3\u00a9"', '"\\u00e9"'];
const METHODS = ['tools/call', 'resources/read', 'ping', 'x/unknown'];

type Step =
  | { do: 'ask'; session: number; id: string; token: string | undefined; method: string }
  | { do: 'answer' | 'progress'; call: number; error: boolean }
  | { do: 'cancel'; session: number; call: number }
  | { do: 'leave'; session: number }
  | { do: 'join' };

const session = fc.nat({ max: 5 });
const call = fc.nat({ max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      session,
      id: fc.constantFrom(...IDS),
      token: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
      method: fc.constantFrom(...METHODS),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('answer', 'progress'), call, error: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), session, call }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), session }) },
  { weight: 1, arbitrary: fc.constant({ do: 'join' as const }) },
);

/** A request as the model sees it. */
interface Asked {
  readonly client: Client;
  readonly id: string;
  readonly token: string | undefined;
  readonly tag: string;
  /** The id that the server was given. */
  readonly serverId: number;
  open: boolean;
}

/** What should happen, written down the plain way; every step is compared with what does happen. */
class Model {
  readonly stage = new Stage({ timeout: 1000 });
  readonly clients: Client[] = [];
  readonly asked: Asked[] = [];
  #tags = 0;

  run(step: Step): void {
    switch (step.do) {
      case 'join':
        if (this.clients.length < 6) this.clients.push(this.stage.client());
        break;
      case 'ask':
        this.#ask(step);
        break;
      case 'cancel':
        this.#cancel(step);
        break;
      case 'leave':
        this.#leave(step.session);
        break;
      default:
        this.#serverSays(step);
    }
    for (const client of this.clients) expect(client.take()).toEqual([]);
    expect(this.stage.server.take()).toEqual([]);
    expect(this.stage.correlation.inFlight).toBe(this.#open().length);
  }

  finish(): void {
    for (const one of this.#open()) this.#answer(one, false);
    expect(this.stage.correlation.inFlight).toBe(0);
    expect(this.stage.clock.timers).toBe(0);
  }

  #open(): Asked[] {
    return this.asked.filter((one) => one.open);
  }

  #ask({ session, id, token, method }: Step & { do: 'ask' }): void {
    const client = this.clients[session];
    if (!client) return;
    const tag = `${this.#tags++}`;
    const meta = token === undefined ? '' : `"_meta":{"progressToken":${token}},`;
    client.says(`{"id":${id},"params":{${meta}"tag":"${tag}"},"method":"${method}","jsonrpc":"2.0"}`);
    if (this.#open().some((one) => one.client === client && keyOf(one.id) === keyOf(id))) {
      expect(client.takeOne()).toMatch(/^\{"jsonrpc":"2.0","id":null,"error":\{"code":-32600,/);
      return;
    }
    const sent = this.stage.server.takeOne();
    const serverId = Number(/^\{"id":(\d+),/.exec(sent)?.[1]);
    const serverMeta = token === undefined ? '' : `"_meta":{"progressToken":${serverId}},`;
    expect(sent).toBe(
      `{"id":${serverId},"params":{${serverMeta}"tag":"${tag}"},"method":"${method}","jsonrpc":"2.0"}`,
    );
    expect(this.asked.map((one) => one.serverId)).not.toContain(serverId);
    this.asked.push({ client, id, token, tag, serverId, open: true });
  }

  #cancel({ session, call }: Step & { do: 'cancel' }): void {
    const client = this.clients[session];
    const one = this.asked[call];
    if (!client || !one) return;
    client.says(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${one.id},"reason":"r"}}`,
    );
    // It may be this session's own request of the same id that is meant.
    const meant = this.#open().find((other) => other.client === client && keyOf(other.id) === keyOf(one.id));
    if (!meant) return;
    meant.open = false;
    expect(this.stage.server.takeOne()).toBe(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${meant.serverId},"reason":"r"}}`,
    );
  }

  #leave(session: number): void {
    const [client] = this.clients.splice(session, 1);
    if (!client) return;
    client.leaves();
    const theirs = this.#open().filter((one) => one.client === client);
    const cancelled = this.stage.server.take().map((text) => JSON.parse(text).params.requestId);
    expect(cancelled).toEqual(theirs.map((one) => one.serverId));
    for (const one of theirs) one.open = false;
    expect(client.take()).toEqual([]);
  }

  #serverSays(step: Step & { do: 'answer' | 'progress' }): void {
    const one = this.asked[step.call];
    if (!one) return;
    if (step.do === 'answer') {
      this.#answer(one, step.error);
      return;
    }
    const progress = (token: string | number): string =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"tag":"${one.tag}"}}`;
    this.stage.server.says(progress(one.serverId));
    if (one.open && one.token !== undefined) {
      expect(one.client.takeAll()).toEqual([{ text: progress(one.token), about: keyOf(one.id) }]);
    }
  }

  /** The server answers, also what was answered or given up before. */
  #answer(one: Asked, error: boolean): void {
    const answer = (id: string | number): string =>
      error
        ? `{"jsonrpc":"2.0","error":{"code":-1,"message":"${one.tag}"},"id":${id}}`
        : `{"jsonrpc":"2.0","result":{"tag":"${one.tag}","n":1.0},"id":${id}}`;
    this.stage.server.says(answer(one.serverId));
    if (!one.open) return;
    one.open = false;
    expect(one.client.takeAll()).toEqual([{ text: answer(one.id), about: keyOf(one.id) }]);
  }
}

describe('any interleaving of sessions on one server', () => {
  it(`${req('base.result.same-id', 'progress.token-unique', 'cancellation.own-requests-only', 'cancellation.race')} gives each its own, once, and leaves nothing behind`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Model();
        for (let i = 0; i < 3; i++) model.run({ do: 'join' });
        for (const one of steps) model.run(one);
        model.finish();
      }),
      { numRuns: 300 },
    );
  });
});
