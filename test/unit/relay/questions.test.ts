import { describe, expect, it } from 'vitest';
import { MAX_QUESTIONS } from '../../../src/relay/questions.js';
import { req } from '../../requirements.js';
import { read, Stage } from './stage.js';

const question = (id: string, method: string, params = '{}'): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
const answer = (id: string): string => `{"jsonrpc":"2.0","id":${id},"result":{"n":1.0}}`;
const ALL = { sampling: {}, elicitation: {}, roots: {} };

describe('a question of a server that sessions share', () => {
  it('goes to the only session with a call open, and its answer comes back as it is', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(ALL), stage.ready(ALL)];
    a.asks('"call"', 'tools/call');
    stage.server.take();
    for (const [id, method] of [
      ['1', 'sampling/createMessage'],
      ['"x"', 'elicitation/create'],
      ['9007199254740993', 'roots/list'],
      ['-1', 'unknown/method'],
    ] as const) {
      stage.server.says(question(id, method));
      expect(a.takeAll()).toEqual([{ text: question(id, method), about: '"call"' }]);
      expect(b.take()).toEqual([]);
      a.says(answer(id));
      expect(stage.server.takeOne()).toBe(answer(id));
    }
  });

  it(`${req('base.error.code-and-message', 'base.error.same-id')} is refused where nothing says whose it is`, () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(ALL), stage.ready(ALL)];
    stage.server.says(question('"q"', 'roots/list'));
    expect(read(stage.server.takeOne())).toMatchObject({
      id: 'q',
      error: { code: -32603, message: expect.stringContaining('none has a call open') },
    });
    for (const client of [a, b]) client.asks('1', 'tools/call');
    stage.server.take();
    stage.server.says(question('"q"', 'roots/list'));
    expect(read(stage.server.takeOne())).toMatchObject({
      id: 'q',
      error: { code: -32603, message: expect.stringContaining('calls of several clients are open') },
    });
    expect([...a.take(), ...b.take()]).toEqual([]);
  });

  it('is refused as long as one call of each of two sessions is open', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(ALL), stage.ready(ALL)];
    a.asks('1', 'm');
    a.asks('2', 'm');
    b.asks('1', 'm');
    const [a1, a2, b1] = stage.server.take();
    stage.answers(a1 ?? '');
    stage.server.says(question('5', 'roots/list'));
    expect(read(stage.server.takeOne())).toMatchObject({ id: 5, error: {} });
    stage.answers(a2 ?? '');
    stage.server.says(question('6', 'roots/list'));
    expect(b.take()).toEqual([question('6', 'roots/list')]);
    stage.answers(b1 ?? '');
    stage.server.says(question('7', 'roots/list'));
    expect(read(stage.server.takeOne())).toMatchObject({ id: 7, error: {} });
  });

  it.each([
    ['sampling/createMessage', {}, '{}', -32601],
    ['elicitation/create', {}, '{}', -32601],
    ['roots/list', { sampling: {} }, '{}', -32601],
    ['tasks/get', ALL, '{"taskId":"1"}', -32601],
    ['elicitation/create', { elicitation: {} }, '{"mode":"url"}', -32602],
    ['elicitation/create', { elicitation: { form: {} } }, '{"mode":"url"}', -32602],
    ['elicitation/create', { elicitation: { url: {} } }, '{"mode":"form"}', -32602],
    ['elicitation/create', { elicitation: { url: {} } }, '{}', -32602],
    ['sampling/createMessage', { sampling: {} }, '{"tools":[]}', -32602],
    ['sampling/createMessage', { sampling: {} }, '{"toolChoice":{}}', -32602],
  ])(
    `${req('lifecycle.operation.capabilities', 'elicitation.mode-supported', 'sampling.tools-declared')} %s is refused of a client that declared %j: %s`,
    (method, capabilities, params, code) => {
      const stage = new Stage();
      stage.ready(ALL);
      const b = stage.ready(capabilities);
      b.asks('1', 'tools/call');
      stage.server.take();
      stage.server.says(question('3', method, params));
      expect(b.take()).toEqual([]);
      expect(read(stage.server.takeOne())).toMatchObject({ id: 3, error: { code } });
    },
  );

  it.each([
    ['elicitation/create', { elicitation: {} }, '{"mode":"form"}'],
    ['elicitation/create', { elicitation: { form: {}, url: {} } }, '{}'],
    ['elicitation/create', { elicitation: { url: {} } }, '{"mode":"url"}'],
    ['sampling/createMessage', { sampling: { tools: {} } }, '{"tools":[]}'],
  ])('%s is asked of a client that declared %j: %s', (method, capabilities, params) => {
    const stage = new Stage();
    const a = stage.ready(capabilities);
    a.asks('1', 'tools/call');
    stage.server.says(question('3', method, params));
    expect(a.take()).toEqual([question('3', method, params)]);
  });

  it('is answered only by who was asked, and once', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(ALL), stage.ready(ALL)];
    a.asks('1', 'tools/call');
    stage.server.take();
    stage.server.says(question('7', 'roots/list'));
    b.says(answer('7'));
    a.says(answer('8'));
    a.says('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}');
    expect(stage.server.take()).toEqual([]);
    a.says('{"jsonrpc":"2.0","id":7.0,"error":{"code":-1,"message":"declined"}}');
    a.says(answer('7'));
    expect(stage.server.take()).toEqual([
      '{"jsonrpc":"2.0","id":7.0,"error":{"code":-1,"message":"declined"}}',
    ]);
  });

  it('has its progress reported only by who was asked', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(ALL), stage.ready(ALL)];
    a.asks('1', 'tools/call');
    stage.server.take();
    stage.server.says(question('7', 'sampling/createMessage', '{"_meta":{"progressToken":"p"}}'));
    const progress =
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}';
    b.says(progress);
    b.says('{"jsonrpc":"2.0","method":"notifications/progress"}');
    expect(stage.server.take()).toEqual([]);
    a.says(progress);
    expect(stage.server.take()).toEqual([progress]);
    a.says(answer('7'));
    a.says(progress);
    expect(stage.server.take()).toEqual([answer('7')]);
  });

  it.each([true, false])(
    `${req('cancellation.stops-work', 'cancellation.late-response-ignored')} is taken back from who was asked (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive });
      const [a, b] = exclusive ? [stage.client()] : [stage.ready(ALL), stage.ready(ALL)];
      a?.asks('1', 'tools/call');
      stage.server.says(question('7', 'roots/list'));
      b?.asks('1', 'tools/call');
      stage.server.take();
      const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}';
      stage.server.says(cancel);
      expect(a?.take()).toEqual([question('7', 'roots/list'), cancel]);
      expect(b?.take() ?? []).toEqual([]);
      a?.says(answer('7'));
      a?.leaves();
      expect(stage.server.take().map((text) => read(text).method)).toEqual(['notifications/cancelled']);
    },
  );

  it('is nobody’s to hear of when it is taken back and was never asked', () => {
    const stage = new Stage();
    const a = stage.ready(ALL);
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}');
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/cancelled"}');
    expect(a.take()).toEqual([]);
  });

  it.each([true, false])(
    'is answered with an error when who was asked has left (exclusive: %s)',
    (exclusive) => {
      const stage = new Stage({ exclusive });
      const a = exclusive ? stage.client() : stage.ready(ALL);
      a.asks('1', 'tools/call');
      stage.server.says(question('"q"', 'roots/list'));
      stage.server.take();
      a.leaves();
      expect(stage.server.take().map(read)).toMatchObject([
        { method: 'notifications/cancelled' },
        { id: 'q', error: { code: -32603 } },
      ]);
    },
  );

  it('is refused where no client is there', () => {
    const stage = new Stage({ exclusive: true });
    stage.server.says(question('1', 'roots/list'));
    expect(read(stage.server.takeOne())).toMatchObject({ id: 1, error: { code: -32603 } });
  });

  it('is forgotten after too many others, and its answer dropped', () => {
    const stage = new Stage({ exclusive: true });
    const a = stage.client();
    for (let id = 0; id <= MAX_QUESTIONS; id++) stage.server.says(question(String(id), 'x'));
    for (const id of ['0', '1', String(MAX_QUESTIONS)]) a.says(answer(id));
    expect(stage.server.take()).toEqual([answer('1'), answer(String(MAX_QUESTIONS))]);
  });
});

describe('the end of a URL elicitation', () => {
  const complete = (id: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":${id}}}`;

  it(`${req('elicitation.complete-to-initiator', 'elicitation.complete-id')} is told to the one who was asked`, () => {
    const stage = new Stage();
    const declared = { elicitation: { url: {} } };
    const [a, b] = [stage.ready(declared), stage.ready(declared)];
    a.asks('1', 'tools/call');
    stage.server.says(question('7', 'elicitation/create', '{"mode":"url","elicitationId":"e"}'));
    b.asks('1', 'tools/call');
    for (const id of ['"e"', '"other"', '7']) stage.server.says(complete(id));
    expect(a.take()).toHaveLength(2);
    expect(b.take()).toEqual([]);
    a.leaves();
    stage.server.says(complete('"e"'));
    expect(b.take()).toEqual([]);
  });

  it(`${req('elicitation.required-list', 'elicitation.complete-to-initiator')} is told to the one whose call was answered with it`, () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    a.asks('1', 'tools/call');
    const { id } = read(stage.server.takeOne());
    const error = '{"code":-32042,"message":"m","data":{"elicitations":[{"elicitationId":"e"},7]}}';
    stage.server.says(`{"jsonrpc":"2.0","id":${id},"error":${error}}`);
    expect(a.takeOne()).toBe(`{"jsonrpc":"2.0","id":1,"error":${error}}`);
    b.asks('1', 'tools/call');
    stage.server.says(complete('"e"'));
    expect(a.take()).toEqual([complete('"e"')]);
    expect(b.take()).toEqual([]);
  });
});
