import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Backlog, maxUnread } from '../../../src/transports/backlog.js';

const MIB = 1024 * 1024;
const MUCH = 'x'.repeat(32 * MIB);

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** Both sides of real answers, whose clients do not read yet. */
async function pairs(count: number): Promise<{ response: ServerResponse; answer: IncomingMessage }[]> {
  const listening = createServer();
  server = listening;
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const all = [];
  for (let n = 0; n < count; n++) {
    const response = new Promise<ServerResponse>((resolve) => {
      listening.once('request', (_, one) => {
        one.flushHeaders();
        resolve(one);
      });
    });
    const answer = await new Promise<IncomingMessage>((resolve) => {
      get({ port: (listening.address() as AddressInfo).port, agent: false }, resolve);
    });
    answer.on('error', () => undefined).pause();
    all.push({ response: await response, answer });
  }
  return all;
}

it('a client is slow while much waits on any of its answers', async () => {
  const [a, b] = await pairs(2);
  if (!a || !b) throw new Error('no answers');
  let told: (isSlow: boolean) => void = () => undefined;
  const said: boolean[] = [];
  const backlog = new Backlog({}, (isSlow) => {
    said.push(isSlow);
    told(isSlow);
  });
  const quick = new Promise<void>((resolve) => {
    told = (isSlow) => {
      if (!isSlow) resolve();
    };
  });
  for (const { response } of [a, b]) {
    response.write('a little');
    backlog.wrote(response);
    expect(backlog.has(response)).toBe(false);
  }
  for (const { response } of [a, b]) {
    response.write(MUCH);
    backlog.wrote(response);
    backlog.wrote(response);
    expect(backlog.has(response)).toBe(true);
  }
  expect(said).toEqual([true]);
  b.response.end();
  a.answer.resume();
  b.answer.destroy();
  await quick;
  expect(said).toEqual([true, false]);
  expect([a.response.destroyed, backlog.has(a.response)]).toEqual([false, false]);
});

it('what waits on all answers together is bounded: the one on which most waits is closed', async () => {
  const [a, b] = await pairs(2);
  if (!a || !b) throw new Error('no answers');
  const backlog = new Backlog({ maxUnread: 40 * MIB }, () => undefined);
  a.response.write(MUCH);
  backlog.wrote(a.response);
  expect(a.response.destroyed).toBe(false);
  b.response.write(MUCH.slice(0, 20 * MIB));
  backlog.wrote(b.response);
  expect([a.response.destroyed, b.response.destroyed]).toEqual([true, false]);
});

it('an answer of which nothing is taken for long is closed; one that goes on, however slowly, is not', async () => {
  const [stalled, slow] = await pairs(2);
  if (!stalled || !slow) throw new Error('no answers');
  const backlog = new Backlog({ stallMs: 2000 }, () => undefined);
  const closed = new Promise((resolve) => {
    stalled.response.once('close', resolve);
  });
  for (const { response } of [stalled, slow]) {
    response.write(MUCH);
    backlog.wrote(response);
  }
  let got = 0;
  slow.answer.on('data', (chunk: Buffer) => {
    got += chunk.length;
    // It takes much longer than that to read all.
    slow.answer.pause();
    setTimeout(() => slow.answer.resume(), 20);
  });
  await closed;
  expect(slow.response.destroyed).toBe(false);
  expect(got).toBeLessThan(MUCH.length);
  slow.answer.destroy();
});

it('an answer that was slow leaves its connection as others do', async () => {
  const [one] = await pairs(1);
  if (!one) throw new Error('no answer');
  const backlog = new Backlog({}, () => undefined);
  one.response.end(MUCH);
  backlog.wrote(one.response);
  one.answer.resume();
  await new Promise((resolve) => {
    one.response.once('close', resolve);
  });
  expect(backlog.has(one.response)).toBe(false);
  expect(['drain', 'timeout'].map((event) => one.response.listenerCount(event))).toEqual([0, 0]);
});

it('has room for the longest line of each server and more', () => {
  expect(maxUnread([])).toBe(80 * MIB);
  expect(maxUnread([65 * MIB, 1000])).toBe(80 * MIB);
  expect(maxUnread([65 * MIB, 300 * MIB])).toBe(315 * MIB);
});
