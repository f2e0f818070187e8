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
