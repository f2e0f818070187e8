/** The reference server, which is of the legacy era, to clients of both: on stdio and over both kinds of HTTP. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASKABLE, Progress } from './cases/case.js';
import { type Json, type Target, TestClient } from './harness/client.js';
import { SDKS, sdksOf } from './harness/paths.js';
import { end, start } from './harness/processes.js';
import { PROXY, startProxy } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

const EVERYTHING = join(
  import.meta.dirname,
  '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
);
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

/** With PORT=0 the server listens on a free port, but it does not say on which. */
const TELL_PORT = `import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    this.once('listening', () => console.log('PORT ' + this.address().port));
    return listen.apply(this, args);
  };`;

async function remote(scope: Scope, kind: 'streamableHttp' | 'sse'): Promise<string> {
  const preload = ['--import', `data:text/javascript,${encodeURIComponent(TELL_PORT)}`];
  const options = { env: { PORT: '0' } };
  const program = scope.add(start(process.execPath, [...preload, EVERYTHING, kind], options), end);
  const port = await program.line('stdout', (line) => /^PORT (\d+)$/.exec(line)?.[1]);
  return `http://127.0.0.1:${port}/${kind === 'sse' ? 'sse' : 'mcp'}`;
}

async function local(scope: Scope, ...options: readonly string[]): Promise<string> {
  const proxy = await startProxy(scope, [...options, '--', process.execPath, EVERYTHING]);
  return proxy.of('default').mcp;
}

const throughProxy = (url: string): Target => ({ kind: 'stdio', command: [process.execPath, PROXY, url] });
const over = (url: string): Target => ({ kind: 'streamable', url });

type Way = readonly [string, 'legacy' | 'modern', (scope: Scope) => Promise<Target>];
const WAYS: readonly Way[] = [
  ['server mode', 'modern', async (scope) => over(await local(scope))],
  ['server mode, shared', 'modern', async (scope) => over(await local(scope, '--sharing', 'shared'))],
  ['chained', 'modern', async (scope) => throughProxy(await local(scope))],
  [
    'client mode, Streamable HTTP',
    'legacy',
    async (scope) => throughProxy(await remote(scope, 'streamableHttp')),
  ],
  [
    'client mode, Streamable HTTP',
    'modern',
    async (scope) => throughProxy(await remote(scope, 'streamableHttp')),
  ],
  ['client mode, HTTP+SSE', 'legacy', async (scope) => throughProxy(await remote(scope, 'sse'))],
  ['client mode, HTTP+SSE', 'modern', async (scope) => throughProxy(await remote(scope, 'sse'))],
];

const RUNS = WAYS.flatMap(([way, era, open]) =>
  (era === 'modern' ? sdksOf(era) : SDKS).map(([sdk, connect]) => ({ way, era, sdk, open, connect })),
);

describe.each(RUNS)('$way, $era client, $sdk', ({ era, open, connect }) => {
  const scope = new Scope();
  let client: TestClient;

  beforeAll(async () => {
    const target = await open(scope);
    client = scope.add(await TestClient.connect(connect, target, { ...ASKABLE, era }), (one) => one.close());
  });
  afterAll(() => scope.end());

  async function text(name: string, args: Json = {}, _meta?: Json): Promise<string> {
    const meta = _meta === undefined ? {} : { _meta };
    const { content } = await client.request('tools/call', { name, arguments: args, ...meta });
    return (content as { text?: string }[]).map((one) => one.text ?? '').join('\n');
  }

  it('what it is and what it has', async () => {
    expect(await client.told()).toMatchObject({
      era,
      server: { name: 'mcp-servers/everything' },
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
      instructions: expect.stringMatching(/\w/),
    });
    const { tools } = await client.request('tools/list');
    const names = (tools as Json[]).map(({ name }) => name);
    // It has those only for clients that can be asked.
    const asking = ['get-roots-list', 'trigger-sampling-request', 'trigger-elicitation-request'];
    expect(names).toEqual(expect.arrayContaining(['echo', 'get-sum', ...asking]));
    const { resources } = await client.request('resources/list');
    const [{ uri } = {}] = resources as Json[];
    expect(await client.request('resources/read', { uri })).toMatchObject({ contents: [{ uri }] });
    const prompt = await client.request('prompts/get', { name: 'args-prompt', arguments: { city: 'Köln' } });
    expect(JSON.stringify(prompt.messages)).toContain('Köln');
    const ref = { type: 'ref/prompt', name: 'completable-prompt' };
    const completed = await client.request('completion/complete', {
      ref,
      argument: { name: 'department', value: 'E' },
    });
    expect(completed).toMatchObject({ completion: { values: ['Engineering'] } });
  });

  it('tools, and what they answer with', async () => {
    expect(await text('echo', { message: 'hällo' })).toBe('Echo: hällo');
    expect(await text('get-sum', { a: 2, b: 3 })).toContain('5');
    const image = await client.request('tools/call', { name: 'get-tiny-image', arguments: {} });
    expect(image.content).toContainEqual(expect.objectContaining({ type: 'image', mimeType: 'image/png' }));
    const structured = { name: 'get-structured-content', arguments: { location: 'New York' } };
    expect(await client.request('tools/call', structured)).toMatchObject({
      structuredContent: { temperature: expect.any(Number) },
    });
  });

  it('progress of what takes long', async () => {
    const progress = new Progress();
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
    await client.request('tools/call', call, { progress: progress.push });
    // The server asks for the roots a moment after its start, which may be in this call: SDK v2 counts rounds too.
    const heard = progress.heard.filter(({ total }) => total === 4);
    // The last one stands right before the answer, where SDKs may drop it.
    expect(heard.slice(0, 3)).toMatchObject([1, 2, 3].map((step) => ({ progress: step, total: 4 })));
  });

  it('it asks: sampling, a form, a URL, roots', async () => {
    expect(await text('trigger-sampling-request', { prompt: 'Wie bitte?', maxTokens: 10 })).toContain(
      'Wie bitte?',
    );
    expect(await text('trigger-elicitation-request')).toContain('Please provide inputs');
    const url = 'https://example.com/a';
    expect(await text('trigger-url-elicitation', { url })).toContain('User completed');
    expect(await text('get-roots-list')).toContain('file:///tmp/a%20b');
  });

  it('it logs', async () => {
    if (era === 'legacy') await client.request('logging/setLevel', { level: 'debug' });
    const meta = era === 'legacy' ? undefined : { [LOG_LEVEL]: 'debug' };
    expect(await text('toggle-simulated-logging', {}, meta)).toMatch(/started/i);
    const fits = (params: Json) => /level[- ]message/i.test(String(params.data));
    await client.hear('notifications/message', fits);
    await text('toggle-simulated-logging');
  });

  it('updates of a resource', async () => {
    const uri = 'demo://resource/dynamic/text/1';
    const listening = era === 'modern' ? await client.listen({ resourceSubscriptions: [uri] }) : undefined;
    if (listening === undefined) await client.request('resources/subscribe', { uri });
    await text('toggle-subscriber-updates');
    await client.hear('notifications/resources/updated', (params) => params.uri === uri);
    await text('toggle-subscriber-updates');
    await listening?.close();
  });
});
