/** Client mode: which era a remote server speaks, and what a client hears that only asks what there is. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { asJson } from './harness/client.js';
import { DUAL_SERVER, startHttpServer, startModernServer } from './harness/proxy.js';
import { MODERN, type ModernOptions } from './harness/raw-modern.js';
import { RawStdio } from './harness/raw-stdio.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
afterEach(() => scope.end());

/** Longer than anybody waits for the answer of a process that was only started to ask; in milliseconds. */
const AT_ONCE_MS = 5000;
/** Longer than its end takes, where nothing is waited for; shorter than what is under way may take. */
const GONE_MS = 4000;

async function remote(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.add(server, close);
  return `http://127.0.0.1:${portOf(server)}/mcp`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function nobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${portOf(server)}/mcp`;
  await close(server);
  return url;
}

const refusing =
  (status: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end('{}');
const SIGN_IN = { 'www-authenticate': 'Bearer resource_metadata="http://127.0.0.1:1/x"' };

describe('discovery is answered at once', () => {
  it.each([
    ['is down', nobody],
    ['never answers', () => remote(() => undefined)],
    ['wants its user to sign in', () => remote(refusing(401, SIGN_IN))],
    ['forbids it', () => remote(refusing(403))],
    ['is in trouble', () => remote(refusing(500))],
    ['speaks no MCP', () => remote((_request, response) => void response.end('<h1>Welcome</h1>'))],
  ])('where the remote server %s', async (_, open) => {
    const client = new RawStdio(scope, await open());
    const asked = (id: number) => client.modern('server/discover', {}, { id });
    const first = await asked(1);
    const begun = performance.now();
    const second = await asked(2);
    expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS);
    for (const { result } of [first, second]) {
      expect(result).toMatchObject({
        resultType: 'complete',
        supportedVersions: [MODERN],
        capabilities: { tools: {}, prompts: {}, resources: {} },
        ttlMs: 0,
        cacheScope: 'private',
      });
    }
    // Who has only asked goes, and does not wait for what the server may still say.
    const closed = performance.now();
    client.program.closeStdin();
    expect(await client.program.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - closed).toBeLessThan(GONE_MS);
  });

  it('where the remote server wants its user to sign in; the next request says so', async () => {
    const client = new RawStdio(scope, await remote(refusing(401, SIGN_IN)));
    await client.modern('server/discover', {}, { id: 1 });
    const { error } = await client.modern('tools/list', {}, { id: 2 });
    expect(error?.message).toMatch(/401|sign in|credentials|authoriz/i);
  });

  it("with the server's own answer, where it has one", async () => {
    const { mcp } = await startModernServer(scope);
    const client = new RawStdio(scope, mcp);
    expect(await client.modern('server/discover', {}, { id: 1 })).toMatchObject({
      result: { _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'modern-everything' } } },
    });
  });
});

describe('the era of the server', () => {
  const call = (client: RawStdio, id: number, more: ModernOptions = {}) =>
    client.modern('tools/call', { name: 'echo', arguments: { id } }, { ...more, id });
  const verdict = (client: RawStdio, era: string) =>
    client.program.line('stderr', (line) =>
      line.includes(`speaks MCP of the ${era} era`) ? line : undefined,
    );

  it.each(['streamable', 'sse'] as const)('is legacy: over %s', async (kind) => {
    const server = await startHttpServer(scope);
    const client = new RawStdio(scope, kind === 'sse' ? server.sse : server.mcp);
    expect(await call(client, 1)).toMatchObject({
      result: { resultType: 'complete', structuredContent: { id: 1 } },
    });
    await verdict(client, 'legacy');
    expect(await call(client, 2)).toMatchObject({ result: { structuredContent: { id: 2 } } });
    const methods = (await server.seen()).seen
      .map(({ body }) => body?.method)
      .filter((one) => one !== undefined);
    // It was asked once.
    expect(methods.filter((method) => method === 'server/discover').length).toBeLessThanOrEqual(1);
    expect(methods.filter((method) => method === 'initialize').length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['modern', undefined],
    ['dual', DUAL_SERVER],
  ] as const)('is modern: %s', async (_, command) => {
    const server = await startModernServer(scope, {}, command);
    const client = new RawStdio(scope, server.mcp);
    expect(await call(client, 1)).toMatchObject({
      result: { resultType: 'complete', structuredContent: { id: 1 } },
    });
    await verdict(client, 'modern');
    const methods = (await server.seen()).seen.map(({ body }) => body?.method);
    expect(methods).not.toContain('initialize');
  });

  it('is legacy because the user says so: nobody asks', async () => {
    const server = await startHttpServer(scope);
    const client = new RawStdio(scope, server.mcp, ['--upstream-era', 'legacy']);
    expect(await call(client, 1)).toMatchObject({ result: { structuredContent: { id: 1 } } });
    await client.begin();
    expect(await client.call(2, 'echo', { id: 2 })).toMatchObject({
      result: { structuredContent: { id: 2 } },
    });
    const methods = (await server.seen()).seen.map(({ body }) => body?.method);
    expect(methods).not.toContain('server/discover');
    expect(methods[0]).toBe('initialize');
  });

  it('is modern because the user says so: no session of the legacy era is tried', async () => {
    const server = await startModernServer(scope, {}, DUAL_SERVER);
    const client = new RawStdio(scope, server.mcp, ['--upstream-era', 'modern']);
    expect(await client.begin()).toMatchObject({ result: { serverInfo: { name: 'modern-everything' } } });
    expect(await client.call(2, 'echo', { id: 2 })).toMatchObject({
      result: { structuredContent: { id: 2 } },
    });
    const { seen } = await server.seen();
    for (const { body, headers } of seen) {
      expect(body?.method).not.toMatch(/initialize/);
      expect(headers['mcp-protocol-version']).toBe(MODERN);
      expect(headers['mcp-method']).toBe(body?.method);
    }
    expect(asJson((await client.call(3, 'who')).result?.structuredContent).client).toMatchObject({
      clientInfo: { name: 'raw' },
    });
  });

  it('is asked again where it proved nothing: the server was in trouble at first', async () => {
    const { mcp } = await startModernServer(scope);
    let failing = true;
    const url = await remote(async (request, response) => {
      if (failing) return void response.writeHead(500).end();
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { host, connection, 'content-length': _, ...headers } = request.headers;
      const answer = await fetch(mcp, {
        method: 'POST',
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
        body: Buffer.concat(chunks),
      });
      const type = answer.headers.get('content-type') ?? '';
      response.writeHead(answer.status, { 'content-type': type }).end(await answer.text());
    });
    const client = new RawStdio(scope, url);
    expect((await call(client, 1)).error?.message).toContain('500');
    failing = false;
    expect(await call(client, 2)).toMatchObject({ result: { structuredContent: { id: 2 } } });
    await verdict(client, 'modern');
  });
});
