/** The end of the proxy while clients of both eras have something open across the eras. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerDefinition } from '../../src/config/definition.js';
import { row } from '../faults/harness/fault.js';
import { fixtureDefinition } from '../fixtures/processes.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { META, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

/** What no open listening, and nothing that nobody can go on with, may take: less than the time to finish. */
const SOON_MS = 3500;
const LISTEN = { notifications: { toolsListChanged: true } };

const modern = fixtureDefinition('modern-raw.mjs', {}, { name: 'default', era: 'auto' });
const legacy = fixtureDefinition('legacy-raw.mjs', {}, { name: 'default', era: 'auto' });

function body(method: string, params: object = {}): string {
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { roots: {} } };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
}

function headers(method: string, params: object): Record<string, string> {
  return modernHeaders(method, 'name' in params ? String(params.name) : undefined);
}

async function ask({ url }: TestProxy, method: string, params: object = {}) {
  return post(`${url}/mcp`, body(method, params), { headers: headers(method, params) });
}

async function listen({ url }: TestProxy): Promise<Stream> {
  const sent = {
    method: 'POST',
    body: body('subscriptions/listen', LISTEN),
    headers: headers('subscriptions/listen', {}),
  };
  const stream = new Stream(await send(`${url}/mcp`, sent));
  await stream.message(1);
  return stream;
}

async function timed(action: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

/** A modern server that takes so many milliseconds for everything but to say what it is. */
function slow(ms: number): ServerDefinition {
  const script = `
    const { createInterface } = await import('node:readline');
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      if (id === undefined) return;
      const result = { resultType: 'complete', ...(method === 'server/discover' ? { supportedVersions: ['2026-07-28'] } : {}) };
      const answer = () => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
      setTimeout(answer, method === 'server/discover' ? 0 : ${ms});
    });`;
  return { ...modern, args: ['--input-type=module', '-e', script] };
}

/** A server that does not read before it is released, nor ends when its stdin does. */
function comingUp(era: 'legacy' | 'modern'): { definition: ServerDefinition; release: () => void } {
  const file = join(directory, 'release');
  const script = `
    const { existsSync } = await import('node:fs');
    const { createInterface } = await import('node:readline');
    setInterval(() => undefined, 1000);
    while (!existsSync(${JSON.stringify(file)})) await new Promise((resolve) => setTimeout(resolve, 10));
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line);
      if (id === undefined) return;
      if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: {} } });
      else if (method !== 'server/discover') say({ id, result: { resultType: 'complete' } });
      else if (${JSON.stringify(era)} === 'legacy') say({ id, error: { code: -32601, message: 'no' } });
      else say({ id, result: { resultType: 'complete', supportedVersions: ['2026-07-28'] } });
    });`;
  const definition = { ...legacy, args: ['--input-type=module', '-e', script] };
  return { definition, release: () => writeFileSync(file, '') };
}

/** A client over HTTP+SSE that has its stream. */
async function sse({ url }: TestProxy) {
  const response = await send(`${url}/sse`, {});
  const stream = new Stream(response);
  const endpoint = await stream.next();
  const path = endpoint.kind === 'event' ? endpoint.data : '';
  return { stream, response, post: (text: string) => post(url + path, text) };
}

const inFlight = (proxy: TestProxy, count: number): Promise<unknown> =>
  eventually(async () => ((await proxy.status()).servers[0].requests_in_flight === count ? true : undefined));

describe('the end of the proxy', () => {
  it.each([
    ['legacy', puppet({ era: 'auto' })],
    ['modern', modern],
  ] as const)('is not held up by who listens, who is told of it: %s server', async (_era, defaultServer) => {
    const proxy = await start({ defaultServer });
    const listening = await listen(proxy);
    const client = await Client.open(`${proxy.url}/mcp`);
    const stream = await client.listen();
    expect(await timed(() => proxy.close())).toBeLessThan(SOON_MS);
    await Promise.all([listening.ended(), stream.ended()]);
    expect(listening.messages.at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  });

  it(`${row('stop.under-way')} lets what is under way finish`, async () => {
    const proxy = await start({ defaultServer: puppet({ era: 'auto' }) });
    const open = ask(proxy, 'x/hold', { key: 'a' });
    const client = await Client.open(`${proxy.url}/mcp`, { capabilities: { roots: {} } });
    const held = client.post(requestBody(5, 'x/hold', { key: 'b' }));
    await inFlight(proxy, 2);
    const closing = proxy.close();
    expect((await ask(proxy, 'x/pid')).status).toBe(503);
    await client.notify('x/note');
    await closing;
    // They had their time.
    for (const answer of [await open, await held]) {
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: -32603 } });
    }
  });

  it('has the answer of what is answered by then', async () => {
    const proxy = await start({ defaultServer: slow(800) });
    const open = ask(proxy, 'tools/list');
    await inFlight(proxy, 1);
    const [answer] = await Promise.all([open, proxy.close()]);
    expect(JSON.parse(answer.body).result).toEqual({ resultType: 'complete' });
  });

  it('gives up at once what waits for a client: nobody may come back', async () => {
    const proxy = await start({ defaultServer: legacy });
    const params = { name: 'ask', arguments: { question: { id: 'q', method: 'roots/list' } } };
    const asked = JSON.parse((await ask(proxy, 'tools/call', params)).body);
    expect(asked.result.resultType).toBe('input_required');
    expect((await proxy.status()).servers[0]).toMatchObject({ parked_calls: 1, requests_in_flight: 1 });
    expect(await timed(() => proxy.close())).toBeLessThan(SOON_MS);
  });

  it('gives up too what comes to wait for a client only then', async () => {
    const script = `
      const { createInterface } = await import('node:readline');
      const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
      createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method } = JSON.parse(line);
        if (method === 'initialize') say({ id, result: { protocolVersion: '2025-11-25', capabilities: {} } });
        else if (method === 'server/discover') say({ id, error: { code: -32601, message: 'no' } });
        else if (method === 'ping') say({ id, result: {} });
        else if (method === 'tools/list') say({ id, result: { tools: [] } });
        else if (method === 'tools/call') setTimeout(() => say({ id: 'q', method: 'roots/list' }), 500);
      });`;
    const proxy = await start({ defaultServer: { ...legacy, args: ['--input-type=module', '-e', script] } });
    const open = ask(proxy, 'tools/call', { name: 'a' });
    await inFlight(proxy, 1);
    expect(await timed(() => proxy.close())).toBeLessThan(SOON_MS);
    expect(JSON.parse((await open).body).result.resultType).toBe('input_required');
  });

  it.each(['legacy', 'modern'] as const)(
    'has the answer of what waits for a server that comes up by then: %s server',
    async (era) => {
      const { definition, release } = comingUp(era);
      const proxy = await start({ defaultServer: definition });
      const call = ask(proxy, 'tools/call', { name: 'a' });
      const initialize = post(`${proxy.url}/mcp`, initializeBody());
      const old = await sse(proxy);
      const posted = old.post(initializeBody());
      await inFlight(proxy, 3);
      const closing = proxy.close();
      for (const refused of [ask(proxy, 'tools/list'), post(`${proxy.url}/mcp`, initializeBody())]) {
        expect((await refused).status).toBe(503);
      }
      release();
      expect(JSON.parse((await call).body)).toMatchObject({ id: 1, result: {} });
      expect(JSON.parse((await initialize).body)).toMatchObject({ id: 'init', result: {} });
      expect((await posted).status).toBe(202);
      expect(await old.stream.message(1)).toMatchObject({ id: 'init', result: {} });
      await closing;
    },
  );

  it('has the answer of what waits for a server that comes up by then: --stateless', async () => {
    const { definition, release } = comingUp('legacy');
    const proxy = await start({ defaultServer: definition, stateless: true });
    const list = post(`${proxy.url}/mcp`, requestBody(1, 'tools/list'));
    await inFlight(proxy, 1);
    const closing = proxy.close();
    expect((await post(`${proxy.url}/mcp`, requestBody(2, 'tools/list'))).status).toBe(503);
    release();
    expect(JSON.parse((await list).body)).toMatchObject({ id: 1, result: {} });
    await closing;
  });

  it(`${row('stop.waiting')} refuses in words who still waits for the server then`, async () => {
    // It stays when its stdin ends, so that it is there for longer than its clients are.
    const { definition } = comingUp('legacy');
    const proxy = await start({ defaultServer: definition, limits: { stopMs: 300 } });
    const waiting = [
      ask(proxy, 'tools/list'),
      ask(proxy, 'tools/call', { name: 'a' }),
      post(`${proxy.url}/mcp`, initializeBody()),
    ];
    const old = await sse(proxy);
    const posted = old.post(initializeBody());
    await inFlight(proxy, 4);
    await proxy.close();
    for (const { status, body } of await Promise.all(waiting)) {
      expect(status).toBe(503);
      expect(JSON.parse(body)).toMatchObject({
        error: { code: -32603, message: expect.stringContaining('stopping') },
      });
    }
    expect((await posted).status).toBe(503);
    expect(proxy.events.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('does not wait for who waited for the server and has gone', async () => {
    const proxy = await start({ defaultServer: comingUp('legacy').definition });
    const controller = new AbortController();
    const gone = fetch(`${proxy.url}/mcp`, {
      method: 'POST',
      body: body('tools/list'),
      headers: headers('tools/list', {}),
      signal: controller.signal,
    });
    await inFlight(proxy, 1);
    controller.abort();
    await expect(gone).rejects.toThrow();
    await inFlight(proxy, 0);
    await proxy.close();
  });
});

describe('an answer that is on its way to a client that reads slowly', () => {
  /** More than the systems on both sides take in for a client that does not read. */
  const OCTETS = 16 * 1024 * 1024;
  /** Longer than every answer gets, however little time is set. */
  const PAUSE_MS = 2500;
  const big = { octets: OCTETS };

  /** Settles with how many octets came, once all have. Rejects where it is cut. */
  async function readLate(response: IncomingMessage): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    let octets = 0;
    for await (const chunk of response) octets += chunk.length;
    return octets;
  }

  it.each([
    [
      'Streamable HTTP',
      async (proxy: TestProxy) => {
        const { headers: sent } = await Client.open(`${proxy.url}/mcp`);
        return send(`${proxy.url}/mcp`, {
          method: 'POST',
          body: requestBody(1, 'x/big', big),
          headers: sent,
        });
      },
    ],
    [
      'Streamable HTTP, modern',
      async (proxy: TestProxy) =>
        send(`${proxy.url}/mcp`, {
          method: 'POST',
          body: body('x/big', big),
          headers: headers('x/big', big),
        }),
    ],
    [
      'HTTP+SSE',
      async (proxy: TestProxy) => {
        const { stream, response, post: say } = await sse(proxy);
        await say(initializeBody());
        await stream.message(1);
        response.removeAllListeners('data').pause();
        await say(requestBody(1, 'x/big', big));
        await inFlight(proxy, 0);
        return response;
      },
    ],
  ] as const)('gets there within the time to finish: %s', async (_transport, begin) => {
    const proxy = await start({ defaultServer: puppet({ era: 'auto' }), limits: { stopMs: 30_000 } });
    const response = await begin(proxy);
    const closing = proxy.close();
    expect(await readLate(response)).toBeGreaterThan(OCTETS);
    await closing;
  });
});

describe('no place for another process, while it is not known what the server speaks', () => {
  it('is a 503 for every client but the first', async () => {
    const slow = fixtureDefinition(
      'legacy-raw.mjs',
      {},
      { name: 'default', era: 'auto', sharing: 'session' },
    );
    const proxy = await start({ defaultServer: slow, limits: { maxProcesses: 1 } });
    const answers = await Promise.all([1, 2, 3].map(() => post(`${proxy.url}/mcp`, initializeBody())));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 503, 503]);
    for (const { status, headers: given } of answers) {
      if (status === 503) expect(given['retry-after']).toBeDefined();
    }
  });

  it('also for modern clients', async () => {
    const proxy = await start({ defaultServer: legacy, limits: { maxProcesses: 1 } });
    const params = { name: 'never' };
    const statuses: number[] = [];
    const asked = [1, 2, 3].map(async () => {
      statuses.push((await ask(proxy, 'tools/call', params)).status);
    });
    await eventually(() => (statuses.length === 2 ? true : undefined));
    expect(statuses).toEqual([503, 503]);
    await inFlight(proxy, 1);
    await proxy.close();
    await Promise.all(asked);
  });
});
