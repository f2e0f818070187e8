import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';
import { Stage as Upstream } from '../../relay/stage.js';
import { ALL, type Asker, type InputRequired, read, request, Stage } from './stage.js';

/**
 * A small legacy server behind the correlation that a process has: a call says what it shall ask, round by
 * round, and its result holds what was answered, and what the call was.
 */
class LegacyServer {
  readonly upstream = new Upstream({ exclusive: true });
  readonly cancelled: unknown[] = [];
  #nextQuestion = 1;
  /** What each call still has to ask, and what it has heard. */
  readonly #calls = new Map<
    string,
    { call: string; rounds: unknown[][]; heard: string[]; open: Map<string, number> }
  >();

  /** Takes what it was sent, until nothing more comes. */
  works(): void {
    for (let sent = this.upstream.server.take(); sent.length > 0; sent = this.upstream.server.take()) {
      for (const text of sent) this.#takes(text);
    }
  }

  #takes(text: string): void {
    const { method, id, params } = read(text) as {
      method?: string;
      id: string;
      params: Record<string, unknown>;
    };
    if (method === 'notifications/cancelled') {
      this.cancelled.push(params.requestId);
      this.#calls.delete(String(params.requestId));
    } else if (method !== undefined) {
      const rounds = (params.arguments as { rounds: unknown[][] }).rounds;
      this.#calls.set(id, { call: text, rounds: [...rounds], heard: [], open: new Map() });
      this.#goesOn(id);
    } else {
      for (const [call, { open, heard }] of this.#calls) {
        const at = open.get(String(id));
        if (at === undefined) continue;
        open.delete(String(id));
        heard[at] = text.slice(text.indexOf('"result":') + 9, -1);
        if (open.size === 0) this.#goesOn(call);
      }
    }
  }

  #goesOn(id: string): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const round = call.rounds.shift();
    if (round === undefined) {
      this.#calls.delete(id);
      const result = `{"content":[],"structuredContent":{"call":${call.call},"heard":[${call.heard}]}}`;
      this.upstream.server.says(`{"jsonrpc":"2.0","id":"${id}","result":${result}}`);
      return;
    }
    for (const asked of round) {
      const question = this.#nextQuestion++;
      call.open.set(String(question), call.heard.length + call.open.size);
      const { method, params } = asked as { method: string; params: object };
      this.upstream.server.says(JSON.stringify({ jsonrpc: '2.0', id: question, method, params }));
    }
    if (round.length === 0) this.#goesOn(id);
  }
}

/** A modern client that answers whatever it is asked, and tries again until it has the result. */
class ModernClient {
  readonly stage: Stage;
  readonly server: LegacyServer;
  readonly params: object;
  readonly answers: readonly unknown[];
  readonly principal: string;
  readonly asked: unknown[] = [];
  readonly given: unknown[] = [];
  result: Record<string, unknown> | undefined;
  #asker: Asker;

  constructor(
    stage: Stage,
    server: LegacyServer,
    params: object,
    answers: readonly unknown[],
    principal: string,
  ) {
    this.stage = stage;
    this.server = server;
    this.params = params;
    this.answers = answers;
    this.principal = principal;
    this.#asker = this.#send({});
  }

  #send(more: object): Asker {
    const { upstream } = this.server;
    const open = () => ({ link: upstream.correlation.attach(), initialized: '{"capabilities":{}}' });
    return this.stage.asks(
      'tools/call',
      { ...this.params, ...more },
      { capabilities: ALL, principal: this.principal, open },
    );
  }

  /** Goes one step further, where something came. */
  goesOn(): void {
    for (const text of this.#asker.take()) {
      const { result } = read(text) as { result: Record<string, unknown> };
      if (result.resultType !== 'input_required') {
        this.result = result;
        continue;
      }
      const { inputRequests, requestState } = result as unknown as InputRequired;
      const inputResponses: Record<string, unknown> = {};
      for (const [key, one] of Object.entries(inputRequests)) {
        this.asked.push(one);
        const answer = { action: 'accept', content: this.answers[this.given.length % this.answers.length] };
        this.given.push(answer);
        inputResponses[key] = answer;
      }
      this.#asker = this.#send({ inputResponses, requestState });
    }
  }

  leaves(): void {
    this.#asker.leaves();
  }
}

const question = fc.record({
  method: fc.constant('elicitation/create'),
  params: fc.record({ message: fc.string({ unit: 'grapheme' }), more: fc.jsonValue() }),
});
const rounds = fc.array(fc.array(question, { maxLength: 3 }), { maxLength: 4 });
const call = fc.record({
  name: fc.string({ unit: 'grapheme' }),
  more: fc.jsonValue(),
  answers: fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }),
  rounds,
});

describe('a legacy server that asks, and modern clients that answer', () => {
  it(`${req('m2l.questions', 'm2l.envelope', 'm2l.ids')} understand each other, whatever is said, in any number of rounds`, () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 3 }), (calls) => {
        const stage = new Stage();
        const clients = calls.map(({ name, more, answers, rounds: asks }, index) => {
          const params = { name, more, arguments: { rounds: asks } };
          return new ModernClient(stage, new LegacyServer(), params, answers, String(index));
        });
        for (let step = 0; step < 12; step++) {
          for (const { server } of clients) server.works();
          stage.gathers();
          for (const client of clients) client.goesOn();
        }
        for (const { asked, given, params, result, server } of clients) {
          const expected = JSON.parse(JSON.stringify(params));
          expect(result).toMatchObject({ resultType: 'complete', content: [] });
          const { structuredContent } = result ?? {};
          const { call: seen, heard } = structuredContent as {
            call: { params: object };
            heard: unknown[];
          };
          expect(seen.params).toEqual(expected);
          expect(heard).toEqual(JSON.parse(JSON.stringify(given)));
          expect(asked).toEqual(expected.arguments.rounds.flat());
          expect(server.cancelled).toEqual([]);
          expect(server.upstream.correlation.inFlight).toBe(0);
        }
        expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
      }),
      { numRuns: 100 },
    );
  });

  it(`${req('m2l.cancelled')} part when the client does not come back, or goes: the server hears that the call is off`, () => {
    for (const goes of ['never', 'at once', 'stopping'] as const) {
      const stage = new Stage();
      const server = new LegacyServer();
      const asks = [[{ method: 'roots/list', params: {} }]];
      const client = new ModernClient(stage, server, { name: 't', arguments: { rounds: asks } }, [1], 'a');
      server.works();
      if (goes === 'at once') client.leaves();
      stage.gathers();
      if (goes === 'never') stage.clock.advance(10 * 60_000);
      if (goes === 'stopping') stage.clients.close();
      server.works();
      expect(server.cancelled).toEqual(['m1']);
      expect(server.upstream.correlation.sessions).toBe(0);
    }
  });

  it('keep digits and spelling that JavaScript does not have', () => {
    const stage = new Stage();
    const server = new Upstream({ exclusive: true });
    const open = () => ({ link: server.correlation.attach(), initialized: '{}' });
    const asking = { capabilities: ALL, open };
    const digits = '9007199254740993.10';
    const text = (id: number, more: string): string =>
      request(id, 'tools/call', {}, asking).replace(
        '"params":{',
        `"params":{"n":${digits},"\\u0061":"\\/é"${more},`,
      );
    const first = stage.sends(text(1, ''), asking);
    const sent = server.server.takeOne();
    expect(sent).toContain(`"params":{"n":${digits},"\\u0061":"\\/é"}`);
    server.server.says(
      `{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"\\/","n":${digits}}}`,
    );
    stage.gathers();
    const question = first.takeOne();
    expect(question).toContain(`"params":{"message":"\\/","n":${digits}}`);
    const { requestState } = (read(question) as { result: InputRequired }).result;
    const more = `,"requestState":"${requestState}","inputResponses":{"q1":{"action":"accept","content":{"n":${digits}}}}`;
    const second = stage.sends(text(2, more), asking);
    expect(server.server.takeOne()).toBe(
      `{"jsonrpc":"2.0","id":7,"result":{"action":"accept","content":{"n":${digits}}}}`,
    );
    server.server.says(`{"jsonrpc":"2.0","id":${message(sent).id},"result":{"n":${digits}}}`);
    expect(second.takeOne()).toContain(`"n":${digits}}`);
  });
});
