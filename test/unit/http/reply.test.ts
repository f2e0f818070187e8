/** What becomes of a connection whose request was refused before it had come to its end. */
import { createServer, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { refuse } from '../../../src/http/reply.js';
import { Socket } from '../../attacks/harness/socket.js';
import { raw } from '../../attacks/harness/target.js';
import { listen } from '../../e2e/harness/listen.js';
import { Scope } from '../../e2e/harness/scope.js';
import { guards } from '../../security.js';

const scope = new Scope();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await scope.end();
});

/** Refuses every POST; a GET is answered by the test. */
async function start(): Promise<{ readonly socket: Socket; readonly asked: ServerResponse[] }> {
  const asked: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.method === 'POST') refuse(response, 401, 'no');
    else asked.push(response.writeHead(200, { 'transfer-encoding': 'chunked' }));
  });
  return { socket: await Socket.open(scope, await listen(scope, server)), asked };
}

const POST = raw(['POST / HTTP/1.1', 'Host: localhost', 'Content-Length: 1000'], 'the beginning');
const GET = raw(['GET / HTTP/1.1', 'Host: localhost']);

it(`${guards('slow.ended')} ends ten seconds later, though the request still comes`, async () => {
  const { socket } = await start();
  socket.write(POST);
  await socket.answers(1);
  vi.advanceTimersByTime(9999);
  socket.write('x');
  await new Promise((resolve) => setImmediate(resolve));
  expect(socket.isClosed).toBe(false);
  vi.advanceTimersByTime(1);
  await socket.closed;
  expect((await socket.answers()).map(({ status }) => status)).toEqual([401]);
});

it('serves the next one where the request comes to its end before', async () => {
  const { socket } = await start();
  socket.write(POST);
  await socket.answers(1);
  socket.write('x'.repeat(1000 - 'the beginning'.length) + POST);
  await socket.answers(2);
  vi.advanceTimersByTime(10_000);
  await socket.closed;
  expect((await socket.answers()).map(({ status }) => status)).toEqual([401, 401]);
});

it('stays for as long as an answer before it is not at its end', async () => {
  const { socket, asked } = await start();
  socket.write(GET + POST);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  asked[0]?.write('one');
  await socket.until(() => socket.text.includes('one'));
  vi.advanceTimersByTime(10_000);
  asked[0]?.write('two');
  await socket.until(() => socket.text.includes('two'));
  expect(socket.isClosed).toBe(false);
  asked[0]?.end();
  await socket.closed;
  expect((await socket.answers()).map(({ status }) => status)).toEqual([200, 401]);
});
