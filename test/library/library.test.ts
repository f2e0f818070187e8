/** The library as another program uses it, with the official client in front and official servers behind. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, it } from 'vitest';
import {
  ConfigError,
  connectStdio,
  createHandler,
  createProxy,
  type HookContext,
  type MessageHook,
  type ProxyHandler,
  type ServingOptions,
} from '../../src/index.js';

const EVERYTHING = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url),
);
const server = { command: process.execPath, args: [EVERYTHING] };

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A client that has begun a session. */
async function clientAt(url: string, fetch?: typeof globalThis.fetch, headers = {}): Promise<Client> {
  const client = new Client({ name: 'library-test', version: '1' });
  const more = { requestInit: { headers }, ...(fetch === undefined ? {} : { fetch }) };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), more));
  endings.push(() => client.close());
  return client;
}

async function handlerFor(options: Partial<ServingOptions> = {}): Promise<ProxyHandler> {
  const handler = await createHandler({ server, ...options });
  endings.push(() => handler.close());
  return handler;
}

async function listening(listener: RequestListener): Promise<string> {
  const http: Server = createServer(listener);
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  endings.push(async () => http.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

const echoOf = async (client: Client, message: string): Promise<unknown> => {
  const { content } = await client.callTool({ name: 'echo', arguments: { message } });
  return (content as { text: string }[])[0]?.text;
};

it('createProxy serves the default and named servers, and ends them', async () => {
  const proxy = await createProxy({ server, servers: { other: server } });
  endings.push(() => proxy.close());
  expect(await proxy.started).toEqual([
    { name: 'default', ok: true, reason: '' },
    { name: 'other', ok: true, reason: '' },
  ]);
  expect(proxy.servers.map(({ name, mcp, sse }) => [name, mcp, sse])).toEqual([
    ['default', `${proxy.url}/mcp`, `${proxy.url}/sse`],
    ['other', `${proxy.url}/servers/other/mcp`, `${proxy.url}/servers/other/sse`],
  ]);
  expect(await echoOf(await clientAt(`${proxy.url}/servers/other/mcp`), 'hello')).toBe('Echo: hello');
  await proxy.close();
  await expect(fetch(`${proxy.url}/status`)).rejects.toThrow();
});

it.each([
  ['without a server', {}],
  ['with a name that cannot stand in a URL', { servers: { 'a/b': server } }],
  ['with two servers called default', { server, servers: { default: server } }],
  ['open to everybody', { server, host: '0.0.0.0' }],
])('createProxy refuses %s', async (_, options) => {
  await expect(createProxy(options)).rejects.toBeInstanceOf(ConfigError);
});

it('a hook knows who sends what, and may answer, change and replace it', async () => {
  const seen: HookContext[] = [];
  const hook: MessageHook = async (message, context) => {
    seen.push(context);
    if (message.method === 'tools/call' && context.from === 'client') {
      const { name, arguments: given } = message.params as { name: string; arguments: object };
      if (name === 'forbidden') return { error: { code: -32000, message: 'not for you' } };
      return { params: { ...message.params, arguments: { ...given, message: 'changed' } } };
    }
    const tools = (message.result as { tools?: { name: string }[] } | undefined)?.tools;
    return tools && { result: { tools: tools.filter(({ name }) => name === 'echo') } };
  };
  const proxy = await createProxy({
    server,
    hook,
    auth: { apiKeys: 'ann:0123456789abcdef0123456789abcdef' },
  });
  endings.push(() => proxy.close());
  const headers = { 'x-api-key': '0123456789abcdef0123456789abcdef' };
  const client = await clientAt(`${proxy.url}/mcp`, undefined, headers);
  expect(await echoOf(client, 'hello')).toBe('Echo: changed');
  await expect(client.callTool({ name: 'forbidden' })).rejects.toThrow('not for you');
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
  expect(seen.at(-1)).toEqual({
    from: 'server',
    server: 'default',
    session: expect.stringMatching(/^[0-9a-f]{12}$/),
    transport: 'streamable-http',
    era: 'legacy',
    principal: 'key:ann',
    client: { name: 'library-test', version: '1' },
    protocolVersion: '2025-11-25',
  });
});

it('a hook changes what a client of 2026-07-28 sends to a legacy server, too', async () => {
  const hook: MessageHook = ({ method, params }) =>
    method === 'tools/call' ? { params: { ...params, arguments: { message: 'changed' } } } : undefined;
  const proxy = await createProxy({ server, hook });
  endings.push(() => proxy.close());
  const version = '2026-07-28';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { _meta, name: 'echo', arguments: { message: 'original' } };
  const response = await fetch(`${proxy.url}/mcp`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  });
  expect(await response.json()).toMatchObject({ id: 1, result: { content: [{ text: 'Echo: changed' }] } });
});

it('a handler is a part of a server of node:http, under a prefix, and keeps callers apart', async () => {
  const handler = await handlerFor({ basePath: '/tools' });
  const url = await listening((request, response) => {
    const caller = request.headers['x-user'];
    request.url = (request.url ?? '').replace(/^\/tools/, '');
    handler.handle(request, response, typeof caller === 'string' ? { caller } : {});
  });
  const client = await clientAt(`${url}/tools/mcp`, undefined, { 'x-user': 'ann' });
  expect(await echoOf(client, 'hello')).toBe('Echo: hello');
  const session = (client.transport as StreamableHTTPClientTransport).sessionId ?? '';
  const statusAs = async (user: string): Promise<number> => {
    const headers = { 'x-user': user, 'mcp-session-id': session, accept: 'text/event-stream' };
    const response = await fetch(`${url}/tools/mcp`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  expect([await statusAs('bob'), await statusAs('ann')]).toEqual([404, 200]);
  const stream = await fetch(`${url}/tools/sse`, { headers: { 'x-user': 'ann' } });
  const { value } = (await stream.body?.getReader().read()) ?? {};
  expect(new TextDecoder().decode(value)).toContain('data: /tools/messages/?session_id=');
});

it('a handler answers a Request with a Response, streams included', async () => {
  const handler = await handlerFor();
  const overFetch: typeof fetch = (input, init) => handler.fetch(new Request(input, init), { caller: 'ann' });
  const client = await clientAt('http://localhost/mcp', overFetch);
  expect(await echoOf(client, 'x'.repeat(1_000_000))).toHaveLength(1_000_006);
  const progress: number[] = [];
  await client.callTool(
    { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } },
    undefined,
    { onprogress: ({ progress: step }) => progress.push(step) },
  );
  expect(progress.length).toBeGreaterThan(0);
});

it('a handler gives up what its client gives up, and reads the status of no one else', async () => {
  const handler = await handlerFor({ allowUnauthenticated: true });
  const abort = new AbortController();
  const stream = await handler.fetch(new Request('http://localhost/sse', { signal: abort.signal }));
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  const sessions = async (): Promise<number> => {
    const { servers } = await (await handler.fetch(new Request('http://localhost/status'))).json();
    return servers[0].sessions.length;
  };
  expect(await sessions()).toBe(1);
  abort.abort();
  await expect.poll(sessions).toBe(0);
});

it.each<[string, Partial<ServingOptions>, string, string | undefined, number]>([
  ['of nobody', {}, 'http://localhost/status', undefined, 403],
  ['of a caller', {}, 'http://localhost/status', 'ann', 200],
  [
    'of anybody, where that is said',
    { allowUnauthenticated: true },
    'http://localhost/status',
    undefined,
    200,
  ],
  ['under a name that is not known', {}, 'http://tools.example/status', 'ann', 403],
  ['under a name that is', { allowHosts: ['tools.example'] }, 'http://tools.example/status', 'ann', 200],
])('a handler answers a request %s', async (_, options, url, caller, status) => {
  const handler = await handlerFor(options);
  const response = await handler.fetch(new Request(url), caller === undefined ? {} : { caller });
  expect(response.status).toBe(status);
});

it('a handler without a caller does not answer who comes through a reverse proxy on this machine', async () => {
  const handler = await handlerFor();
  const url = await listening((request, response) => handler.handle(request, response));
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`${url}/status`, { headers })).status;
  expect(await statusOf({})).toBe(200);
  for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip']) {
    expect([name, await statusOf({ [name]: '203.0.113.9' })]).toEqual([name, 403]);
  }
});

it.each([[''], [null], [0], [false]])('a handler takes %j for nobody', async (caller) => {
  const handler = await handlerFor();
  // As somebody without types hands over what is missing.
  const about = { caller } as unknown as { caller: string };
  expect((await handler.fetch(new Request('http://localhost/status'), about)).status).toBe(500);
  const url = await listening((request, response) => handler.handle(request, response, about));
  expect((await fetch(`${url}/status`)).status).toBe(500);
});

it('connectStdio serves a remote server on two streams, through a hook', async () => {
  const proxy = await createProxy({ server });
  endings.push(() => proxy.close());
  const [input, output] = [new PassThrough(), new PassThrough()];
  const seen: string[] = [];
  const { done } = connectStdio(`${proxy.url}/mcp`, {
    input,
    output,
    hook: ({ method, kind }, { from, client }) => {
      seen.push(`${from}: ${method ?? kind} of ${client?.name}`);
    },
  });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  const [line] = (await new Promise<Buffer>((resolve) => void output.once('data', resolve)))
    .toString()
    .split('\n');
  expect(JSON.parse(line ?? '')).toMatchObject({ id: 1, result: { protocolVersion: '2025-11-25' } });
  expect(seen).toEqual(['client: initialize of c', 'server: response of c']);
  input.end();
  await done;
});
