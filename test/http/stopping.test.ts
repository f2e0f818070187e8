/** The end of the proxy while clients of both eras have something open across the eras. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerDefinition } from '../../src/config/definition.js';
import { fixtureDefinition } from '../fixtures/processes.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { META, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

afterEach(closeAll);

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

  it('lets what is under way finish', async () => {
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
        else if (method === 'tools/list') say({ id, result: { tools: [] } });
        else if (method === 'tools/call') setTimeout(() => say({ id: 'q', method: 'roots/list' }), 500);
      });`;
    const proxy = await start({ defaultServer: { ...legacy, args: ['--input-type=module', '-e', script] } });
    const open = ask(proxy, 'tools/call', { name: 'a' });
    await inFlight(proxy, 1);
    expect(await timed(() => proxy.close())).toBeLessThan(SOON_MS);
    expect(JSON.parse((await open).body).result.resultType).toBe('input_required');
  });

  it('refuses who waits to be told what the server speaks', async () => {
    const silent = fixtureDefinition(
      'legacy-raw.mjs',
      { BEFORE: 'silent' },
      { name: 'default', era: 'auto' },
    );
    const proxy = await start({ defaultServer: silent });
    const waiting = [ask(proxy, 'tools/list'), post(`${proxy.url}/mcp`, initializeBody())];
    const sse = new Stream(await send(`${proxy.url}/sse`, {}));
    const endpoint = await sse.next();
    const posted = post(`${proxy.url}${endpoint.kind === 'event' ? endpoint.data : ''}`, initializeBody());
    await new Promise((resolve) => setTimeout(resolve, 50)); // they are all under way
    expect(await timed(() => proxy.close())).toBeLessThan(SOON_MS);
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(503);
    // Its stream has ended before it.
    expect([404, 503]).toContain((await posted).status);
    expect(proxy.events.filter(({ level }) => level === 'error')).toEqual([]);
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
