import { describe, expect, it } from 'vitest';
import { MAX_QUESTIONS } from '../../../../src/eras/legacy-client/questions.js';
import { MAX_ROUNDS, STATE_ONLY_PAUSE_MS } from '../../../../src/eras/legacy-client/rounds.js';
import { req } from '../../../requirements.js';
import { FORM, inputRequired, ROOTS, read, SAMPLING, Stage, URL_QUESTION, VERSION_KEY } from './stage.js';

const ACCEPTED = { action: 'accept', content: {} };

describe('a result that asks', () => {
  it.each([
    ['tools/call', { name: 't', arguments: { n: 1 } }],
    ['prompts/get', { name: 'p' }],
    ['resources/read', { uri: 'a:b' }],
  ])(
    `${req('legacy-client.questions', 'legacy-client.retry-id')} is asked of the client during %s`,
    (method, params) => {
      const stage = Stage.ready();
      stage.client.asks('"call"', method, params);
      const first = stage.server.takeOne();
      stage.answers(first, inputRequired({ a: FORM, 'b é': SAMPLING, c: ROOTS }, 's'));

      const asked = stage.client.takeAll();
      expect(asked.map(({ text }) => read(text))).toMatchObject([FORM, SAMPLING, ROOTS]);
      expect(asked.map(({ about }) => about)).toEqual(['"call"', '"call"', '"call"']);
      const [form = '', sampling = '', roots = ''] = asked.map(({ text }) => text);
      stage.replies(
        sampling,
        '{"role":"assistant","content":{"type":"text","text":"\\u00e9"},"model":"m","n":1.50}',
      );
      stage.replies(form, ACCEPTED);
      expect(stage.server.take()).toEqual([]);
      stage.replies(roots, { roots: [] });

      const second = stage.server.takeOne();
      expect(read(second).id).not.toBe(read(first).id);
      expect(read(second)).toMatchObject({ method, params });
      expect(read(second).params.requestState).toBe('s');
      expect(read(second).params.inputResponses).toMatchObject({ a: ACCEPTED, c: { roots: [] } });
      expect(second).toContain('"text":"\\u00e9"},"model":"m","n":1.50}');
      expect(read(second).params._meta[VERSION_KEY]).toBe('2026-07-28');

      stage.answers(second, { resultType: 'complete', content: [] });
      expect(stage.client.takeOne()).toBe(
        '{"jsonrpc":"2.0","id":"call","result":{"resultType":"complete","content":[]}}',
      );
      expect(stage.events).toEqual([]);
    },
  );

  it(`${req('legacy-client.request-state')} has its state given back octet for octet, and nothing of an earlier round`, () => {
    const stage = Stage.ready();
    const first = stage.calls('1', { name: 't', requestState: 'mine', inputResponses: {} });
    stage.answers(
      first,
      `{"resultType":"input_required","requestState":"\\u0041\\/\\n","inputRequests":{"a":${JSON.stringify(ROOTS)}}}`,
    );
    stage.replies(stage.client.takeOne(), { roots: [] });
    const second = stage.server.takeOne();
    expect(second).toContain('"requestState":"\\u0041\\/\\n"');
    expect(second.match(/requestState/g)).toHaveLength(1);
    expect(second.match(/inputResponses/g)).toHaveLength(1);

    stage.answers(second, inputRequired({ b: ROOTS }));
    stage.replies(stage.client.takeOne(), { roots: [] });
    const third = stage.server.takeOne();
    expect(third).not.toContain('requestState');
    expect(read(third).params.inputResponses).toEqual({ b: { roots: [] } });

    stage.answers(third, inputRequired(undefined, 'x'));
    const fourth = stage.server.takeOne();
    expect(fourth).not.toContain('inputResponses');
    expect(read(fourth).params).toMatchObject({ name: 't', requestState: 'x' });
  });

  it(`${req('legacy-client.own-retry')} has its state and its answers in its own retry, and in nothing else`, () => {
    const stage = Stage.ready();
    const [one, two] = [stage.calls('1'), stage.calls('2')];
    stage.answers(one, inputRequired({ a: ROOTS }, 'first'));
    stage.answers(two, inputRequired({ b: ROOTS }, 'second'));
    const [first = '', second = ''] = stage.client.take();
    const other = stage.calls('3');
    expect(other).not.toContain('requestState');
    stage.client.asks('4', 'tools/list');
    expect(stage.server.takeOne()).not.toContain('requestState');
    stage.replies(second, { roots: [{ uri: 'file:///2' }] });
    expect(read(stage.server.takeOne()).params).toMatchObject({
      requestState: 'second',
      inputResponses: { b: { roots: [{ uri: 'file:///2' }] } },
    });
    stage.replies(first, { roots: [{ uri: 'file:///1' }] });
    const retried = read(stage.server.takeOne()).params;
    expect(retried.requestState).toBe('first');
    expect(retried.inputResponses).toEqual({ a: { roots: [{ uri: 'file:///1' }] } });
    stage.answers(other, inputRequired(undefined, undefined));
    expect(read(stage.client.takeOne()).id).toBe(3);
  });

  it.each([
    [
      '{"tools":[{"name":"s","inputSchema":{"type":"object","properties":{"a":true,"b":false}},"outputSchema":{"type":"array"},"n":1.0}],"n":1.0}',
      '{"tools":[{"name":"s","inputSchema":{"type":"object","properties":{"a":{},"b":{"not":{}}}},"n":1.0}],"n":1.0}',
    ],
    [
      '{"messages":[{"content":{"type":"tool_result","content":[],"structuredContent":[1.0]},"n":1.0}]}',
      '{"messages":[{"content":{"type":"tool_result","content":[{"type":"text","text":"[1.0]"}]},"n":1.0}]}',
    ],
    [
      '{"messages":[{"content":[{"type":"text"},{"type":"tool_result","content":[{"type":"text","text":"1"}],"structuredContent":1}]}]}',
      '{"messages":[{"content":[{"type":"text"},{"type":"tool_result","content":[{"type":"text","text":"1"}]}]}]}',
    ],
    // Only what the schema of the legacy era refuses.
    [
      '{"messages": [ {"content":{"type":"tool_result","content":[],"structuredContent":{"a":1.0}}} ],"tools": [ ] }',
      undefined,
    ],
    [
      '{"messages":[{"content":{"type":"tool_use","input":{},"structuredContent":1}}],"metadata":{"tools":[{"outputSchema":1}]}}',
      undefined,
    ],
  ])(
    `${req('legacy-client.structured')} about tools with params like %s is asked with %s`,
    (params, expected = params) => {
      const stage = Stage.ready();
      const question = `{"method":"sampling/createMessage","params":${params}}`;
      stage.answers(stage.calls(), `{"resultType":"input_required","inputRequests":{"a":${question}}}`);
      expect(stage.client.takeOne()).toContain(`"params":${expected}}`);
    },
  );

  it(`${req('legacy-client.rounds')} without a question is tried again at once, and later after a pause`, () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired(undefined, '1'));
    stage.answers(stage.server.takeOne(), inputRequired(undefined, '2'));
    expect(stage.server.take()).toEqual([]);
    stage.clock.advance(STATE_ONLY_PAUSE_MS);
    expect(read(stage.server.takeOne()).params.requestState).toBe('2');
  });

  it('with no more than an empty set of questions is tried again at once', () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired({}));
    expect(read(stage.server.takeOne()).params.inputResponses).toEqual({});
  });

  it(`${req('legacy-client.elicitation-id')} gets an id where it sends a person to a URL`, () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired({ a: URL_QUESTION, b: URL_QUESTION, c: FORM }));
    const [a, b, c] = stage.client.take().map(read);
    expect(a?.params).toMatchObject(URL_QUESTION.params);
    expect(typeof a?.params.elicitationId).toBe('string');
    expect(a?.params.elicitationId).not.toBe(b?.params.elicitationId);
    expect(c?.params).toEqual(FORM.params);
  });

  it('takes the ids of such questions from outside', () => {
    const stage = new Stage({ elicitationId: () => 'e-1' });
    stage.client.initializes('2025-11-25', { elicitation: { url: {} } });
    stage.server.take();
    stage.answers(stage.calls(), inputRequired({ a: URL_QUESTION }));
    expect(read(stage.client.takeOne()).params.elicitationId).toBe('e-1');
  });

  it(`${req('legacy-client.rounds')} may ask anew, under another id, but not for ever`, () => {
    const stage = Stage.ready();
    const ids = new Set<unknown>();
    let request = stage.calls();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      stage.answers(request, inputRequired({ a: ROOTS }));
      const question = stage.client.takeOne();
      ids.add(read(question).id);
      stage.replies(question, { roots: [] });
      request = stage.server.takeOne();
    }
    expect(ids.size).toBe(MAX_ROUNDS);
    stage.answers(request, inputRequired({ a: ROOTS }));
    expect(read(stage.client.takeOne()).result).toMatchObject({ isError: true });
  });
});

describe('a call that cannot go on', () => {
  const declared = { elicitation: {}, sampling: {} };
  it.each([
    ['roots', inputRequired({ a: FORM, b: ROOTS }), /"roots"/],
    ['a URL', inputRequired({ a: URL_QUESTION }), /"elicitation.url"/],
    [
      'tools',
      inputRequired({ a: { ...SAMPLING, params: { ...SAMPLING.params, tools: [] } } }),
      /"sampling.tools"/,
    ],
    ['another method', inputRequired({ a: { method: 'tools/list' } }), /tools\/list, which no server may/],
    ['no method', inputRequired({ a: { params: {} } }), /something without a method/],
    ['params that are none', inputRequired({ a: { ...FORM, params: 7 } }), /in a form that is none/],
    ['no object', { resultType: 'input_required', inputRequests: [] }, /no object/],
    ['nothing', inputRequired(), /does not say which/],
    ['a state that is no text', { resultType: 'input_required', requestState: 7 }, /no text/],
    [
      'too many',
      inputRequired(Object.fromEntries(Array.from({ length: MAX_QUESTIONS + 1 }, (_, i) => [`k${i}`, FORM]))),
      /at most 64/,
    ],
  ])(
    `${req('legacy-client.questions-declared', 'legacy-client.questions-allowed')} because the server asks for %s ends in words`,
    (_, result, expected) => {
      const tool = Stage.ready(declared);
      tool.answers(tool.calls(), result);
      const { result: answer } = read(tool.client.takeOne());
      expect(answer).toMatchObject({ isError: true, content: [{ type: 'text' }] });
      expect(answer.content[0].text).toMatch(expected);
      expect(answer.content[0].text).toContain('server "demo"');

      const prompt = Stage.ready(declared);
      prompt.client.asks('1', 'prompts/get', { name: 'p' });
      prompt.answers(prompt.server.takeOne(), result);
      const { error } = read(prompt.client.takeOne());
      expect(error?.code).toBe(-32603);
      expect(error?.message).toMatch(expected);
    },
  );

  it.each([
    ['an error', '"error":{"code":-1,"message":"not now"}', /not now/],
    ['no object', '"result":7', /no object/],
  ])(
    `${req('legacy-client.questions-failed')} because the client answers with %s takes its other questions back`,
    (_, answer, expected) => {
      const stage = Stage.ready();
      stage.answers(stage.calls(), inputRequired({ a: FORM, b: ROOTS, c: SAMPLING }));
      const [form = '', roots = '', sampling = ''] = stage.client.take();
      stage.replies(form, ACCEPTED);
      stage.client.says(`{"jsonrpc":"2.0","id":${read(roots).id},${answer}}`);
      const [cancelled, ended] = stage.client.takeAll();
      expect(read(cancelled?.text ?? '')).toMatchObject({
        method: 'notifications/cancelled',
        params: { requestId: read(sampling).id },
      });
      expect(cancelled?.about).toBe('1');
      expect(read(ended?.text ?? '').result.content[0].text).toMatch(expected);
      expect(stage.server.take()).toEqual([]);
      stage.replies(sampling, {});
      expect(stage.events).toMatchObject([{ level: 'debug' }]);
    },
  );

  it('because answers nest too deep ends in words', () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired({ a: ROOTS }));
    stage.replies(stage.client.takeOne(), `${'{"a":'.repeat(998)}1${'}'.repeat(998)}`);
    expect(read(stage.client.takeOne()).result.content[0].text).toMatch(/too deep/);
  });

  it(`${req('legacy-client.questions-allowed')} because its method must not be answered with questions ends in words`, () => {
    const stage = Stage.ready();
    stage.client.asks('1', 'tools/list');
    stage.answers(stage.server.takeOne(), inputRequired({ a: ROOTS }));
    expect(read(stage.client.takeOne()).error?.message).toMatch(/which it must not/);
  });
});

describe('a call that the client gives up', () => {
  const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}}';

  it(`${req('legacy-client.cancelled')} is cancelled under the id of its open round`, () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired(undefined, 's'));
    const round = stage.server.takeOne();
    stage.client.says(cancel);
    expect(read(stage.server.takeOne())).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: read(round).id, reason: 'r' },
    });
    stage.answers(round, { resultType: 'complete', content: [] });
    expect(stage.client.take()).toEqual([]);
    expect(stage.events).toMatchObject([{ text: expect.stringMatching(/which nobody waits for$/) }]);
  });

  it(`${req('legacy-client.cancelled')} while it is asked takes the questions back, and tells the server nothing`, () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired({ a: FORM, b: ROOTS }));
    const [form = '', roots = ''] = stage.client.take();
    stage.client.says(cancel);
    expect(stage.client.take().map((text) => read(text).params.requestId)).toEqual([
      read(form).id,
      read(roots).id,
    ]);
    stage.replies(form, ACCEPTED);
    stage.replies(roots, { roots: [] });
    expect(stage.server.take()).toEqual([]);
    expect(stage.clock.timers).toBe(0);
  });

  it('during a pause is not tried again', () => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), inputRequired(undefined, '1'));
    stage.answers(stage.server.takeOne(), inputRequired(undefined, '2'));
    stage.client.says(cancel);
    expect(stage.clock.timers).toBe(0);
    expect(stage.server.take()).toEqual([]);
  });

  it('while its questions are being sent is not asked the rest', () => {
    const stage = Stage.ready();
    const first = stage.calls();
    let heard = 0;
    stage.client.onMessage = (text) => {
      heard++;
      if (read(text).method === 'elicitation/create') stage.client.says(cancel);
    };
    stage.answers(first, inputRequired({ a: FORM, b: FORM }));
    // The first question, and that both are off.
    expect(heard).toBe(3);
    expect(stage.client.take().filter((text) => read(text).method === 'elicitation/create')).toHaveLength(1);
  });
});
