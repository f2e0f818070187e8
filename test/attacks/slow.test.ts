/** Slowloris: many connections, each of which sends its request so slowly that it never ends. Others are served. */
import { afterEach, expect, it } from 'vitest';
import { Scope } from '../e2e/harness/scope.js';
import { Client, requestBody } from '../http/harness/client.js';
import { closeAll, start, type TestProxy } from '../http/harness/proxy.js';
import { guards } from '../security.js';
import { Socket } from './harness/socket.js';
import { raw } from './harness/target.js';

/** What takes longer is ended. An innocent request needs some milliseconds. */
const TIMES = { headMs: 1500, requestMs: 2500 };
const ATTACKERS = 100;
/** How often each of them sends one octet more, in milliseconds: no silence is as long as any limit. */
const DRIP_MS = 100;
const KEY = 'ann-0123456789abcdef';

const scope = new Scope();
let dripping: NodeJS.Timeout | undefined;

afterEach(async () => {
  clearInterval(dripping);
  await closeAll();
  await scope.end();
});

function startGuarded(): Promise<TestProxy> {
  return start({ limits: TIMES, auth: { apiKeys: `ann:${KEY}` } }, { 'x-api-key': KEY });
}

/**
 * So many connections that begin like this and go on octet by octet for as long as they stand. Settles when all are
 * ended; an innocent client is served until then.
 */
async function besiege({ url }: TestProxy, beginning: string): Promise<Socket[]> {
  const innocent = await Client.open(`${url}/mcp`, { headers: { 'x-api-key': KEY } });
  const sockets = await Promise.all(Array.from({ length: ATTACKERS }, () => Socket.open(scope, url)));
  for (const socket of sockets) socket.write(beginning);
  dripping = setInterval(() => {
    for (const socket of sockets) if (beginning !== '') socket.write('x');
  }, DRIP_MS);
  let isOver = false;
  const ended = Promise.all(sockets.map(({ closed }) => closed)).then(() => {
    isOver = true;
  });
  let asked = 0;
  while (!isOver) {
    const answer = await innocent.post(requestBody(asked++, 'ping'));
    expect(answer.status, answer.body).toBe(200);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, DRIP_MS))]);
  }
  expect(asked).toBeGreaterThan(1);
  return sockets;
}

function statuses(text: string): string[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '');
}

const HEAD = ['POST /mcp HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
const LENGTH = 'Content-Length: 1000000';

it.each([
  ['nothing at all', ''],
  ['a target', 'POST /'],
  ['headers', `${HEAD.join('\r\n')}\r\nX-A: `],
])(`${guards('slow.ended')} a connection that sends %s, and no end of it, is ended`, async (_, beginning) => {
  const sockets = await besiege(await startGuarded(), beginning);
  for (const { text } of sockets) expect(['400', '408']).toEqual(expect.arrayContaining(statuses(text)));
});

it.each([
  ['a length', raw([...HEAD, `X-API-Key: ${KEY}`, LENGTH], '{"a":"')],
  ['chunks', raw([...HEAD, `X-API-Key: ${KEY}`, 'Transfer-Encoding: chunked'], 'fffff\r\n{"a":"')],
])(
  `${guards('slow.ended')} so is one of somebody known whose body never ends, with %s`,
  async (_, beginning) => {
    const sockets = await besiege(await startGuarded(), beginning);
    for (const { text } of sockets) expect(statuses(text)).toEqual(['408']);
  },
);

it(`${guards('slow.ended')} so is one of somebody unknown, who is refused from the head`, async () => {
  const sockets = await besiege(await startGuarded(), raw([...HEAD, LENGTH], '{"a":"'));
  for (const { text } of sockets) expect(statuses(text)).toEqual(['401']);
});

it(`${guards('slow.ended')} a connection that is kept for its next request is not ended for that`, async () => {
  const { url } = await start({ limits: { headMs: 200, requestMs: 200 } });
  const socket = await Socket.open(scope, url);
  for (let count = 1; count <= 3; count++) {
    socket.write(raw(['GET /nothing HTTP/1.1', 'Host: localhost']));
    expect(await socket.answers(count)).toHaveLength(count);
    // Longer than a request may take.
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(socket.isClosed).toBe(false);
});

it(`${guards('slow.bounded')} bodies whose end does not come are kept up to a bound, and small messages pass all the same`, async () => {
  const limits = { maxBody: 10_000, maxUnfinished: 18_000 };
  const proxy = await start({ limits, auth: { apiKeys: `ann:${KEY}` } }, { 'x-api-key': KEY });
  const innocent = await Client.open(`${proxy.url}/mcp`, { headers: { 'x-api-key': KEY } });
  const head = [...HEAD, `X-API-Key: ${KEY}`];
  const begin = async (): Promise<Socket> => {
    const socket = await Socket.open(scope, proxy.url);
    socket.write(raw([...head, 'Content-Length: 10000'], 'x'.repeat(9000)));
    return socket;
  };
  const sockets = [await begin(), await begin(), await begin()];
  // Which of them came last is not for us to say.
  await Promise.race(sockets.map((socket) => socket.answers(1)));
  const answers = (
    await Promise.all(sockets.filter(({ text }) => text !== '').map((one) => one.answers(1)))
  ).flat();
  expect(answers.map(({ status }) => status)).toEqual([503]);
  expect(answers[0]?.head).toMatch(/^retry-after: 5\r$/im);
  expect((await innocent.post(requestBody(1, 'ping'))).status).toBe(200);
  const open = sockets.filter(({ text }) => text === '');
  open[0]?.close();
  // There is room again, once that is known.
  for (;;) {
    const next = await Socket.open(scope, proxy.url);
    next.write(raw([...head, 'Content-Length: 10000'], 'x'.repeat(9000)));
    await innocent.post(requestBody(2, 'ping'));
    next.write('x'.repeat(1000));
    const [answer] = await next.answers(1);
    if (answer?.status === 400) break; // it has come whole, and is no JSON
    expect(answer?.status).toBe(503);
    next.close();
  }
  expect(open[1]?.text).toBe('');
});
