/** Spans of what passes: the built command, and a collector of the test's own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Client, requestBody } from '../http/harness/client.js';
import { exchange } from '../http/harness/http.js';
import { META, modernHeaders } from '../http/harness/modern.js';
import { end, type Program } from './harness/processes.js';
import { startProxy } from './harness/proxy.js';
import { RawStdio } from './harness/raw-stdio.js';
import { Scope } from './harness/scope.js';

const MEASURED = [process.execPath, `${import.meta.dirname}/../fixtures/servers/measured.mjs`] as const;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope.end());

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly status: { readonly code: number };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

// biome-ignore lint/suspicious/noExplicitAny: OTLP in JSON, as it comes
type Json = any;

function attributesIn(list: Json): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }: Json) => [key, Object.values(value)[0]]));
}

/** An OTLP receiver: what came to it, and what the programs are to be told. */
async function collector(protocol: 'http/json' | 'http/protobuf' = 'http/json') {
  const bodies: { readonly type: string; readonly body: Buffer; readonly url: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const type = String(request.headers['content-type']);
      bodies.push({ type, body: Buffer.concat(chunks), url: String(request.url) });
      response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.add(server, async (one) => {
    one.closeAllConnections();
    await new Promise((resolve) => one.close(resolve));
  });
  const spans = (): Span[] =>
    bodies.flatMap(({ body }) =>
      JSON.parse(String(body)).resourceSpans.flatMap(({ resource, scopeSpans }: Json) =>
        scopeSpans.flatMap(({ spans: some }: Json) =>
          some.map((span: Json) => ({
            ...span,
            attributes: attributesIn(span.attributes),
            resource: attributesIn(resource.attributes),
          })),
        ),
      ),
    );
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  };
  return { bodies, spans, env };
}

/** What the server got in `_meta`. */
async function seen(
  client: Client,
  params: object = {},
  headers: Record<string, string> = {},
): Promise<Json> {
  const body = requestBody(client.nextId(), 'tools/call', { name: 'sees', ...params });
  const answer = await client.post(body, headers);
  return JSON.parse(JSON.parse(answer.body).result.content[0].text);
}

async function ended(program: Program): Promise<void> {
  await end(program);
}

it('a span for each request, in the trace of its _meta or of its HTTP request, and the server is told of it', async () => {
  const { spans, env } = await collector();
  const more = { ...env, OTEL_SERVICE_NAME: 'mine', OTEL_RESOURCE_ATTRIBUTES: 'team=a' };
  const proxy = await startProxy(scope, ['--', ...MEASURED], { env: more });
  const client = await Client.open(proxy.of('default').mcp);
  const byMeta = await seen(client, { _meta: { a: 1, traceparent: PARENT, tracestate: 'x=1' } });
  const byHeader = await seen(client, {}, { traceparent: PARENT.replace('4bf9', 'aaaa') });
  const other = { traceparent: PARENT.replace('4bf9', 'bbbb') };
  const metaWins = await seen(client, { _meta: { traceparent: PARENT } }, other);
  const alone = await seen(client);
  await client.ask('tools/call', { name: 'bad' });
  await client.post(requestBody(client.nextId(), 'tools/call', { name: 'none' }));
  await client.ask('prompts/get', { name: 'p' });
  await client.ask('tools/list');
  await ended(proxy.program);
  const all = spans();
  const calls = all.filter(({ name }) => name === 'tools/call sees');
  expect(calls).toHaveLength(4);
  const [first, second, third, fourth] = calls as [Span, Span, Span, Span];
  const parentSpanId = '00f067aa0ba902b7';
  expect(first).toMatchObject({ kind: 2, traceId: TRACE, parentSpanId, traceState: 'x=1' });
  expect(byMeta).toEqual({ a: 1, traceparent: `00-${TRACE}-${first.spanId}-01`, tracestate: 'x=1' });
  expect(second).toMatchObject({ traceId: TRACE.replace('4bf9', 'aaaa'), parentSpanId });
  expect(byHeader.traceparent).toBe(`00-${second.traceId}-${second.spanId}-01`);
  expect(third.traceId).toBe(TRACE);
  expect(metaWins.traceparent).toBe(`00-${TRACE}-${third.spanId}-01`);
  expect(fourth.parentSpanId ?? '').toBe('');
  expect(alone).toEqual({ traceparent: `00-${fourth.traceId}-${fourth.spanId}-01` });
  expect(first.attributes).toMatchObject({
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'sees',
    'gen_ai.operation.name': 'execute_tool',
    'mcp.protocol.version': '2025-11-25',
    'network.transport': 'tcp',
    'jsonrpc.request.id': '1',
    'mcp.session.id': expect.stringMatching(/^[0-9a-f]{12}$/),
    'mcp_proxy.server.name': 'default',
  });
  expect(first.status.code).not.toBe(2);
  expect(first.resource).toMatchObject({ 'service.name': 'mine', team: 'a' });
  const named = (name: string): Span | undefined => all.find((span) => span.name === name);
  expect(named('tools/call bad')).toMatchObject({
    status: { code: 2 },
    attributes: { 'error.type': 'tool_error' },
  });
  expect(named('tools/call none')).toMatchObject({
    status: { code: 2 },
    attributes: { 'error.type': '-32602', 'rpc.response.status_code': '-32602' },
  });
  expect(named('prompts/get p')).toMatchObject({ attributes: { 'gen_ai.prompt.name': 'p' } });
  expect(named('tools/list')).toBeDefined();
  expect(JSON.stringify(all)).not.toContain(client.session);
});

it('in Protobuf where nothing else is said, to the path of OTLP', async () => {
  const { bodies, env } = await collector('http/protobuf');
  const { OTEL_EXPORTER_OTLP_PROTOCOL: _, ...rest } = env;
  const proxy = await startProxy(scope, ['--', ...MEASURED], { env: rest });
  const client = await Client.open(proxy.of('default').mcp);
  await client.ask('tools/call', { name: 'well' });
  await ended(proxy.program);
  expect(bodies[0]).toMatchObject({ type: 'application/x-protobuf', url: '/v1/traces' });
  expect(bodies.some(({ body }) => body.includes('tools/call well'))).toBe(true);
});

it('client mode has spans too; the remote is told in _meta and by a header, and its spans are their children', async () => {
  const { spans, env } = await collector();
  const proxy = await startProxy(scope, ['--', ...MEASURED], { env });
  const client = new RawStdio(scope, proxy.of('default').mcp, [], env);
  await client.begin();
  client.write({
    id: 1,
    method: 'tools/call',
    params: { name: 'sees', _meta: { traceparent: PARENT } },
  });
  await client.answer(1);
  client.program.closeStdin();
  expect(await client.program.ended).toEqual({ code: 0, signal: null });
  await ended(proxy.program);
  const calls = spans().filter(({ name }) => name === 'tools/call sees');
  const near = calls.find(({ attributes }) => attributes['network.transport'] === 'pipe');
  const far = calls.find(({ attributes }) => attributes['network.transport'] === 'tcp');
  expect(near).toMatchObject({ traceId: TRACE, parentSpanId: '00f067aa0ba902b7' });
  expect(far).toMatchObject({ traceId: TRACE, parentSpanId: near?.spanId });
});

it('a request of the modern era is part of its trace', async () => {
  const { spans, env } = await collector();
  const proxy = await startProxy(scope, ['--', ...MEASURED], { env });
  const params = { name: 'well', _meta: META };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const headers = { ...modernHeaders('tools/call', 'well'), traceparent: PARENT };
  const sent = { method: 'POST', body, headers };
  expect((await exchange(proxy.of('default').mcp, sent)).status).toBe(200);
  await ended(proxy.program);
  expect(spans().find(({ name }) => name === 'tools/call well')).toMatchObject({
    traceId: TRACE,
    attributes: { 'mcp.protocol.version': '2026-07-28' },
  });
});

it.each<[string, Record<string, string>]>([
  ['no variable', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true' }],
  ['OTEL_TRACES_EXPORTER=none', { OTEL_TRACES_EXPORTER: 'none' }],
])(
  'without tracing nothing is added to a message, and what a client says of its trace is passed on: %s',
  async (_, more) => {
    const { bodies, env } = await collector();
    const proxy = await startProxy(scope, ['--', ...MEASURED], { env: { ...env, ...more } });
    const client = await Client.open(proxy.of('default').mcp);
    expect(await seen(client)).toBeNull();
    expect(await seen(client, { _meta: { traceparent: 'x', tracestate: 'y' } })).toEqual({
      traceparent: 'x',
      tracestate: 'y',
    });
    expect(await seen(client, { _meta: {} }, { traceparent: PARENT, tracestate: 'x=1' })).toEqual({
      traceparent: PARENT,
      tracestate: 'x=1',
    });
    expect(await seen(client, {}, { traceparent: 'nonsense' })).toBeNull();
    await ended(proxy.program);
    expect(bodies).toEqual([]);
  },
);

it('a collector that is not there holds nobody up, and is told of', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_BSP_SCHEDULE_DELAY: '50' };
  const proxy = await startProxy(scope, ['--', ...MEASURED], { env });
  const client = await Client.open(proxy.of('default').mcp);
  await client.ask('tools/list');
  proxy.program.kill('SIGTERM');
  expect(await proxy.program.ended).toEqual({ code: 0, signal: null });
  expect(proxy.program.stderr()).not.toContain('defect of mcp-proxy');
});
