/** An upstream that is shared by sessions of one client alone: what the server sends may go to any that can carry it. */
import { describe, expect, it } from 'vitest';
import type { Joining } from '../../../src/relay/correlation.js';
import { Client, read, Stage } from './stage.js';

const question = (id: string, method = 'elicitation/create'): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{}}`;
const answer = (id: string): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`;
const log = (level: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":1}}`;

function started(): { stage: Stage; session: (joining?: Joining) => Client } {
  const stage = new Stage({ clients: 'one' });
  const session = (joining: Joining = { canBeAsked: true }): Client =>
    new Client(stage.correlation.attach({ isTranslated: true, ...joining }));
  return { stage, session };
}

describe('a question whose call nothing names', () => {
  it('is asked in the oldest call that can be asked, and rather in one that was not asked yet', () => {
    const { stage, session } = started();
    const [list, a, b] = [session({ canBeAsked: false }), session(), session()];
    for (const client of [list, a, b]) client.asks('1', 'm');
    stage.server.take();
    for (const id of ['10', '11', '12']) stage.server.says(question(id));
    expect(a.take()).toEqual([question('10'), question('12')]);
    expect(b.take()).toEqual([question('11')]);
    expect(list.take()).toEqual([]);
    b.says(answer('11'));
    a.says(answer('10'));
    expect(stage.server.take()).toEqual([answer('11'), answer('10')]);
    stage.server.says(question('13'));
    expect(b.take()).toEqual([question('13')]);
  });

  it('is asked although another call was cancelled just now', () => {
    const { stage, session } = started();
    const [a, b] = [session(), session()];
    for (const client of [a, b]) client.asks('1', 'm');
    a.leaves();
    stage.server.take();
    stage.server.says(question('10'));
    expect(b.take()).toEqual([question('10')]);
  });

  it('goes where its call is named', () => {
    const { stage, session } = started();
    const [a, b] = [session(), session()];
    for (const client of [a, b]) client.asks('1', 'm');
    const [, named] = stage.server.take().map(read);
    stage.server.says(question('10'), String(named?.id) as never);
    expect([a.take(), b.take()]).toEqual([[], [question('10')]]);
  });

  it('is refused in words that fit where no call is open', () => {
    const { stage } = started();
    stage.server.says(question('10'));
    const { error } = read(stage.server.takeOne());
    expect(error).toMatchObject({ code: -32603 });
    expect((error as { message: string }).message).not.toMatch(/several|sharing/);
  });
});

describe('a log message whose call nothing names', () => {
  it('goes to the oldest call that asked for its level, and to that alone', () => {
    const { stage, session } = started();
    const [silent, errors, info, debug] = [session(), session(), session(), session()];
    for (const client of [silent, errors, info, debug]) client.asks('1', 'm');
    errors.asks('2', 'logging/setLevel', { level: 'error' });
    info.asks('2', 'logging/setLevel', { level: 'info' });
    debug.asks('2', 'logging/setLevel', { level: 'debug' });
    for (const level of ['critical', 'info', 'debug']) stage.server.says(log(level));
    expect(errors.take()).toEqual([log('critical')]);
    expect(info.take()).toEqual([log('info')]);
    expect(debug.take()).toEqual([log('debug')]);
    expect(silent.take()).toEqual([]);
  });
});

it('anything else whose call nothing names goes to the oldest call', () => {
  const { stage, session } = started();
  const [a, b] = [session(), session()];
  for (const client of [a, b]) client.asks('1', 'm');
  const other = '{"jsonrpc":"2.0","method":"notifications/other"}';
  stage.server.says(other);
  expect([a.take(), b.take()]).toEqual([[other], []]);
});

it('a question that its call went on without is asked in another, and where that was given up it is not', () => {
  const { stage, session } = started();
  const [a, b, c] = [session(), session(), session()];
  for (const client of [a, b, c]) client.asks('1', 'm');
  const [call = ''] = stage.server.take();
  stage.server.says(question('10'));
  stage.answers(call);
  a.leaves();
  expect(b.take()).toEqual([question('10')]);
  expect(stage.server.take()).toEqual([]);
  b.leaves();
  const sent = stage.server.take().map(read);
  expect(sent).toMatchObject([{ method: 'notifications/cancelled' }, { id: 10, error: {} }]);
  expect(c.take()).toEqual([]);
});

it('a question whose call was named is asked in no other, though that went on without it', () => {
  const { stage, session } = started();
  const [a, b] = [session(), session()];
  for (const client of [a, b]) client.asks('1', 'm');
  const [call = ''] = stage.server.take();
  stage.server.says(question('10'), String(read(call).id) as never);
  stage.answers(call);
  a.leaves();
  expect(b.take()).toEqual([]);
  expect(stage.server.take().map(read)).toMatchObject([{ id: 10, error: {} }]);
});
