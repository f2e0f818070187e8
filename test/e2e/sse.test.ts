/** Server mode, HTTP+SSE: what a client sees on the wire. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { LEGACY_SERVER, type StartedProxy, startProxy } from './harness/proxy.js';
import { http, type RawEvents } from './harness/raw-http.js';
import { initialize, post } from './harness/raw-session.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
const ACCEPT = { accept: 'text/event-stream' };
let proxy: StartedProxy;
let sse: string;

beforeAll(async () => {
  proxy = await startProxy(scope, ['--', ...LEGACY_SERVER]);
  sse = proxy.of('default').sse;
});
afterAll(() => scope.end());

interface Stream {
  readonly events: RawEvents;
  readonly endpoint: string;
  send(message: object): Promise<number>;
  close(): void;
}

async function open(clientName?: string): Promise<Stream> {
  const answer = await http(sse, { headers: ACCEPT });
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream']);
  const events = answer.events();
  const first = await events.next();
  expect(first.event).toBe('endpoint');
  const endpoint = new URL(first.data, sse).href;
  const stream = {
    events,
    endpoint,
    send: async (message: object) =>
      (await post(endpoint, JSON.stringify({ jsonrpc: '2.0', ...message }))).status,
    close: answer.abort,
  };
  if (clientName !== undefined) {
    expect((await post(endpoint, initialize({ version: '2024-11-05', clientName }))).status).toBe(202);
    expect(await events.message()).toMatchObject({ id: 'init', result: { protocolVersion: '2024-11-05' } });
    expect(await stream.send({ method: 'notifications/initialized' })).toBe(202);
  }
  return stream;
}

const echo = (id: unknown, data: object) => ({
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: data },
});

it(`${req('sse.two-endpoints', 'sse.endpoint-event')} the first event names where to POST: an absolute path`, async () => {
  const answer = await http(sse, { headers: ACCEPT });
  const first = await answer.events().next();
  expect([first.event, first.data]).toEqual([
    'endpoint',
    expect.stringMatching(/^\/messages\/\?session_id=[\x21-\x7e]{22,}$/),
  ]);
  answer.abort();
});

it('the path carries the prefix that a reverse proxy tells', async () => {
  const answer = await http(sse, { headers: { ...ACCEPT, 'x-forwarded-prefix': '/behind/' } });
  expect((await answer.events().next()).data).toMatch(/^\/behind\/messages\/\?/);
  answer.abort();
});

it('a POST is answered 202, and the answer comes as a message event', async () => {
  const stream = await open('one');
  expect(await stream.send(echo('ü', { a: 1 }))).toBe(202);
  const event = await stream.events.next();
  expect(event.event).toBe('message');
  expect(JSON.parse(event.data)).toMatchObject({
    jsonrpc: '2.0',
    id: 'ü',
    result: { structuredContent: { a: 1 } },
  });
  stream.close();
});

it('answers to the same id go to the stream of their own session', async () => {
  const streams = await Promise.all(Array.from({ length: 5 }, () => open('same')));
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(streams.map((stream, n) => stream.send(echo(round, { n }))));
  }
  for (const [n, { events, close }] of streams.entries()) {
    const answers = [
      await events.message(),
      await events.message(),
      await events.message(),
      await events.message(),
    ];
    expect(answers.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3]);
    for (const { result } of answers) expect(result?.structuredContent).toEqual({ n });
    close();
  }
});

it(`${req('sse.origin.validated')} pages of other origins are refused`, async () => {
  const stream = await open('guarded');
  for (const origin of ['https://evil.example', 'null']) {
    expect((await http(sse, { headers: { ...ACCEPT, origin } })).status).toBe(403);
    expect((await post(stream.endpoint, '{"jsonrpc":"2.0","id":1,"method":"ping"}', { origin })).status).toBe(
      403,
    );
  }
  stream.close();
});

it('what cannot be taken is refused with a status that says why', async () => {
  const stream = await open('wrong');
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  expect((await post(sse, ping)).status).toBe(405);
  expect((await http(stream.endpoint)).status).toBe(405);
  const never = stream.endpoint.replace(/session_id=.*/, 'session_id=never');
  expect((await post(never, ping)).status).toBe(404);
  expect((await post(stream.endpoint.replace(/\?.*/, ''), ping)).status).toBe(400);
  expect((await post(stream.endpoint, '{"jsonrpc":')).status).toBe(400);
  expect((await post(stream.endpoint, ping, { 'content-type': 'text/plain' })).status).toBe(415);
  expect(await stream.send({ id: 1, method: 'ping' })).toBe(202);
  expect(await stream.events.message()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  stream.close();
});

it('/sse/ is /sse', async () => {
  const answer = await http(`${sse}/`, { headers: ACCEPT });
  expect((await answer.events().next()).event).toBe('endpoint');
  answer.abort();
});

it('when the proxy ends, streams end and so do the processes', async () => {
  const own = new Scope();
  const other = await startProxy(own, ['--', ...LEGACY_SERVER]);
  const events = (await http(other.of('default').sse, { headers: ACCEPT })).events();
  await events.next();
  other.program.kill('SIGTERM');
  await events.ended;
  expect(await other.program.ended).toEqual({ code: 0, signal: null });
});
