/** Answers of remote servers that are put together in an unusual way, and what becomes of them here. */
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { Secrets } from '../../../src/observability/secrets.js';
import { exchange, type Reading, request } from '../../../src/remote/exchange.js';
import { errorFor, type Failure, foreign } from '../../../src/remote/failure.js';
import { HttpClient } from '../../../src/remote/http.js';
import { wire } from './fixture.js';
import { serve } from './server.js';

const cleaning: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

const told: ProxyEvent[] = [];

/** A server that answers everything so, and a client of it. */
async function answering(answer: (response: ServerResponse, path: string) => void) {
  const server = await serve(({ path }, response) => answer(response, path));
  cleaning.push(() => server.stop());
  told.length = 0;
  const emit = (event: ProxyEvent): void => void told.push(event);
  const secrets = new Secrets();
  secrets.add('s3cret');
  const http = new HttpClient({
    origin: server.url.origin,
    verify: true,
    emit,
    secrets,
    patience: { least: 1 },
  });
  cleaning.push(() => http.close());
  const get = { method: 'GET', url: server.url, headers: {} } as const;
  return { server, http, get };
}

/** The end of an exchange, and what was told of it before; `broken` takes the place of a part of the reading. */
function endOf(http: HttpClient, get: Parameters<typeof exchange>[1], broken: Partial<Reading> = {}) {
  const bodies: string[] = [];
  const failures: Failure[] = [];
  return new Promise<{ bodies: string[]; failures: Failure[] }>((resolve) => {
    exchange(http, get, {
      event: ({ data }) => void bodies.push(data),
      body: (text, type) => void bodies.push(`${type} ${text}`),
      ended: () => resolve({ bodies, failures }),
      ...broken,
      failed: (failure) => {
        failures.push(failure);
        resolve({ bodies, failures });
      },
    });
  });
}

test('a refusal that repeats its content type is told as any other', async () => {
  const { http, get } = await answering((response) => {
    response.writeHead(500, ['content-type', 'text/html', 'content-type', 'text/html']).end('<b>out</b>');
  });
  expect(await request(http, get)).toMatchObject({ status: 500, text: expect.stringContaining('500: out') });
});

test.each([
  ['application/json', '{}', ['application/json {}']],
  ['text/event-stream', 'data: {}\n\n', ['{}']],
])('an answer of type %s that says so twice is read', async (type, body, bodies) => {
  const { http, get } = await answering((response) => {
    const twice = ['content-type', type, 'content-type', type];
    response.writeHead(200, [...twice, 'content-encoding', 'identity', 'content-encoding', 'identity']);
    response.end(body);
  });
  expect(await endOf(http, get)).toEqual({ bodies, failures: [] });
});

test('of two times to wait the first is waited for', async () => {
  let answers = 0;
  const { http, get } = await answering((response) => {
    if (++answers === 1) response.writeHead(429, ['retry-after', '0', 'retry-after', '7200']).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  expect(await endOf(http, get)).toEqual({ bodies: ['application/json {}'], failures: [] });
});

test('of two places to go to the first is gone to', async () => {
  const { http, get, server } = await answering((response, path) => {
    if (path === '/mcp') response.writeHead(307, ['location', '/first', 'location', '/second']).end();
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(path);
  });
  expect(await endOf(http, get)).toEqual({ bodies: ['text/plain /first'], failures: [] });
  expect(server.asked.map(({ path }) => path)).toEqual(['/mcp', '/first']);
});

const DOUBT = 'The server may have processed the request.';

test.each<[string, boolean, (response: ServerResponse) => void]>([
  ['500', true, (response) => response.writeHead(500).end('oops')],
  ['520', true, (response) => response.writeHead(520).end()],
  ['502', true, (response) => response.writeHead(502).end()],
  ['501', false, (response) => response.writeHead(501).end()],
  ['503', false, (response) => response.writeHead(503).end()],
  ['404', false, (response) => response.writeHead(404).end()],
  ['303', false, (response) => response.writeHead(303, { location: '/other' }).end()],
  ['another encoding', true, (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
  ['no HTTP', true, (response) => response.socket?.end('NOT HTTP AT ALL\r\n\r\n')],
  ['an endless head', true, (response) => response.writeHead(200, { x: 'y'.repeat(40_000) }).end()],
  ['nothing', true, (response) => response.destroy()],
  [
    'a half',
    true,
    (response) => response.writeHead(200, { 'content-length': '9' }).write('{', () => response.destroy()),
  ],
  ['no answer in time', true, () => undefined],
])('whether the request may have been processed is said: %s', async (_, isInDoubt, answer) => {
  const { http, get } = await answering(answer);
  const { failures } = await endOf(http, { ...get, headTimeout: 500 });
  const [failure] = failures;
  if (failure === undefined) throw new Error('it did not fail');
  const told = errorFor(wire({ jsonrpc: '2.0', id: 1, method: 'tools/call' }), failure).text;
  expect(told.split(DOUBT)).toHaveLength(isInDoubt ? 2 : 1);
});

test('a request that found nobody was not processed', async () => {
  const { http, get, server } = await answering(() => undefined);
  await server.stop();
  cleaning.shift();
  const { failures } = await endOf(http, get);
  expect(failures).toMatchObject([{ kind: 'unreachable' }]);
  expect(failures[0]).not.toHaveProperty('inDoubt');
});

test('what is no MCP message may come of a request that was processed', () => {
  expect(foreign('it', '<p>Log in', 'text/html', (text) => text)).toHaveProperty('inDoubt', true);
});

const defect = (): never => {
  throw new Error('s3cret');
};

test.each([
  ['the head', { accepted: defect }],
  ['the body', { body: defect }],
  ['the end', { ended: defect }],
])('a defect of our own at %s ends the exchange as a failure', async (_, broken: Partial<Reading>) => {
  const { http, get } = await answering((response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const { failures } = await endOf(http, get, broken);
  expect(failures).toMatchObject([{ text: expect.stringContaining('a defect of mcp-proxy') }]);
  expect(told).toMatchObject([{ level: 'error', text: expect.stringContaining('***') }]);
  expect(told[0]?.text).not.toContain('s3cret');
});

test('a defect of our own over an event ends the exchange, also where its stream goes on', async () => {
  const { http, get } = await answering((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n');
  });
  const { failures } = await endOf(http, get, { event: defect });
  expect(failures).toMatchObject([{ text: expect.stringContaining('a defect of mcp-proxy') }]);
});

test('a defect of our own over a refusal that does not end leaves the program alive', async () => {
  const { http, get } = await answering((response) => {
    response.writeHead(500).write('x'.repeat(1024 * 1024 + 1));
  });
  let failures = 0;
  await new Promise<void>((resolve) => {
    exchange(http, get, {
      event: () => undefined,
      body: () => undefined,
      ended: () => undefined,
      failed: () => {
        failures++;
        if (failures === 1) defect();
        resolve();
      },
    });
  });
  expect(failures).toBe(2);
});
