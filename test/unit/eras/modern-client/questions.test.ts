import { describe, expect, it } from 'vitest';
import { MAX_HELD } from '../../../../src/eras/modern-client/held.js';
import { req } from '../../../requirements.js';
import { ALL, type Asking, GONE, read, SERVER_INFO, Stage } from './stage.js';

const question = (id: string, method = 'roots/list', params?: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}"${params === undefined ? '' : `,"params":${params}`}}`;
const FORM = '{"message":"who?","requestedSchema":{"type":"object","properties":{}}}';
const fails = (stage: Stage, call: string): void => {
  const { id } = read(call);
  stage.server.says(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message: 'no' } }));
};
const ROOTS = { roots: [{ uri: 'file:///a' }] };
const DECLARED: Asking = { capabilities: ALL };

describe('a question of the server', () => {
  it(`${req('m2l.questions', 'm2l.result-type', 'm2l.server-info', 'm2l.ids')} is an input_required, and its answer reaches the server`, () => {
    const stage = new Stage();
    const first = stage.asks('tools/call', { name: 't' }, DECLARED);
    const call = stage.server.takeOne();
    stage.server.says(question('7.0', 'elicitation/create', FORM));
    expect(first.take()).toEqual([]);
    stage.gathers();
    const text = first.takeOne();
    const { requestState } = read(text).result as { requestState: string };
    expect(text).toBe(
      `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"q1":{"method":"elicitation/create","params":${FORM}}},"requestState":"${requestState}","_meta":{"${SERVER_INFO}":{"name":"legacy","version":"1","n":9007199254740993.0}}}}`,
    );
    expect(requestState).toMatch(/^[\w.~-]+$/);
    first.leaves();
    expect(stage.server.closings).toEqual([]);

    const second = stage.asks(
      'tools/call',
      {
        name: 't',
        inputResponses: { q1: { action: 'accept', content: { n: 1 } } },
        requestState,
      },
      DECLARED,
    );
    expect(stage.sessions).toHaveLength(1);
    expect(stage.server.takeOne()).toBe(
      '{"jsonrpc":"2.0","id":7.0,"result":{"action":"accept","content":{"n":1}}}',
    );
    stage.answers(call, { content: [] });
    expect(read(second.takeOne())).toMatchObject({ id: 2, result: { resultType: 'complete', content: [] } });
    expect(stage.server.closings).toHaveLength(1);
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
  });

  it.each(['tools/call', 'prompts/get', 'resources/read'])(
    `${req('m2l.cacheable.not-questions')} is asked during %s, in a result that nobody may keep`,
    (method) => {
      const stage = new Stage();
      const asker = stage.calls(DECLARED, method);
      stage.server.says(question('1'));
      stage.gathers();
      const asked = asker.takeQuestions();
      expect(asked.inputRequests).toEqual({ q1: { method: 'roots/list' } });
      expect(asked).not.toHaveProperty('ttlMs');
      expect(asked).not.toHaveProperty('cacheScope');
    },
  );

  it.each(['tools/call', 'tasks/get', 'notifications/cancelled', 'elicitation/other', 'x/y'])(
    `${req('m2l.questions.kinds')} is refused where it is %s, which no client can be asked`,
    (method) => {
      const stage = new Stage();
      const asker = stage.calls({ capabilities: { ...ALL, tasks: {} } });
      stage.server.says(question('"a"', method, '{}'));
      stage.gathers();
      expect(asker.take()).toEqual([]);
      expect(read(stage.server.takeOne())).toMatchObject({ id: 'a', error: { code: -32601 } });
    },
  );

  it.each(['tools/list', 'completion/complete', 'server/other'])(
    `${req('m2l.questions.only-three-methods')} is refused during %s`,
    (method) => {
      const stage = new Stage();
      const asker = stage.calls(DECLARED, method);
      stage.server.says(question('1'));
      stage.gathers();
      expect(asker.take()).toEqual([]);
      expect(read(stage.server.takeOne())).toMatchObject({
        id: 1,
        error: { code: -32603, message: expect.stringContaining(method) },
      });
      expect(stage.events).toMatchObject([{ level: 'warning', server: 'demo' }]);
    },
  );

  it.each<[string, object, string, number]>([
    ['sampling/createMessage', {}, '{}', -32601],
    ['elicitation/create', {}, '{}', -32601],
    ['roots/list', {}, '{}', -32601],
    ['elicitation/create', { elicitation: {} }, '{"mode":"url"}', -32602],
    ['elicitation/create', { elicitation: { url: {} } }, FORM, -32602],
    ['sampling/createMessage', { sampling: {} }, '{"tools":[]}', -32602],
  ])(
    `${req('m2l.questions.declared')} is refused where the client did not declare it: %s, %j, %s`,
    (method, capabilities, params, code) => {
      const stage = new Stage();
      const asker = stage.calls({ capabilities });
      stage.server.says(question('"a"', method, params));
      stage.gathers();
      expect(asker.take()).toEqual([]);
      expect(read(stage.server.takeOne())).toMatchObject({ id: 'a', error: { code } });
      expect(stage.clients.parked).toBe(0);
    },
  );

  it.each<[object, readonly [method: string, params: string][], object]>([
    [{}, [['sampling/createMessage', '{}']], { sampling: {} }],
    [{}, [['sampling/createMessage', '{"tools":[]}']], { sampling: { tools: {} } }],
    [{ sampling: {} }, [['sampling/createMessage', '{"toolChoice":{}}']], { sampling: { tools: {} } }],
    [{}, [['roots/list', '{}']], { roots: {} }],
    [{}, [['elicitation/create', FORM]], { elicitation: { form: {} } }],
    [{ elicitation: { url: {} } }, [['elicitation/create', FORM]], { elicitation: { form: {} } }],
    [{}, [['elicitation/create', '{"mode":"url"}']], { elicitation: { url: {} } }],
    [{ elicitation: { form: {} } }, [['elicitation/create', '{"mode":"url"}']], { elicitation: { url: {} } }],
    [
      {},
      [
        ['elicitation/create', '{"mode":"url"}'],
        ['roots/list', '{}'],
        ['elicitation/create', FORM],
        ['roots/list', '{}'],
      ],
      { elicitation: { url: {}, form: {} }, roots: {} },
    ],
  ])(
    `${req('m2l.error.missing-capability')} that was not declared makes the error of the call say what is missing: %j, %j`,
    (capabilities, questions, requiredCapabilities) => {
      const stage = new Stage();
      const asker = stage.asks('tools/call', { name: 't' }, { capabilities });
      const call = stage.server.takeOne();
      for (const [i, [method, params]] of questions.entries()) {
        stage.server.says(question(String(i), method, params));
      }
      stage.server.take();
      fails(stage, call);
      const { id, error } = read(asker.takeOne());
      expect(id).toBe(1);
      expect(error).toMatchObject({ code: -32021 });
      expect((error as { data: unknown }).data).toEqual({ requiredCapabilities });
    },
  );

  it(`${req('m2l.error.missing-capability')} that is declared no more by the client which comes back is missing, too`, () => {
    const stage = new Stage();
    const first = stage.asks('tools/call', { name: 't' }, { capabilities: ALL });
    const call = stage.server.takeOne();
    stage.server.says(question('1'));
    stage.gathers();
    const { requestState } = first.takeQuestions();
    const second = stage.asks('tools/call', { name: 't', requestState, inputResponses: {} });
    stage.gathers();
    stage.server.take();
    fails(stage, call);
    expect(read(second.takeOne())).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { roots: {} } } },
    });
  });

  it('that was not declared leaves a result as it is, which the server has given all the same', () => {
    const stage = new Stage();
    const asker = stage.asks('tools/call', { name: 't' }, { capabilities: {} });
    const call = stage.server.takeOne();
    stage.server.says(question('"a"', 'sampling/createMessage', '{}'));
    stage.server.take();
    stage.answers(call, { content: [], isError: true });
    expect(read(asker.takeOne())).toMatchObject({ result: { isError: true, resultType: 'complete' } });
  });

  it(`${req('modern.state.explicit')} is asked anew where a client comes back without a state`, () => {
    const stage = new Stage();
    const { server } = parked(stage);
    const asker = stage.asks('tools/call', { name: 't', inputResponses: { q1: ROOTS } }, DECLARED);
    expect(server.take()).toEqual([]);
    expect(stage.sessions).toHaveLength(2);
    expect(stage.server.takeOne()).not.toContain('inputResponses');
    stage.server.says(question('1'));
    stage.gathers();
    expect(read(asker.takeOne())).toMatchObject({ result: { resultType: 'input_required' } });
    expect(stage.clients.parked).toBe(2);
  });

  it(`${req('m2l.server-ping')} is answered in place of the client where it is a ping`, () => {
    const stage = new Stage();
    stage.calls({});
    stage.server.says(question('"p"', 'ping'));
    expect(stage.server.takeOne()).toBe('{"jsonrpc":"2.0","id":"p","result":{}}');
  });

  it.each([
    [
      'elicitation/create',
      '{"mode":"url","elicitationId":"e","url":"https://a/","n":1.0,"message":"m","_meta":{"progressToken":1}}',
      '{"mode":"url","url":"https://a/","n":1.0,"message":"m"}',
    ],
    [
      'sampling/createMessage',
      '{"task":{},"maxTokens":1.0,"_meta":{"progressToken":1,"a":1.0}}',
      '{"maxTokens":1.0,"_meta":{"a":1.0}}',
    ],
    ['roots/list', '{"_meta":{}}', '{}'],
  ])(
    `${req('m2l.questions.legacy-members')} loses what only the legacy era has: %s %s`,
    (method, params, expected) => {
      const stage = new Stage();
      const asker = stage.calls();
      stage.server.says(question('1', method, params));
      stage.gathers();
      expect(asker.takeOne()).toContain(`{"q1":{"method":"${method}","params":${expected}}}`);
    },
  );

  it('is refused where it is nested too deeply, has the id of another, or is one too many', () => {
    const stage = new Stage();
    stage.calls();
    const deep = `{"m":${'['.repeat(997)}${']'.repeat(997)}}`;
    stage.server.says(question('"deep"', 'elicitation/create', deep));
    expect(read(stage.server.takeOne())).toMatchObject({ id: 'deep', error: { code: -32603 } });
    for (let id = 1; id <= 64; id++) stage.server.says(question(String(id)));
    stage.server.says(question('1.0'));
    stage.server.says(question('65'));
    expect(stage.server.take().map(read)).toMatchObject([
      { id: 1, error: { code: -32600 } },
      { id: 65, error: { code: -32603 } },
    ]);
  });

  it(`${req('m2l.questions.not-counted-on')} is refused where as many calls are parked as may be`, () => {
    const stage = new Stage({ parked: 1 });
    stage.calls();
    const parked = stage.server;
    parked.says(question('1'));
    const other = stage.calls();
    stage.server.says(question('2'));
    expect(read(stage.server.takeOne())).toMatchObject({ id: 2, error: { code: -32603 } });
    parked.says(question('3'));
    expect(parked.take()).toEqual([]);
    stage.gathers();
    expect(other.take()).toEqual([]);
  });
});

describe('questions that come together', () => {
  it(`${req('m2l.questions', 'm2l.questions.keys')} share one input_required`, () => {
    const stage = new Stage();
    const asker = stage.calls();
    stage.server.says(question('1'));
    stage.clock.advance(24);
    stage.server.says(question('"1"', 'elicitation/create', FORM));
    stage.clock.advance(24);
    expect(asker.take()).toEqual([]);
    stage.clock.advance(1);
    const { inputRequests, requestState } = asker.takeQuestions();
    expect(Object.keys(inputRequests)).toEqual(['q1', 'q2']);
    stage.asks(
      'tools/call',
      { name: 't', requestState, inputResponses: { q2: { action: 'cancel' }, q1: ROOTS } },
      DECLARED,
    );
    expect(stage.server.take()).toEqual([
      `{"jsonrpc":"2.0","id":1,"result":${JSON.stringify(ROOTS)}}`,
      '{"jsonrpc":"2.0","id":"1","result":{"action":"cancel"}}',
    ]);
  });

  it('are not waited for without end', () => {
    const stage = new Stage();
    const asker = stage.calls();
    for (let ms = 0; ms < 120; ms += 20) {
      stage.server.says(question(String(ms)));
      stage.clock.advance(20);
    }
    expect(Object.keys(asker.takeQuestions().inputRequests)).toHaveLength(5);
  });

  it(`${req('m2l.questions.asks-something')} are none where the server takes them back`, () => {
    const stage = new Stage();
    const asker = stage.calls();
    const withdrawn = (id: string): string =>
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`;
    stage.server.says(question('1'));
    stage.server.says(withdrawn('1.0'));
    stage.gathers();
    expect(asker.take()).toEqual([]);
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
    stage.server.says(question('2'));
    stage.server.says(question('3'));
    stage.server.says(withdrawn('2'));
    stage.gathers();
    expect(Object.keys(asker.takeQuestions().inputRequests)).toEqual(['q3']);
  });

  it('are void where the answer comes first', () => {
    const stage = new Stage();
    const asker = stage.asks('tools/call', {}, DECLARED);
    const call = stage.server.takeOne();
    stage.server.says(question('1'));
    stage.answers(call, {});
    stage.gathers();
    expect(read(asker.takeOne())).toMatchObject({ result: { resultType: 'complete' } });
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
  });
});

/** A call that is parked with `count` questions, whose ids at the server are 1 to `count`. */
function parked(stage: Stage, count = 1, asking: Asking = DECLARED) {
  const asker = stage.asks('tools/call', { name: 't' }, asking);
  const call = stage.server.take().at(-1) ?? '';
  for (let id = 1; id <= count; id++) stage.server.says(question(String(id)));
  stage.gathers();
  return { call, server: stage.server, state: asker.takeQuestions().requestState };
}

function retry(stage: Stage, requestState: unknown, inputResponses?: unknown, asking: Asking = DECLARED) {
  return stage.asks(
    'tools/call',
    { name: 't', requestState, ...(inputResponses === undefined ? {} : { inputResponses }) },
    asking,
  );
}

describe('a retry', () => {
  it(`${req('m2l.questions', 'm2l.questions.keys', 'm2l.questions.asks-something')} may be followed by others`, () => {
    const stage = new Stage();
    let { call, server, state } = parked(stage);
    for (let round = 2; round < 6; round++) {
      const asker = retry(stage, state, { [`q${round - 1}`]: ROOTS });
      expect(server.take()).toHaveLength(1);
      server.says(question(String(round)));
      stage.gathers();
      const { inputRequests, requestState } = asker.takeQuestions();
      expect(Object.keys(inputRequests)).toEqual([`q${round}`]);
      expect(requestState).not.toBe(state);
      state = requestState;
    }
    const last = retry(stage, state, { q5: ROOTS });
    stage.answers(call, { content: [] });
    expect(read(last.takeOne())).toMatchObject({ id: 6, result: { content: [] } });
    expect(stage.sessions).toHaveLength(1);
  });

  it(`${req('m2l.questions.missing')} that leaves something out is asked for that again, and for nothing else`, () => {
    const stage = new Stage();
    const { server, state } = parked(stage, 3);
    const asker = retry(stage, state, { q2: ROOTS });
    expect(server.take().map(read)).toMatchObject([{ id: 2, result: ROOTS }]);
    stage.gathers();
    const again = asker.takeQuestions();
    expect(Object.keys(again.inputRequests)).toEqual(['q1', 'q3']);
    const bare = retry(stage, again.requestState);
    stage.gathers();
    const third = bare.takeQuestions();
    expect(Object.keys(third.inputRequests)).toEqual(['q1', 'q3']);
    retry(stage, third.requestState, { q1: ROOTS, q2: ROOTS, q3: ROOTS });
    expect(server.take().map(read)).toMatchObject([{ id: 1 }, { id: 3 }]);
  });

  it(`${req('m2l.questions.extra')} may bring more than was asked`, () => {
    const stage = new Stage();
    const { server, state } = parked(stage);
    retry(stage, state, { q0: {}, q1: ROOTS, q2: {}, __proto__x: {} });
    expect(server.take().map(read)).toMatchObject([{ id: 1, result: ROOTS }]);
  });

  it('gets what the server went on to in the meantime: the answer', () => {
    const stage = new Stage();
    const { call, server, state } = parked(stage);
    stage.answers(call, { content: [] });
    expect(server.closings).toHaveLength(1);
    stage.answers(call, { content: 'again' });
    expect(read(retry(stage, state, { q1: ROOTS }).takeOne())).toMatchObject({
      id: 2,
      result: { content: [] },
    });
    expect(server.sentTooLate).toEqual([]);
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
  });

  it('gets what the server went on to in the meantime: more questions', () => {
    const stage = new Stage();
    const { server, state } = parked(stage);
    server.says(question('2', 'elicitation/create', FORM));
    stage.gathers();
    const asker = retry(stage, state, { q1: ROOTS });
    stage.gathers();
    expect(Object.keys(asker.takeQuestions().inputRequests)).toEqual(['q2']);
  });

  it('gets what the server went on to in the meantime: that its question is off', () => {
    const stage = new Stage();
    const { call, server, state } = parked(stage);
    server.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    const asker = retry(stage, state, { q1: ROOTS });
    expect(server.take()).toEqual([]);
    stage.gathers();
    expect(asker.take()).toEqual([]);
    stage.answers(call, {});
    expect(asker.take()).toHaveLength(1);
  });

  it(`${req('m2l.log-level', 'm2l.progress')} gets the log and the progress of the meantime, under its own level and token`, () => {
    const stage = new Stage();
    const { server, state } = parked(stage, 1, { ...DECLARED, token: 'a', logLevel: 'info' });
    const progress = (token: string, value: number): string =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"${token}","progress":${value}}}`;
    const log = (level: string): string =>
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":1}}`;
    for (const text of [progress('a', 1), log('info'), log('error'), progress('a', 2)]) server.says(text);
    const asker = retry(stage, state, { q1: ROOTS }, { ...DECLARED, token: 'b', logLevel: 'error' });
    expect(asker.take()).toEqual([progress('b', 1), log('error'), progress('b', 2)]);
    expect(server.take().map(read)).toMatchObject([
      { method: 'logging/setLevel', params: { level: 'error' } },
      { id: 1, result: ROOTS },
    ]);
    for (const value of [2, 3]) server.says(progress('a', value));
    expect(asker.takeOne()).toBe(progress('b', 3));
    server.says(question('2'));
    stage.gathers();
    const silent = retry(stage, asker.takeQuestions().requestState, { q2: ROOTS });
    server.says(progress('a', 4));
    server.says(log('error'));
    expect(silent.take()).toEqual([]);
    expect(server.take()).toHaveLength(1);
  });

  it('finds the newest of a long log', () => {
    const stage = new Stage();
    const { server, state } = parked(stage);
    const said = [...Array(300).keys()].map(
      (n) => `{"jsonrpc":"2.0","method":"notifications/x","params":{"n":${n}}}`,
    );
    for (const text of said) server.says(text);
    expect(retry(stage, state).take()).toEqual(said.slice(-MAX_HELD));
    const other = parked(stage);
    other.server.says(
      `{"jsonrpc":"2.0","method":"notifications/x","params":{"n":"${'x'.repeat(1024 * 1024)}"}}`,
    );
    expect(retry(stage, other.state).take()).toEqual([]);
  });

  it(`${req('m2l.questions.declared')} that declares less is not asked again; the server hears so`, () => {
    const stage = new Stage();
    const { server, state } = parked(stage);
    const asker = retry(stage, state, {}, {});
    stage.gathers();
    expect(asker.take()).toEqual([]);
    expect(read(server.takeOne())).toMatchObject({ id: 1, error: { code: -32601 } });
    expect(stage.clients.parked).toBe(0);
  });

  it('whose call was lost hears why', () => {
    const stage = new Stage();
    const { server, state } = parked(stage);
    server.goes(GONE);
    expect(read(retry(stage, state, { q1: ROOTS }).takeOne())).toMatchObject({
      id: 2,
      error: { code: -32603, message: 'server "demo": exited with code 1', data: { exitCode: 1 } },
    });
  });

  it(`${req('m2l.cancelled')} that its client leaves ends the call`, () => {
    const stage = new Stage();
    const { server, state } = parked(stage);
    retry(stage, state, {}).leaves();
    expect(server.closings).toHaveLength(1);
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
    expect(read(retry(stage, state, {}).takeOne())).toMatchObject({ error: { code: -32602 } });
  });

  it('is understood by a clock that has fractions', () => {
    const stage = new Stage();
    stage.clock.advance(0.123);
    const { server, state } = parked(stage);
    expect(retry(stage, state, { q1: ROOTS }).take()).toEqual([]);
    expect(server.take()).toHaveLength(1);
  });

  it('finds the salient params in any spelling and order', () => {
    const stage = new Stage();
    const params = { name: 'tä', arguments: { b: [1, { x: null }], a: 'é\n', c: true } };
    const asker = stage.asks('tools/call', params, DECLARED);
    stage.server.take();
    stage.server.says(question('1'));
    stage.gathers();
    const { requestState } = asker.takeQuestions();
    const again = stage.asks(
      'tools/call',
      {
        inputResponses: { q1: ROOTS },
        arguments: { c: true, a: 'é\n', b: [1, { x: null }] },
        requestState,
        name: 'tä',
      },
      { ...DECLARED, meta: { other: 1 } },
    );
    expect(again.take()).toEqual([]);
    expect(stage.server.take()).toHaveLength(1);
  });
});

describe('a requestState', () => {
  const lost = (
    stage: Stage,
    state: unknown,
    words: RegExp,
    asking?: Asking,
    responses: unknown = { q1: ROOTS },
  ) => {
    const sessions = stage.sessions.length;
    expect(read(retry(stage, state, responses, asking).takeOne())).toMatchObject({
      error: { code: -32602, message: expect.stringMatching(words) },
    });
    expect(stage.sessions).toHaveLength(sessions);
  };

  it(`${req('m2l.state.integrity')} that was altered or made up is refused`, () => {
    const stage = new Stage();
    const { state } = parked(stage);
    for (const at of [...state].keys()) {
      const other = state[at] === 'x' ? 'y' : 'x';
      lost(stage, state.slice(0, at) + other + state.slice(at + 1), /altered/);
    }
    for (const made of ['', '.', 'p.zzzz.d.round-1.mac', `${state}.`, ` ${state}`])
      lost(stage, made, /altered/);
    expect(stage.server.take()).toEqual([]);
    expect(retry(stage, state, { q1: ROOTS }).take()).toEqual([]);
  });

  it.each([
    ['alice', 'bob'],
    ['alice', undefined],
    [undefined, 'alice'],
    ['', undefined],
    [undefined, ''],
  ])(`${req('m2l.state.bound')} of %j is no good for %j`, (one, other) => {
    const stage = new Stage();
    const as = (principal: string | undefined): Asking =>
      principal === undefined ? DECLARED : { ...DECLARED, principal };
    const { state } = parked(stage, 1, as(one));
    lost(stage, state, /not given to this client/, as(other));
    const mac = state.lastIndexOf('.');
    for (const joint of ['\n', '","', '.']) {
      lost(
        stage,
        `${state.slice(0, mac)}${joint}${one}${state.slice(mac)}`,
        /not given to this client/,
        as(other),
      );
    }
    expect(retry(stage, state, { q1: ROOTS }, as(one)).take()).toEqual([]);
  });

  it.each<[string, object]>([
    ['tools/call', { name: 'other' }],
    ['tools/call', { name: 't', arguments: {} }],
    ['tools/call', {}],
    ['prompts/get', { name: 't' }],
    ['resources/read', { name: 't' }],
  ])(`${req('m2l.state.bound')} is no good for %s %j`, (method, params) => {
    const stage = new Stage();
    const { state } = parked(stage);
    const asker = stage.asks(method, { ...params, requestState: state, inputResponses: {} }, DECLARED);
    expect(read(asker.takeOne())).toMatchObject({
      error: { code: -32602, message: expect.stringMatching(/another request/) },
    });
    expect(retry(stage, state, { q1: ROOTS }).take()).toEqual([]);
  });

  it('tells large numbers apart', () => {
    const stage = new Stage();
    const text = (id: number, n: string, more = ''): string =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { n: 0, _meta: META } }).replace(
        '"n":0',
        `"n":${n}${more}`,
      );
    const META = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': ALL,
    };
    const asker = stage.sends(text(1, '9007199254740993'));
    stage.server.says(question('1'));
    stage.gathers();
    const more = `,"requestState":"${asker.takeQuestions().requestState}"`;
    expect(read(stage.sends(text(2, '9007199254740992', more)).takeOne())).toMatchObject({
      error: { code: -32602 },
    });
    expect(stage.sends(text(3, '9007199254740993', more)).take()).toEqual([]);
  });

  it(`${req('m2l.state.bound', 'm2l.questions.not-counted-on')} expires, and the call with it: the server hears that it is off`, () => {
    const stage = new Stage({ parkedMs: 60_000 });
    const { server, state } = parked(stage);
    stage.clock.advance(60_000 - 76);
    expect(server.closings).toEqual([]);
    stage.clock.advance(76);
    expect(server.closings).toEqual([{ kind: 'idle', text: 'the client did not answer within 1 min' }]);
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
    lost(stage, state, /expired/);
  });

  it(`${req('m2l.state.single-use')} goes on with a call once`, () => {
    const stage = new Stage();
    const { call, state } = parked(stage);
    const asker = retry(stage, state, { q1: ROOTS });
    lost(stage, state, /used already/);
    stage.answers(call, {});
    expect(asker.take()).toHaveLength(1);
    lost(stage, state, /used already/);
  });

  it('is no good once everything was given up', () => {
    const stage = new Stage();
    const waiting = stage.calls();
    const { server, state } = parked(stage);
    stage.clients.close();
    expect(server.closings).toMatchObject([{ kind: 'stopping' }]);
    lost(stage, state, /given up/);
    expect(waiting.take()).toEqual([]);
    expect([stage.clients.parked, stage.clock.timers]).toEqual([0, 0]);
  });

  it.each<[unknown, unknown, RegExp]>([
    [7, { q1: ROOTS }, /must be a text/],
    [null, undefined, /must be a text/],
    ['s', 7, /inputResponses must be an object/],
    ['s', [], /inputResponses must be an object/],
    ['s', { q1: null }, /inputResponses\["q1"\] must be an object/],
  ])(
    `${req('m2l.questions.malformed')} is refused in words where the retry makes no sense: %j with %j`,
    (state, responses, words) => {
      const stage = new Stage();
      const asker = stage.asks(
        'tools/call',
        {
          requestState: state,
          ...(responses === undefined ? {} : { inputResponses: responses }),
        },
        DECLARED,
      );
      expect(read(asker.takeOne())).toMatchObject({
        error: { code: -32602, message: expect.stringMatching(words) },
      });
      expect(stage.sessions).toEqual([]);
    },
  );

  it('is not used up by a retry that makes no sense', () => {
    const stage = new Stage();
    const { state } = parked(stage);
    lost(stage, state, /must be an object/, DECLARED, { q1: [] });
    expect(retry(stage, state, { q1: ROOTS }).take()).toEqual([]);
    expect(stage.server.take()).toHaveLength(1);
  });
});

describe('error -32042', () => {
  const elicitations = [
    { mode: 'url', elicitationId: 'e', url: 'https://a/', message: 'm' },
    { elicitationId: 'f', url: 'https://b/', message: 'n' },
    { mode: 'form', url: 'https://c/', message: 'm' },
    { mode: 'url', message: 'no url' },
    7,
  ];
  const refuse = (stage: Stage, call: string, data: unknown = { elicitations }): void => {
    const { id } = read(call);
    const error = { code: -32042, message: 'visit first', data };
    stage.server.says(JSON.stringify({ jsonrpc: '2.0', id, error }));
  };

  it(`${req('m2l.error.url-elicitation')} asks the client to visit the URLs, and the retry calls anew`, () => {
    const stage = new Stage();
    const asker = stage.asks('tools/call', { name: 't' }, DECLARED);
    refuse(stage, stage.server.takeOne());
    expect(stage.server.closings).toHaveLength(1);
    expect(stage.clients.parked).toBe(0);
    const { inputRequests, requestState } = asker.takeQuestions();
    expect(inputRequests).toEqual({
      q1: { method: 'elicitation/create', params: { mode: 'url', url: 'https://a/', message: 'm' } },
      q2: { method: 'elicitation/create', params: { mode: 'url', url: 'https://b/', message: 'n' } },
    });
    for (const responses of [{ q1: { action: 'accept' }, q2: { action: 'accept' } }, undefined]) {
      const again = retry(stage, requestState, responses);
      const call = stage.server.takeOne();
      expect(read(call)).toEqual({
        jsonrpc: '2.0',
        id: expect.any(String),
        method: 'tools/call',
        params: { name: 't' },
      });
      stage.answers(call, {});
      expect(again.take()).toHaveLength(1);
    }
    const declined = retry(stage, requestState, { q1: { action: 'accept' }, q2: { action: 'decline' } });
    expect(read(declined.takeOne())).toMatchObject({
      error: { code: -32603, message: expect.stringContaining('declined') },
    });
    expect(stage.sessions).toHaveLength(3);
  });

  it('may come in the end of a call that was parked', () => {
    const stage = new Stage();
    const { call, state } = parked(stage);
    refuse(stage, call);
    const asker = retry(stage, state, {});
    expect(Object.keys(asker.takeQuestions().inputRequests)).toEqual(['q1', 'q2']);
  });

  it.each([{ elicitation: {} }, {}])(
    `${req('m2l.error.url-elicitation')} tells a client that cannot be sent to one what it lacks: %j`,
    (capabilities) => {
      const stage = new Stage();
      const asker = stage.asks('tools/call', { name: 't' }, { capabilities });
      refuse(stage, stage.server.takeOne());
      expect(read(asker.takeOne())).toMatchObject({
        error: {
          code: -32021,
          message: expect.stringContaining('visit first'),
          data: { requiredCapabilities: { elicitation: { url: {} } } },
        },
      });
    },
  );

  it.each<[string, object, unknown]>([
    ['tools/call', ALL, { elicitations: [] }],
    ['tools/call', ALL, 7],
    ['tools/list', ALL, { elicitations }],
  ])(
    `${req('m2l.error.url-elicitation')} is another error where that cannot be: %s, %j, %j`,
    (method, capabilities, data) => {
      const stage = new Stage();
      const asker = stage.asks(method, {}, { capabilities });
      refuse(stage, stage.server.takeOne(), data);
      expect(read(asker.takeOne())).toMatchObject({ error: { code: -32603, message: 'visit first', data } });
    },
  );
});
