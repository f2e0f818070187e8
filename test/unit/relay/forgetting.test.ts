import { describe, expect, it } from 'vitest';
import { makeCall } from '../../../src/relay/calls.js';
import { Handshake } from '../../../src/relay/handshake.js';
import { LogLevels } from '../../../src/relay/log-levels.js';
import { type Call, Port } from '../../../src/relay/port.js';
import { Questions } from '../../../src/relay/questions.js';
import { Subscriptions } from '../../../src/relay/subscriptions.js';
import { MAX_TASKS, Tasks } from '../../../src/relay/tasks.js';
import { message } from './memory-link.js';

const port = (): Port =>
  new Port({
    listens: () => undefined,
    fromPort: () => undefined,
    hold: () => undefined,
    detach: () => undefined,
  });

function callOf(owner: Port, id: string, upstreamId: string | undefined): Call {
  const text = `{"jsonrpc":"2.0","id":${id},"method":"m","params":{"_meta":{"progressToken":"t"}}}`;
  return makeCall(owner, message(text), id, upstreamId, undefined);
}

const created = (taskId: string): ReturnType<typeof message> =>
  message(`{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"${taskId}"}}}`);

/** What a session leaves behind would grow for as long as a shared server runs. */
describe('what is forgotten', () => {
  it('the progress tokens of tasks whose session has left', () => {
    const dropped: Call[] = [];
    const tasks = new Tasks((call) => dropped.push(call));
    const [a, b] = [port(), port()];
    const [ofA, ofB] = [callOf(a, '1', '1'), callOf(b, '1', '2')];
    tasks.created(ofA, created('A'));
    tasks.created(ofB, created('B'));
    tasks.forget(a);
    expect(dropped).toEqual([ofA]);
    expect([tasks.owner('A'), tasks.owner('B')]).toEqual([undefined, b]);
  });

  it('an initialize that waited and was given up, or whose session has left', () => {
    const handshake = new Handshake();
    const [a, b] = [port(), port()];
    const calls = [callOf(a, '1', undefined), callOf(b, '1', undefined), callOf(b, '2', undefined)] as const;
    handshake.begin();
    for (const call of calls) handshake.wait(call, '2025-11-25');
    handshake.leave(a);
    handshake.giveUp(calls[1]);
    expect(handshake.done('{}')).toEqual([[calls[2], '{}']]);
    handshake.wait(calls[0], '2025-11-25');
    const refusal = message('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}');
    expect(handshake.failed(refusal)).toEqual([calls[0]]);
    expect(handshake.failed(refusal)).toEqual([]);
  });

  it('the log level of a session that has left, also when the server refuses it afterwards', () => {
    const levels = new LogLevels();
    const a = port();
    levels.join(a);
    levels.set(a, 'error');
    levels.leave(a);
    levels.restore(a, 'debug');
    expect(levels.effective()).toBeUndefined();
  });

  it('the oldest task, with its progress token, where there are too many', () => {
    const dropped: Call[] = [];
    const tasks = new Tasks((call) => dropped.push(call));
    const a = port();
    const first = callOf(a, '0', '0');
    tasks.created(first, created('first'));
    for (let i = 1; i < MAX_TASKS; i++) tasks.created(callOf(a, '1', '1'), created(`t${i}`));
    expect([tasks.owner('first'), dropped]).toEqual([a, []]);
    tasks.created(callOf(a, '1', '1'), created('last'));
    expect([tasks.owner('first'), tasks.owner('t1'), tasks.owner('last')]).toEqual([undefined, a, a]);
    expect(dropped).toEqual([first]);
    tasks.forget(a);
    expect(dropped).toHaveLength(MAX_TASKS + 1);
    expect(tasks.owner('last')).toBeUndefined();
  });

  it('what a session was asked and subscribed to', () => {
    const a = port();
    const questions = new Questions();
    questions.open(
      a,
      message('{"jsonrpc":"2.0","id":1.0,"method":"elicitation/create","params":{"elicitationId":"e"}}'),
      true,
    );
    expect(questions.elicited('e')).toBe(a);
    expect(questions.forget(a)).toMatchObject([{ message: { id: '1.0' }, isOfCall: true }]);
    expect(questions.forget(a)).toEqual([]);
    expect(questions.elicited('e')).toBeUndefined();
    const subscriptions = new Subscriptions();
    subscriptions.add('a:', a);
    expect(subscriptions.forget(a)).toEqual(['a:']);
    expect(subscriptions.forget(a)).toEqual([]);
    expect([...subscriptions.audience('a:')]).toEqual([]);
  });
});
