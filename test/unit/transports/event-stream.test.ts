import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Backlog } from '../../../src/transports/backlog.js';
import { EventStream } from '../../../src/transports/event-stream.js';
import { Heartbeat } from '../../../src/transports/heartbeat.js';

const backlog = new Backlog({}, () => undefined);
let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** Both sides of one real answer. */
async function pair(): Promise<{ response: ServerResponse; answer: Promise<IncomingMessage> }> {
  const listening = createServer();
  server = listening;
  const response = new Promise<ServerResponse>((resolve) => {
    listening.once('request', (_, one) => resolve(one));
  });
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const answer = new Promise<IncomingMessage>((resolve) => {
    get(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`, resolve);
  });
  return { response: await response, answer };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return text;
}

it('writes events as the standard has them, and octets as they are', async () => {
  const { response, answer } = await pair();
  const heartbeat = new Heartbeat();
  const stream = new EventStream(response, { heartbeat, backlog }, { 'x-more': '1' });
  stream.prime('1-1');
  stream.event('message', Buffer.from('{"é":1}').toString('latin1'), '1-2');
  stream.event('endpoint', '/x');
  stream.retry(5);
  stream.beat(Date.now() + 1000, 1000);
  stream.beat(Date.now(), 1000);
  expect(heartbeat.size).toBe(1);
  stream.end();
  stream.event('message', 'too late');
  const got = await answer;
  expect(got.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-more': '1' });
  expect(await textOf(got)).toBe(
    'id: 1-1\ndata: \n\nid: 1-2\nevent: message\ndata: {"é":1}\n\nevent: endpoint\ndata: /x\n\nretry: 5\n\n: keep-alive\n\n',
  );
  expect(stream.open).toBe(false);
  expect(heartbeat.size).toBe(0);
});

it('closes where more waits than may wait', async () => {
  const { response, answer } = await pair();
  const heartbeat = new Heartbeat();
  const stream = new EventStream(response, {
    heartbeat,
    backlog: new Backlog({ maxUnread: 1000 }, () => undefined),
  });
  (await answer).on('error', () => undefined).pause();
  const closed = new Promise((resolve) => {
    response.once('close', resolve);
  });
  stream.event('message', 'x'.repeat(64 * 1024 * 1024));
  expect(stream.open).toBe(false);
  expect(heartbeat.size).toBe(0);
  await closed;
});

it('is closed from the start on an answer whose client has gone', async () => {
  const { response, answer } = await pair();
  const closed = new Promise((resolve) => {
    response.once('close', resolve);
  });
  response.flushHeaders();
  (await answer).on('error', () => undefined).destroy();
  await closed;
  const heartbeat = new Heartbeat();
  const stream = new EventStream(response, { heartbeat, backlog });
  stream.event('message', '{}');
  expect(stream.open).toBe(false);
  expect(heartbeat.size).toBe(0);
});
