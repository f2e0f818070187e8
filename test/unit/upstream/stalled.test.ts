import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { RemoteLink } from '../../../src/remote/remote-link.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, QUICK } from '../remote/fixture.js';
import { type Asked, type Server, serve, welcome } from '../remote/server.js';

let server: Server;
let link: RemoteLink;

afterEach(async () => {
  link.close({ kind: 'stopping', text: 'the test is over' });
  await link.done;
  await server.stop();
});

async function connect(
  answer: (asked: Asked, response: ServerResponse) => void,
  timings: object = {},
): Promise<Client> {
  server = await serve(answer);
  const options = { url: server.url, transport: 'auto', headers: [], verify: true, era: 'legacy' } as const;
  link = connectRemote({ ...options, timings: { ...QUICK, ...timings } }, events().emit);
  return new Client(link);
}

/** A head, and a body that begins and never ends. */
function stall(response: ServerResponse, status: number, type: string, text = ' '): void {
  response.writeHead(status, { 'content-type': type });
  response.write(text);
}

test('a refusal whose body stalls is told by its status', async () => {
  const client = await connect((_asked, response) => stall(response, 500, 'text/plain', 'so far'));
  expect((await client.initialize()).error?.message).toMatch(/status 500: so far/);
});

test('a refusal whose body stalls does not stop the search for HTTP+SSE', async () => {
  const client = await connect((asked, response) => {
    if (asked.method === 'POST') stall(response, 405, 'text/plain');
    else response.writeHead(418).end();
  });
  expect((await client.initialize()).error?.message).toMatch(/POST.*405.*GET.*418/);
});

test.each(['application/json', 'text/event-stream'])(
  'an answer to initialize that does not come to its end is given up: %s',
  async (type) => {
    const client = await connect((_asked, response) => stall(response, 200, type), { handshake: 200 });
    const { error } = await client.initialize();
    expect(error?.message).toMatch(/did not complete its answer to "initialize" within 1 s/);
  },
);

test('an answer to initialize that never comes on an HTTP+SSE stream is given up', async () => {
  const client = await connect(
    (asked, response) => {
      if (asked.path === '/post') response.writeHead(202).end();
      else if (asked.method === 'POST') response.writeHead(405).end();
      else stall(response, 200, 'text/event-stream', 'event: endpoint\ndata: /post\n\n');
    },
    { handshake: 200 },
  );
  expect((await client.initialize()).error?.message).toMatch(/did not complete its answer/);
});

test('a redirect whose body stalls is followed', async () => {
  const client = await connect((asked, response) => {
    if (asked.path === '/mcp') {
      response.writeHead(307, { location: '/there' });
      response.write('...');
    } else response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(asked.message.id));
  });
  expect((await client.initialize()).result).toBeDefined();
});

test.each([
  ['initialize', 2],
  ['call', 1],
])('a first request whose connection breaks: %s is sent %d times', async (method, times) => {
  let count = 0;
  const client = await connect(({ message }, response) => {
    if (message.id === undefined) response.writeHead(202).end();
    else if (count++ === 0) response.destroy();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(message.id));
  });
  const { result, error } =
    method === 'initialize' ? await client.initialize() : await client.request(1, method);
  if (times === 2) expect(result).toBeDefined();
  else expect(error?.message).toMatch(/before it answered.* may have processed the request/);
  expect(count).toBe(times);
});
