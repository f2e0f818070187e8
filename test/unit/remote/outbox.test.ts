import { expect, test } from 'vitest';
import type { Message } from '../../../src/jsonrpc/message.js';
import { MAX_WAITING, Outbox, type Stage } from '../../../src/remote/outbox.js';
import { wire } from './fixture.js';

const request = (id: number, method = 'call') => wire({ jsonrpc: '2.0', id, method });
const notification = (method = 'notifications/n') => wire({ jsonrpc: '2.0', method });
const answer = (id: number) => wire({ jsonrpc: '2.0', id, result: {} });

function record() {
  const begun: Message[] = [];
  const stages = new Map<Message, Stage>();
  const outbox = new Outbox((message, stage) => {
    begun.push(message);
    stages.set(message, stage);
  });
  const stage = (message: Message): Stage => {
    const found = stages.get(message);
    if (found === undefined) throw new Error('not begun');
    return found;
  };
  return { outbox, begun, stage };
}

test('requests and answers wait for nothing', () => {
  const { outbox, begun } = record();
  const all = [request(1), answer(9), request(2)];
  for (const message of all) outbox.add(message);
  expect(begun).toEqual(all);
});

test('initialize is alone, except for answers', () => {
  const { outbox, begun, stage } = record();
  const [initialize, call, early] = [request(0, 'initialize'), request(1), answer(7)];
  for (const message of [initialize, call, early]) outbox.add(message);
  stage(initialize).sent();
  expect(begun).toEqual([initialize, early]);
  stage(initialize).done();
  expect(begun).toEqual([initialize, early, call]);
});

test('a notification waits for what is not on its way, and holds back what follows', async () => {
  const { outbox, begun, stage } = record();
  const [first, note, second] = [request(1), notification(), request(2)];
  for (const message of [first, note, second]) outbox.add(message);
  expect(begun).toEqual([first]);
  stage(first).sent();
  await expect.poll(() => begun.length).toBe(2);
  expect(begun).toEqual([first, note]);
  stage(note).sent();
  stage(note).done();
  expect(begun).toEqual([first, note, second]);
});

test('what the server has taken is waited for no longer', () => {
  const { outbox, begun, stage } = record();
  const [first, note] = [request(1), notification()];
  outbox.add(first);
  outbox.add(note);
  stage(first).done();
  expect(begun).toEqual([first, note]);
});

test('a message that is done at once does not begin another twice', () => {
  const begun: Message[] = [];
  const outbox = new Outbox((message, stage) => {
    begun.push(message);
    stage.done();
  });
  const all = [notification(), request(1), notification(), request(2)];
  for (const message of all) outbox.add(message);
  expect(begun).toEqual(all);
  expect(outbox.idle).toBe(true);
});

test('it is full some day', () => {
  const { outbox } = record();
  outbox.add(request(0, 'initialize'));
  for (let id = 1; id <= MAX_WAITING; id++) expect(outbox.add(request(id))).toBe(true);
  expect(outbox.add(request(-1))).toBe(false);
  outbox.clear();
  expect(outbox.idle).toBe(true);
});

test('paused, it lets nothing out but answers; what came to nothing goes first', async () => {
  const { outbox, begun, stage } = record();
  const [first, second, note, reply] = [request(1), request(2), notification(), answer(7)];
  outbox.add(first);
  outbox.pause();
  for (const message of [second, note, reply]) outbox.add(message);
  expect(begun).toEqual([first, reply]);
  outbox.again([first]);
  stage(first).done();
  await Promise.resolve();
  expect(begun).toEqual([first, reply]);
  outbox.resume();
  expect(begun).toEqual([first, reply, first, second]);
  expect(outbox.idle).toBe(false);
  expect(outbox.take()).toEqual([note]);
});
