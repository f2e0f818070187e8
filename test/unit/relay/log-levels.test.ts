import { describe, expect, it } from 'vitest';
import { type Client, read, Stage } from './stage.js';

const log = (level: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":"d"}}`;

/** A client sets its level and the server agrees. Returns the level that the server was asked for. */
function sets(stage: Stage, client: Client, level: string): unknown {
  client.asks('"l"', 'logging/setLevel', { level });
  const sent = stage.server.takeOne();
  stage.answers(sent);
  expect(client.takeOne()).toBe('{"jsonrpc":"2.0","id":"l","result":{}}');
  return params(sent).level;
}

function params(text: string): { level?: string; _meta?: unknown } {
  return read(text).params ?? {};
}

/** Which of the clients hear a log message of this level. */
function hear(stage: Stage, level: string, clients: Client[]): boolean[] {
  stage.server.says(log(level));
  return clients.map((client) => client.take().length === 1);
}

describe('the log levels of sessions that share a server', () => {
  it('never silence another: the server is asked for the most talkative', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    expect(sets(stage, a, 'error')).toBe('debug');
    expect(hear(stage, 'info', [a, b])).toEqual([false, true]);
    expect(hear(stage, 'critical', [a, b])).toEqual([true, true]);
    expect(sets(stage, b, 'info')).toBe('info');
    expect(hear(stage, 'debug', [a, b])).toEqual([false, false]);
    expect(hear(stage, 'notice', [a, b])).toEqual([false, true]);
    expect(sets(stage, b, 'emergency')).toBe('error');
  });

  it('let through what has no level that MCP knows', () => {
    const stage = new Stage();
    const a = stage.ready();
    sets(stage, a, 'emergency');
    expect(hear(stage, 'trace', [a])).toEqual([true]);
  });

  it('leave a message as it is where the server is asked for just that', () => {
    const stage = new Stage();
    const a = stage.ready();
    a.says('{"jsonrpc":"2.0","id":1, "method":"logging/setLevel","params":{"level":"error" ,"n":1.0}}');
    expect(stage.server.takeOne()).toMatch(
      /, "method":"logging\/setLevel","params":\{"level":"error" ,"n":1.0\}\}$/,
    );
  });

  it('keep the progress token of a message that has to be changed', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    b.asks('1', 'm', { _meta: { progressToken: 1 } });
    stage.server.take();
    a.says(
      '{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"error","_meta":{"progressToken":9007199254740993}}}',
    );
    const sent = read(stage.server.takeOne());
    expect(sent).toMatchObject({ params: { level: 'debug', _meta: { progressToken: sent.id } } });
    stage.server.says(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${sent.id},"progress":1}}`,
    );
    expect(a.takeOne()).toContain('"progressToken":9007199254740993');
    expect(b.take()).toEqual([]);
  });

  it('are asked for anew when a session comes or goes', () => {
    const stage = new Stage();
    const a = stage.ready();
    expect(sets(stage, a, 'error')).toBe('error');
    const b = stage.client();
    expect(params(stage.server.takeOne()).level).toBe('debug');
    b.leaves();
    expect(params(stage.server.takeOne()).level).toBe('error');
    const c = stage.client();
    stage.server.take();
    a.leaves();
    expect(stage.server.take()).toEqual([]);
    c.leaves();
    expect(stage.server.take()).toEqual([]);
  });

  it('are what they were where the server refuses a new one', () => {
    const stage = new Stage();
    const a = stage.ready();
    sets(stage, a, 'error');
    a.asks('1', 'logging/setLevel', { level: 'debug' });
    stage.refuses(stage.server.takeOne());
    expect(read(a.takeOne()).error).toMatchObject({ code: -32000 });
    expect(hear(stage, 'info', [a])).toEqual([false]);
  });

  it.each(['{"level":"loud"}', '{"level":7}', '{}'])('pass %s on, for the server to refuse', (wrong) => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    sets(stage, a, 'error');
    b.says(`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":${wrong}}`);
    const sent = stage.server.takeOne();
    expect(sent).toContain(`"params":${wrong}`);
    stage.refuses(sent, -32602);
    expect(read(b.takeOne()).error).toMatchObject({ code: -32602 });
    expect(hear(stage, 'info', [a, b])).toEqual([false, true]);
  });

  it('do not tell one what another does: a message is for the only one with calls open, or for nobody', () => {
    const stage = new Stage();
    const [a, b] = [stage.ready(), stage.ready()];
    a.asks('5', 'm');
    stage.server.says(log('info'));
    expect(a.takeAll()).toEqual([{ text: log('info'), about: '5' }]);
    b.asks('5', 'm');
    expect(hear(stage, 'info', [a, b])).toEqual([false, false]);
    for (const { text } of stage.events) expect(text).not.toContain('"d"');
  });

  it('are nothing to the proxy where one session has the server to itself', () => {
    const stage = new Stage({ exclusive: true });
    const a = stage.client();
    a.asks('1', 'logging/setLevel', { level: 'error' });
    stage.answers(stage.server.takeOne());
    a.take();
    expect(hear(stage, 'debug', [a])).toEqual([true]);
  });
});
