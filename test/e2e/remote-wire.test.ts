/** Client mode: what the remote server sees of us on the wire, and what stands on our stdin and stdout. */
import { afterEach, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { asJson } from './harness/client.js';
import {
  type HttpServer,
  LEGACY_SERVER,
  type SeenRequest,
  startHttpServer,
  startModernServer,
  startProxy,
} from './harness/proxy.js';
import { modernBody } from './harness/raw-modern.js';
import { RawStdio } from './harness/raw-stdio.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
afterEach(() => scope.end());

async function requests(server: HttpServer, method: string): Promise<SeenRequest[]> {
  return (await server.seen()).seen.filter((one) => one.method === method && one.path === '/mcp');
}

it(`${req('streamable-http.client.post-each', 'streamable-http.client.accept-both', 'streamable-http.client.get-accept', 'streamable-http.client.session-header', 'streamable-http.client.version-header', 'streamable-http.client.version-negotiated', 'streamable-http.client.session-deleted', 'streamable-http.client.single-message')} every request to the server is as it must be`, async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.mcp);
  await client.begin('2025-06-18');
  await server.streams(1);
  for (const id of [1, 2, 3]) await client.call(id, 'echo', { id });
  client.program.closeStdin();
  await client.program.ended;

  const [probe, ...posts] = await requests(server, 'POST');
  expect(probe?.body?.method).toBe('server/discover');
  expect(posts.map(({ body }) => body?.method)).toEqual([
    'initialize',
    'notifications/initialized',
    'tools/call',
    'tools/call',
    'tools/call',
  ]);
  for (const { headers } of posts) {
    expect(headers).toMatchObject({
      'content-type': expect.stringContaining('application/json'),
      accept: expect.stringMatching(
        /application\/json.*text\/event-stream|text\/event-stream.*application\/json/,
      ),
    });
  }
  const [first, ...later] = [
    ...posts,
    ...(await requests(server, 'GET')),
    ...(await requests(server, 'DELETE')),
  ];
  expect(first?.headers['mcp-session-id']).toBeUndefined();
  const session = later[0]?.headers['mcp-session-id'];
  expect(session).toMatch(/./);
  for (const { headers } of later) {
    expect(headers).toMatchObject({ 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' });
  }
  expect((await requests(server, 'GET'))[0]?.headers.accept).toContain('text/event-stream');
  expect(await requests(server, 'DELETE')).toHaveLength(1);
  expect((await server.seen()).open).toEqual([]);
});

it(`${req('streamable-http.client.both-answers')} answers as JSON are as good as streams`, async () => {
  for (const JSON_ANSWERS of ['1', '0']) {
    const client = new RawStdio(scope, (await startHttpServer(scope, { JSON_ANSWERS })).mcp);
    expect(await client.begin()).toMatchObject({ result: { serverInfo: { name: 'legacy-everything' } } });
    expect(await client.call(1, 'echo', { a: 1 })).toMatchObject({ result: { structuredContent: { a: 1 } } });
  }
});

it(`${req('streamable-http.client.session-guarded')} the session id and the headers of the user stand in no log line`, async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.mcp, ['--debug', '--headers', 'X-Key', 's3cret-value'], {
    API_ACCESS_TOKEN: 't0ken-value',
  });
  await client.begin();
  await client.call(1, 'echo');
  client.program.closeStdin();
  await client.program.ended;
  const [request] = (await requests(server, 'POST')).slice(-1);
  expect(request?.headers).toMatchObject({ 'x-key': 's3cret-value', authorization: 'Bearer t0ken-value' });
  for (const secret of ['s3cret-value', 't0ken-value', String(request?.headers['mcp-session-id'])]) {
    expect(client.program.stderr()).not.toContain(secret);
    expect(client.program.stdout()).not.toContain(secret);
  }
});

it(`${req('streamable-http.client.detects-old', 'sse.client.posts-to-endpoint')} a server that has HTTP+SSE only is found, at its own URL`, async () => {
  const server = await startHttpServer(scope, { ONLY: 'sse' });
  const client = new RawStdio(scope, server.sse);
  expect(await client.begin('2024-11-05')).toMatchObject({ result: { protocolVersion: '2024-11-05' } });
  expect(await client.call(1, 'echo', { a: 1 })).toMatchObject({ result: { structuredContent: { a: 1 } } });
  const { seen } = await server.seen();
  const ways = seen.map(({ method, path }) => `${method} ${path}`);
  // Which era, which transport, and then it is found.
  expect(ways.slice(0, 3)).toEqual(['POST /sse', 'POST /sse', 'GET /sse']);
  for (const { path } of seen.slice(3)) expect(path).toBe('/messages');
});

it('one transport can be forced', async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.sse, ['--transport', 'sse']);
  expect(await client.begin()).toMatchObject({ result: { serverInfo: { name: 'legacy-everything' } } });
  expect((await server.seen()).seen[0]).toMatchObject({ method: 'GET', path: '/sse' });
});

it(`${req('stdio.stdout-only-messages', 'stdio.no-embedded-newline', 'base.json-rpc')} stdout has one message on each line and nothing else`, async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.mcp, ['--debug']);
  await client.begin();
  for (const id of [1, 2]) await client.call(id, 'echo', { text: 'a\nb\u2028c\r\n' });
  client.program.closeStdin();
  expect(await client.program.ended).toEqual({ code: 0, signal: null });
  const lines = client.program.stdout().split('\n');
  expect(lines.pop()).toBe('');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
});

it(`${req('modern-stdio.exits', 'stdio.stdout-only-messages')} it ends with its stdin in the modern era too, whatever its client listens to`, async () => {
  const server = await startModernServer(scope);
  const client = new RawStdio(scope, server.mcp, ['--debug']);
  const called = await client.modern('tools/call', { name: 'echo', arguments: { text: 'a\nb' } }, { id: 1 });
  expect(called).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  const notifications = { toolsListChanged: true };
  client.writeText(modernBody('subscriptions/listen', { notifications }, { id: 'l' }));
  await client.line(({ method }) => method === 'notifications/subscriptions/acknowledged');
  client.program.closeStdin();
  expect(await client.program.ended).toEqual({ code: 0, signal: null });
  const lines = client.program.stdout().trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
});

it(`${req('streamable-http.client.polls', 'streamable-http.client.retry-respected')} a call whose connection the server closes is polled for, as late as the server says`, async () => {
  const server = await startHttpServer(scope, { EVENT_STORE: '1', RETRY: '300' });
  const client = new RawStdio(scope, server.mcp);
  await client.begin();
  await server.streams(1);
  client.write({ id: 7, method: 'tools/call', params: { name: 'close-stream', arguments: { key: 'k' } } });
  await server.streams(2);
  await client.call(8, 'release', { key: 'k' });
  const { result } = await client.answer(7);
  const { closedAt } = asJson(result?.structuredContent);
  const resumed = (await requests(server, 'GET')).find(
    ({ headers }) => headers['last-event-id'] !== undefined,
  );
  expect(resumed).toBeDefined();
  // A timer's own inaccuracy is a millisecond.
  expect(Number(resumed?.at) - Number(closedAt)).toBeGreaterThanOrEqual(299);
});

it(`${req('streamable-http.client.resumes')} a call whose connection breaks is resumed from its last event`, async () => {
  const server = await startHttpServer(scope, { EVENT_STORE: '1' });
  const client = new RawStdio(scope, server.mcp);
  await client.begin();
  await server.streams(1);
  client.write({
    id: 7,
    method: 'tools/call',
    params: { name: 'hold', arguments: { key: 'k', steps: 2 }, _meta: { progressToken: 'p' } },
  });
  await client.line(({ params }) => params?.progress === 2);
  await server.drop();
  await server.streams(2);
  await client.call(8, 'release', { key: 'k' });
  expect(await client.answer(7)).toMatchObject({ result: { structuredContent: { state: 'released' } } });
  const [, resumed] = await requests(server, 'GET');
  expect(resumed?.headers['last-event-id']).toMatch(/./);
  const progress = client.program
    .stdout()
    .split('\n')
    .filter((line) => line.includes('notifications/progress'));
  expect(progress).toHaveLength(2);
});

it(`${req('streamable-http.client.session-renewed')} after the server has forgotten the session, a new one is begun`, async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.mcp);
  await client.begin();
  await client.call(1, 'echo', { a: 1 });
  await server.forget();
  const before = (await requests(server, 'POST')).length;
  await client.call(2, 'echo', { a: 2 });
  expect(await client.call(3, 'echo', { a: 3 })).toMatchObject({ result: { structuredContent: { a: 3 } } });
  const after = (await requests(server, 'POST')).slice(before);
  const renewed = after.find(({ body }) => body?.method === 'initialize');
  expect(renewed?.headers['mcp-session-id']).toBeUndefined();
});

it('a line that is no message is answered, and the rest goes on', async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.mcp);
  await client.begin();
  client.writeText('{"jsonrpc":');
  const parse = JSON.parse(await client.line(({ error }) => error !== undefined));
  expect(parse).toMatchObject({ jsonrpc: '2.0', error: { code: -32700 } });
  expect(await client.call(1, 'echo', { a: 1 })).toMatchObject({ result: { structuredContent: { a: 1 } } });
});

it('numbers and members that nobody knows survive both hops', async () => {
  const { mcp, sse } = (await startProxy(scope, ['--', ...LEGACY_SERVER])).of('default');
  for (const url of [mcp, sse]) {
    const client = new RawStdio(scope, url);
    await client.begin();
    const text = '{"n":9007199254740993,"f":1.10,"e":1E400,"same":1,"same":2}';
    const more = ',"x-top":{"n":12345678901234567890}';
    const args = JSON.stringify({ text, more });
    client.writeText(
      `{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"raw","arguments":${args}}}`,
    );
    const line = await client.program.line('stdout', (one) => (one.includes('x-top') ? one : undefined));
    expect(line).toContain('"id":9007199254740993');
    expect(line).toContain(`"result":${text}${more}`);
  }
});

it('a remote that cannot be reached: initialize gets an error that says what was tried', async () => {
  const client = new RawStdio(scope, 'http://127.0.0.1:9/mcp');
  const answer = await client.begin();
  expect(answer.error?.message).toContain('127.0.0.1:9');
}, 60_000);

it('a URL that is no MCP server: initialize gets an error', async () => {
  const server = await startHttpServer(scope);
  const client = new RawStdio(scope, server.mcp.replace('/mcp', '/nothing'));
  expect((await client.begin()).error?.message).toMatch(/404/);
});
