/** What `/metrics` says, against what really happened. */
import { afterEach, expect, it } from 'vitest';
import { type Metrics, parseMetrics } from '../fixtures/metrics.js';
import { fixtureDefinition } from '../fixtures/processes.js';
import { Client, post, requestBody } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { ask } from './harness/modern.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

const DURATION = 'mcp_server_operation_duration_seconds';
const KEYS = { ann: 'ann-0123456789abcdef', bob: 'bob-0123456789abcdef' };

afterEach(closeAll);

function measured(more: Parameters<typeof puppet>[0] = {}) {
  return fixtureDefinition('measured.mjs', {}, { name: 'default', ...more });
}

async function metrics({ url }: TestProxy, headers: Record<string, string> = {}): Promise<Metrics> {
  const { status, body } = await exchange(`${url}/metrics`, { headers });
  expect(status, body).toBe(200);
  return parseMetrics(body);
}

it('requests are counted and timed by method, tool, version and how they failed', async () => {
  const proxy = await start({ defaultServer: measured() });
  const client = await Client.open(`${proxy.url}/mcp`);
  // Not listed yet, so that the name is only the client's word.
  await client.ask('tools/call', { name: 'well' });
  await client.ask('tools/list');
  for (const name of ['well', 'well', 'bad', 'unlisted']) await client.ask('tools/call', { name });
  for (const name of ['none', 'code']) {
    await client.post(requestBody(client.nextId(), 'tools/call', { name }));
  }
  const found = await metrics(proxy);
  const calls = { server: 'default', mcp_method_name: 'tools/call', mcp_protocol_version: '2025-11-25' };
  const count = (labels: Record<string, string>) =>
    found.sum(`${DURATION}_count`, { ...calls, network_transport: 'tcp', ...labels });
  expect(count({})).toBe(7);
  expect(count({ gen_ai_tool_name: 'well' })).toBe(2);
  expect(count({ gen_ai_tool_name: 'bad', error_type: 'tool_error' })).toBe(1);
  expect(count({ error_type: '-32602', rpc_response_status_code: '-32602' })).toBe(1);
  expect(count({ error_type: '_OTHER' })).toBe(1);
  expect(count({ error_type: 'tool_error' })).toBe(1);
  expect(found.sum(`${DURATION}_bucket`, { ...calls, le: '+Inf' })).toBe(7);
  expect(found.sum(`${DURATION}_sum`, calls)).toBeGreaterThan(0);
  expect(found.sum(`${DURATION}_count`, { mcp_method_name: 'initialize' })).toBe(1);
  const tools = found.samples.map(({ labels }) => labels.gen_ai_tool_name);
  expect(new Set(tools)).toEqual(new Set([undefined, 'well', 'bad']));
});

it('buckets add up, and a slow request is in its own', async () => {
  const proxy = await start();
  const client = await Client.open(`${proxy.url}/mcp`);
  const open = client.post(requestBody('slow', 'x/hold', { key: 'k' }));
  await eventually(async () =>
    (await metrics(proxy)).sum('mcp_proxy_requests_in_flight') === 1 ? true : undefined,
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  await client.ask('x/release', { key: 'k' });
  await open;
  const found = await metrics(proxy);
  const other = { mcp_method_name: 'other' };
  const buckets = found.samples.filter(
    ({ name, labels }) => name === `${DURATION}_bucket` && labels.mcp_method_name === 'other',
  );
  const values = buckets.map(({ value }) => value);
  expect(values).toEqual([...values].sort((a, b) => a - b));
  expect(values.at(-1)).toBe(2);
  expect(found.sum(`${DURATION}_bucket`, { ...other, le: '0.02' })).toBeLessThan(2);
  expect(found.sum(`${DURATION}_sum`, other)).toBeGreaterThan(0.03);
  expect(found.sum('mcp_proxy_requests_in_flight')).toBe(0);
});

it('what a server asks of its client is timed for itself', async () => {
  const proxy = await start({ defaultServer: measured() });
  const client = await Client.open(`${proxy.url}/mcp`, { capabilities: { roots: {} } });
  const call = await client.stream('ask');
  const question = await call.message(1);
  await client.post(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { roots: [] } }));
  await call.message(2);
  const found = await metrics(proxy);
  expect(found.sum('mcp_client_operation_duration_seconds_count', { mcp_method_name: 'roots/list' })).toBe(1);
  expect(found.sum(`${DURATION}_count`, { mcp_method_name: 'roots/list' })).toBe(0);
});

it('sessions of each transport are counted and timed, modern requests too, and messages by who has sent them', async () => {
  const proxy = await start({ defaultServer: measured() });
  const client = await Client.open(`${proxy.url}/mcp`);
  const sse = new Stream(await send(`${proxy.url}/sse`, {}));
  await sse.next();
  const open = await metrics(proxy);
  expect(open.sum('mcp_proxy_sessions', { transport: 'streamable-http' })).toBe(1);
  expect(open.sum('mcp_proxy_sessions', { transport: 'sse' })).toBe(1);
  expect(open.sum('mcp_proxy_message_bytes_total', { from: 'client' })).toBeGreaterThan(100);
  expect(open.sum('mcp_proxy_message_bytes_total', { from: 'server' })).toBeGreaterThan(100);
  expect(open.sum('mcp_proxy_messages_total', { from: 'client' })).toBe(2);
  await client.delete();
  sse.break();
  await ask(`${proxy.url}/mcp`, 'tools/list');
  const found = await eventually(async () => {
    const now = await metrics(proxy);
    return now.sum('mcp_proxy_sessions') === 0 ? now : undefined;
  });
  expect(found.sum('mcp_server_session_duration_seconds_count', { transport: 'streamable-http' })).toBe(1);
  expect(found.sum('mcp_proxy_sessions_opened_total')).toBe(1);
  const modern = { mcp_method_name: 'tools/list', mcp_protocol_version: '2026-07-28' };
  expect(found.sum(`${DURATION}_count`, modern)).toBe(1);
});

it('a request that is given up is one that failed', async () => {
  const proxy = await start({ defaultServer: measured() });
  const client = await Client.open(`${proxy.url}/mcp`);
  const open = client.post(requestBody('w', 'tools/call', { name: 'waits' }));
  await eventually(async () =>
    (await metrics(proxy)).sum('mcp_proxy_requests_in_flight') === 1 ? true : undefined,
  );
  await client.notify('notifications/cancelled', { requestId: 'w' });
  await open;
  const found = await metrics(proxy);
  expect(found.sum(`${DURATION}_count`, { error_type: 'cancelled' })).toBe(1);
});

it('processes, restarts, readiness and HTTP answers', async () => {
  const proxy = await start();
  const client = await Client.open(`${proxy.url}/mcp`);
  expect((await exchange(`${proxy.url}/nothing`)).status).toBe(404);
  await client.post(requestBody(1, 'x/exit', { code: 3 }));
  const found = await eventually(async () => {
    const now = await metrics(proxy);
    return now.sum('mcp_proxy_process_restarts_total', { server: 'default' }) === 1 ? now : undefined;
  });
  expect(found.sum('mcp_proxy_processes', { server: 'default' })).toBe(1);
  expect(found.sum('mcp_proxy_http_responses_total', { status_class: '4xx' })).toBe(1);
  expect(found.sum('mcp_proxy_http_responses_total', { status_class: '2xx' })).toBeGreaterThan(2);
  const ready = await eventually(async () =>
    (await metrics(proxy)).sum('mcp_proxy_server_ready') === 1 ? true : undefined,
  );
  expect(ready).toBe(true);
  expect(found.sum('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(found.samples.find(({ name }) => name === 'mcp_proxy_build_info')?.labels.node_version).toBe(
    process.version,
  );
});

it('whatever clients say makes no more labels: methods, tools, versions', async () => {
  const server = fixtureDefinition('measured.mjs', { MEASURED_TOOLS: '150' }, { name: 'default' });
  const proxy = await start({ defaultServer: server });
  const client = await Client.open(`${proxy.url}/mcp`, { version: '2031-01-01' });
  await client.ask('tools/list');
  for (let n = 0; n < 105; n++) await client.ask('tools/call', { name: `tool-${n}` });
  for (let n = 0; n < 10; n++) {
    await client.ask('tools/call', { name: `made-up-${n}` });
    await client.ask(`made/up/${n}`);
  }
  const { samples } = await metrics(proxy);
  const labels = (name: string): Set<string | undefined> =>
    new Set(samples.map((sample) => sample.labels[name]));
  expect([...labels('gen_ai_tool_name')].filter((name) => name?.startsWith('made'))).toEqual([]);
  expect(labels('gen_ai_tool_name').size).toBe(101 - 2);
  expect(labels('mcp_method_name')).toEqual(
    new Set([undefined, 'initialize', 'tools/list', 'tools/call', 'other']),
  );
  expect(labels('mcp_protocol_version')).toEqual(new Set([undefined, 'other']));
});

it('who is known sees the servers that they may use, and nobody else any', async () => {
  const NONE = { keys: [], subjects: [], scopes: [] };
  const proxy = await start(
    {
      auth: { apiKeys: `ann:${KEYS.ann}\nbob:${KEYS.bob}` },
      defaultServer: measured(),
      namedServers: [measured({ name: 'hers', access: { ...NONE, keys: ['ann'] } })],
    },
    { 'x-api-key': KEYS.ann },
  );
  const servers = async (key: string): Promise<Set<string | undefined>> =>
    new Set((await metrics(proxy, { 'x-api-key': key })).samples.map(({ labels }) => labels.server));
  expect(await servers(KEYS.ann)).toEqual(new Set([undefined, 'default', 'hers']));
  expect(await servers(KEYS.bob)).toEqual(new Set([undefined, 'default']));
  expect((await exchange(`${proxy.url}/metrics`)).status).toBe(401);
});

it('OpenMetrics for who asks for it; GET only; for nobody to keep', async () => {
  const proxy = await start({ namedServers: [puppet({ name: 'a "b" \\ ü' })] });
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
  const open = await exchange(`${proxy.url}/metrics`, { headers: { accept } });
  expect(open.headers['content-type']).toMatch(/^application\/openmetrics-text; version=1.0.0/);
  expect(open.body.endsWith('\n# EOF\n')).toBe(true);
  const found = parseMetrics(open.body);
  expect(found.types.get('mcp_proxy_messages')).toBe('counter');
  expect(found.sum('mcp_proxy_messages_total')).toBe(0);
  expect(found.sum('mcp_proxy_processes', { server: 'a "b" \\ ü' })).toBe(1);
  const plain = await exchange(`${proxy.url}/metrics`);
  expect(plain.headers).toMatchObject({
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'cache-control': 'no-store',
  });
  expect(parseMetrics(plain.body).types.get(DURATION)).toBe('histogram');
  expect((await post(`${proxy.url}/metrics`, '{}')).status).toBe(405);
  expect(await exchange(`${proxy.url}/metrics`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});
