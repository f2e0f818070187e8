import { describe, expect, it } from 'vitest';
import { req } from '../../requirements.js';
import { type Client, read, Stage } from './stage.js';

/** A client starts a task; returns the progress token that the server got for it. */
function starts(stage: Stage, client: Client, taskId: string, token: unknown = 't'): unknown {
  client.asks('"start"', 'tools/call', { task: { ttl: 1 }, _meta: { progressToken: token } });
  const sent = stage.server.takeOne();
  stage.answers(sent, { task: { taskId, status: 'working' } });
  expect(read(client.takeOne()).result).toMatchObject({ task: { taskId } });
  return read(sent).id;
}

const status = (taskId: string, state: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"${taskId}","status":"${state}"}}`;

const progress = (token: unknown): string =>
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${JSON.stringify(token)},"progress":1}}`;

const related = (taskId: string): string => `{"io.modelcontextprotocol/related-task":{"taskId":"${taskId}"}}`;

describe('tasks of sessions that share a server', () => {
  it('tell their owner how they are, and nobody else', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    starts(stage, a, 'T');
    b.asks('1', 'm');
    stage.server.says(status('T', 'working'));
    stage.server.says(status('unknown', 'working'));
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/tasks/status"}');
    expect(a.take()).toEqual([status('T', 'working')]);
    expect(b.take()).toEqual([]);
  });

  it(`${req('tasks.list-own-only', 'tasks.cursor-opaque')} are listed to their owner only`, () => {
    const stage = new Stage();
    const [a, b, c] = [stage.ready(), stage.ready(), stage.ready()];
    starts(stage, a, 'A');
    starts(stage, b, 'B');
    const list =
      '{"tasks":[{"taskId":"A"},{"taskId":"B"},{"taskId":"X"},7],"nextCursor":"c==","_meta":{"x":1}}';
    const seen = [a, b, c].map((client) => {
      client.asks('1', 'tasks/list', { cursor: 'c0==' });
      const sent = stage.server.takeOne();
      expect(read(sent).params).toEqual({ cursor: 'c0==' });
      stage.server.says(`{"jsonrpc":"2.0","id":${read(sent).id},"result":${list}}`);
      return read(client.takeOne()).result;
    });
    expect(seen).toEqual(
      [[{ taskId: 'A' }], [{ taskId: 'B' }], []].map((tasks) => ({
        tasks,
        nextCursor: 'c==',
        _meta: { x: 1 },
      })),
    );
    a.asks('1', 'tasks/list');
    stage.refuses(stage.server.takeOne());
    expect(read(a.takeOne()).error).toMatchObject({ code: -32000 });
    a.asks('1', 'tasks/list');
    const own = `{"jsonrpc":"2.0","id":${read(stage.server.takeOne()).id},"result":{"tasks":[{"taskId":"A","n":1.0}]}}`;
    stage.server.says(own);
    expect(a.takeOne()).toContain('"n":1.0');
  });

  it.each(['tasks/get', 'tasks/result', 'tasks/cancel'])(
    `${req('tasks.own-only')} are out of reach of %s of another`,
    (method) => {
      const stage = new Stage();
      const [a, b] = [stage.ready(), stage.ready()];
      starts(stage, a, 'A');
      b.asks('1', method, { taskId: 'A' });
      expect(stage.server.take()).toEqual([]);
      expect(read(b.takeOne())).toMatchObject({ id: 1, error: { code: -32602 } });
      for (const taskId of ['A', 'unknown', 7]) {
        a.asks('1', method, { taskId });
        stage.answers(stage.server.takeOne());
        expect(a.take()).toHaveLength(1);
      }
    },
  );

  it.each([true, false])(
    `${req('progress.tokens-tracked')} report progress until they have ended (exclusive: %s)`,
    (exclusive) => {
      const stage = new Stage({ exclusive });
      const a = exclusive ? stage.client() : stage.ready();
      const token = exclusive ? 't' : starts(stage, a, 'T');
      if (exclusive) starts(stage, a, 'T');
      stage.server.says(progress(token));
      expect(a.takeAll()).toEqual([{ text: progress('t'), about: undefined }]);
      stage.server.says(status('T', 'completed'));
      a.take();
      stage.server.says(progress(token));
      expect(a.take()).toEqual([]);
    },
  );

  it.each([
    ['tasks/result', { content: [] }],
    ['tasks/get', { taskId: 'T', status: 'failed' }],
    ['tasks/cancel', { taskId: 'T', status: 'cancelled' }],
  ])(`${req('progress.stops')} have ended where the answer to %s says so`, (method, result) => {
    const stage = new Stage();
    const a = stage.ready();
    const token = starts(stage, a, 'T');
    a.asks('1', method, { taskId: 'T' });
    const sent = stage.server.takeOne();
    stage.server.says(progress(token));
    expect(a.take()).toHaveLength(1);
    stage.answers(sent, result);
    a.take();
    stage.server.says(progress(token));
    expect(a.take()).toEqual([]);
    stage.server.says(status('T', 'completed'));
    expect(a.take()).toHaveLength(1);
  });

  it('do not take the token from a later request that has the same one', () => {
    const stage = new Stage({ exclusive: true });
    const a = stage.client();
    starts(stage, a, 'T');
    a.asks('2', 'm', { _meta: { progressToken: 't' } });
    stage.server.says(status('T', 'completed'));
    a.take();
    stage.server.says(progress('t'));
    expect(a.takeAll()).toEqual([{ text: progress('t'), about: '2' }]);
  });

  it('are none where the answer is something else', () => {
    const stage = new Stage();
    const a = stage.ready();
    a.asks('1', 'm', { task: {}, _meta: { progressToken: 't' } });
    const sent = stage.server.takeOne();
    stage.answers(sent, { content: [] });
    a.take();
    stage.server.says(progress(read(sent).id));
    expect(a.take()).toEqual([]);
  });

  it(`${req('tasks.related', 'tasks.result-immediate')} have their questions and messages brought to the owner`, () => {
    const stage = new Stage();
    const [a, b] = [stage.ready({ elicitation: {} }), stage.ready({ elicitation: {} })];
    starts(stage, a, 'A');
    b.asks('1', 'm');
    stage.server.take();
    const question = `{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"_meta":${related('A')}}}`;
    const log = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","_meta":${related('A')}}}`;
    const other = `{"jsonrpc":"2.0","method":"x","params":{"_meta":${related('A')}}}`;
    for (const text of [question, log, other]) stage.server.says(text);
    expect(a.take()).toEqual([question, log, other]);
    expect(b.take()).toEqual([]);
  });

  it('of a session that has left concern nobody else', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready({ elicitation: {} }), stage.ready({ elicitation: {} })];
    const token = starts(stage, a, 'A');
    a.leaves();
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","_meta":${related('A')}}}`,
    );
    b.asks('1', 'm');
    stage.server.take();
    stage.server.says(
      `{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"_meta":${related('A')}}}`,
    );
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","_meta":${related('A')}}}`,
    );
    stage.server.says(`{"jsonrpc":"2.0","method":"x","params":{"_meta":${related('A')}}}`);
    stage.server.says(status('A', 'completed'));
    stage.server.says(progress(token));
    expect(b.take()).toEqual([]);
    expect(read(stage.server.takeOne())).toMatchObject({ id: 1, error: { code: -32603 } });
  });
});
