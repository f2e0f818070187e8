/** Server mode with several clients at once: everyone has what is theirs, on both transports, with both SDKs. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { ASKABLE, Progress, unique } from './cases/case.js';
import { type ClientOptions, type Json, TestClient } from './harness/client.js';
import { SDKS } from './harness/paths.js';
import { LEGACY_SERVER, startProxy } from './harness/proxy.js';
import { Scope } from './harness/scope.js';

const WAYS = SDKS.flatMap(([sdk, connect]) =>
  (['streamable', 'sse'] as const).map((kind) => ({ way: `${sdk}, ${kind}`, connect, kind })),
);

/** Clients of one test, by transport and SDK; they are closed after it. */
function clients(scope: Scope, options: readonly string[]) {
  let urls: { readonly mcp: string; readonly sse: string };
  const open: TestClient[] = [];
  beforeAll(async () => {
    urls = (await startProxy(scope, [...options, '--', ...LEGACY_SERVER])).of('default');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });
  afterAll(() => scope.end());
  return async ({ connect, kind }: (typeof WAYS)[number], how?: ClientOptions): Promise<TestClient> => {
    const url = kind === 'sse' ? urls.sse : urls.mcp;
    const client = await TestClient.connect(connect, { kind, url }, how);
    open.push(client);
    return client;
  };
}

async function pid(client: TestClient): Promise<unknown> {
  return (await client.call('who')).pid;
}

describe.each(WAYS)('sharing auto, $way', (way) => {
  const connect = clients(new Scope(), ['--sharing', 'auto']);

  it('clients that look the same to the server and cannot be asked share a process', async () => {
    const [a, b] = [await connect(way), await connect(way)];
    expect(await pid(a)).toBe(await pid(b));
    const other = await connect(way, { name: 'other' });
    expect(await pid(other)).not.toBe(await pid(a));
    expect((await other.call('who')).initialize).toMatchObject({ clientInfo: { name: 'other' } });
  });

  it('a client that can be asked has its own, and is asked what its own calls cause', async () => {
    const rooted = (name: string) => ({
      capabilities: { roots: {} },
      answers: { 'roots/list': () => ({ roots: [{ uri: `file:///${name}` }] }) },
    });
    const [a, b] = [await connect(way, rooted('a')), await connect(way, rooted('b'))];
    expect(await pid(a)).not.toBe(await pid(b));
    const asked = await Promise.all(
      [a, b].map((one) => one.call('ask', { method: 'roots/list', rounds: 3 })),
    );
    for (const [n, name] of ['a', 'b'].entries()) {
      const answer = { result: { roots: [{ uri: `file:///${name}` }] } };
      expect(asked[n]).toEqual({ answers: [answer, answer, answer] });
    }
  });
});

describe.each(WAYS)('sharing session, $way', (way) => {
  const connect = clients(new Scope(), ['--sharing', 'session']);

  it('every client has its own process', async () => {
    const all = await Promise.all([connect(way), connect(way), connect(way)]);
    expect(new Set(await Promise.all(all.map(pid))).size).toBe(3);
  });
});

describe.each(WAYS)('sharing shared, $way', (way) => {
  const connect = clients(new Scope(), ['--sharing', 'shared']);
  const two = async (how?: ClientOptions) => [await connect(way, how), await connect(way, how)] as const;

  it(`${req('lifecycle.initialize.params', 'lifecycle.version.ours-supported', 'lifecycle.version.ours-latest', 'base.notification.no-id')} the proxy greets the server once, in its own name`, async () => {
    const [a, b] = [await connect(way, { name: 'a' }), await connect(way, ASKABLE)];
    expect(await pid(a)).toBe(await pid(b));
    const { messages } = await b.call('seen', { method: 'initialize' });
    expect(messages).toMatchObject([
      {
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: expect.stringMatching(/\w/) },
        },
      },
    ]);
    const { messages: initialized } = await b.call('seen', { method: 'notifications/initialized' });
    expect(initialized).toHaveLength(1);
    expect((initialized as Json[])[0]).not.toHaveProperty('id');
    for (const client of [a, b]) {
      expect(client.info()).toMatchObject({ server: { name: 'legacy-everything' } });
    }
  });

  it(`${req('base.request.id-once', 'progress.token-unique', 'progress.token-type')} ids and progress tokens that clients have in common are kept apart`, async () => {
    const [a, b] = await two();
    const calls = [a, b].map((client, n) => {
      const key = unique(`kept-${n}`);
      const progress = new Progress();
      const answer = client.call('hold', { key, steps: 2 }, { progress: progress.push });
      return { client, key, progress, answer };
    });
    await Promise.all(calls.map(({ progress }) => progress.count(2)));
    for (const { client, key } of calls.toReversed()) await client.call('release', { key });
    for (const { key, progress, answer } of calls) {
      expect(await answer).toEqual({ key, state: 'released' });
      expect(progress.heard.map(({ message }) => message)).toEqual([`${key} 1`, `${key} 2`]);
    }
    const { messages } = await a.call('seen', { method: 'tools/call' });
    const seen = messages as { id: unknown; params: { _meta?: { progressToken?: unknown } } }[];
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    const tokens = seen
      .map(({ params }) => params._meta?.progressToken)
      .filter((token) => token !== undefined);
    expect(new Set(tokens).size).toBe(tokens.length);
    for (const token of tokens) expect(['string', 'number']).toContain(typeof token);
  });

  it('a hundred calls at once, each with its own answer', async () => {
    const [a, b] = await two();
    const answers = await Promise.all(
      [a, b].flatMap((client, who) => Array.from({ length: 50 }, (_, n) => client.call('echo', { who, n }))),
    );
    expect(answers).toEqual([0, 1].flatMap((who) => Array.from({ length: 50 }, (_, n) => ({ who, n }))));
  });

  it('resources/updated reaches those who subscribed, for as long as they do', async () => {
    const [a, b] = await two();
    const uri = `demo://${unique('r')}`;
    const updated = 'notifications/resources/updated';
    const touch = async () => (await b.call('touch', { uri })).subscribed;
    await a.request('resources/subscribe', { uri });
    expect(await touch()).toBe(true);
    await a.hear(updated, (params) => params.uri === uri);
    await b.request('resources/subscribe', { uri });
    await a.request('resources/unsubscribe', { uri });
    expect(await touch()).toBe(true);
    await b.hear(updated, (params) => params.uri === uri);
    await a.request('ping');
    expect(a.left(updated)).toEqual([]);
    expect(b.left(updated)).toEqual([]);
    const method = 'resources/unsubscribe';
    const { messages } = await a.call('seen', { method });
    await b.close();
    await a.call('seen', { method, count: (messages as Json[]).length + 1 });
    expect((await a.call('touch', { uri })).subscribed).toBe(false);
  });

  it('a log level that one client sets does not silence another', async () => {
    const [a, b] = await two();
    await b.request('logging/setLevel', { level: 'debug' });
    await a.request('logging/setLevel', { level: 'error' });
    const data = unique('log');
    await b.call('log', { levels: ['debug', 'info', 'error'], data });
    for (const level of ['debug', 'info', 'error']) {
      await b.hear('notifications/message', (params) => params.data === data && params.level === level);
    }
    await a.call('log', { levels: ['debug', 'error'], data });
    const fits = (params: Json) => params.data === data;
    expect(await a.hear('notifications/message', fits)).toMatchObject({ level: 'error' });
    await a.request('ping');
    expect(a.left('notifications/message').filter(fits)).toEqual([]);
  });

  it('changed lists are told to all', async () => {
    const [a, b] = await two();
    await a.call('change', { lists: ['tools'] });
    await Promise.all([a, b].map((client) => client.hear('notifications/tools/list_changed')));
  });

  it(`${req('lifecycle.operation.capabilities', 'elicitation.mode-supported')} a question goes to the client whose call caused it, if it can be asked`, async () => {
    const asked = {
      capabilities: { roots: {} },
      answers: { 'roots/list': () => ({ roots: [{ uri: 'file:///mine' }] }) },
    };
    const [a, b] = [await connect(way, asked), await connect(way)];
    expect(await a.call('ask', { method: 'roots/list' })).toEqual({
      answers: [{ result: { roots: [{ uri: 'file:///mine' }] } }],
    });
    expect(await b.call('ask', { method: 'roots/list' })).toMatchObject({
      answers: [{ error: { code: expect.any(Number), message: expect.stringContaining('roots') } }],
    });
    const form = await connect(way, { ...ASKABLE, capabilities: { elicitation: { form: {} } } });
    const params = { mode: 'url', elicitationId: unique('e'), url: 'https://example.com', message: 'm' };
    expect(await form.call('ask', { method: 'elicitation/create', params })).toMatchObject({
      answers: [{ error: { code: expect.any(Number) } }],
    });
  });

  it(`${req('sampling.tools-declared')} a client that did not declare tools is not asked to sample with them`, async () => {
    const plain = await connect(way, { ...ASKABLE, capabilities: { sampling: {} } });
    const params = { messages: [], maxTokens: 1, tools: [{ name: 't', inputSchema: { type: 'object' } }] };
    expect(await plain.call('ask', { method: 'sampling/createMessage', params })).toMatchObject({
      answers: [{ error: { code: expect.any(Number) } }],
    });
  });

  it('a question that calls of several clients could have caused is refused with the reason', async () => {
    const [a, b] = await two(ASKABLE);
    const key = unique('busy');
    const held = a.call('hold', { key });
    await b.call('await-hold', { key, state: 'open' });
    expect(await b.call('ask', { method: 'roots/list' })).toMatchObject({
      answers: [{ error: { message: expect.stringContaining('several clients') } }],
    });
    await b.call('release', { key });
    await held;
  });

  it(`${req('elicitation.complete-to-initiator')} the word that an elicitation is complete goes to who was asked`, async () => {
    const [a, b] = await two(ASKABLE);
    const elicitationId = unique('e');
    const params = { mode: 'url', elicitationId, url: 'https://example.com', message: 'm' };
    await a.call('ask', { method: 'elicitation/create', params });
    const complete = 'notifications/elicitation/complete';
    await b.call('notify', { method: complete, params: { elicitationId } });
    await a.hear(complete, (one) => one.elicitationId === elicitationId);
    await b.request('ping');
    expect(b.left(complete)).toEqual([]);
  });

  it(`${req('tasks.own-only', 'tasks.list-own-only')} a task belongs to the client that began it`, async () => {
    const [a, b] = await two();
    const created = await a.request('tools/call', { name: 'job', arguments: {}, task: {} });
    const { taskId } = created.task as { taskId: string };
    await expect(b.request('tasks/get', { taskId })).rejects.toMatchObject({ code: -32602 });
    await expect(b.request('tasks/result', { taskId })).rejects.toMatchObject({ code: -32602 });
    await expect(b.request('tasks/cancel', { taskId })).rejects.toMatchObject({ code: -32602 });
    expect((await b.request('tasks/list')).tasks).toEqual([]);
    expect((await a.request('tasks/list')).tasks).toMatchObject([{ taskId }]);
    const status = 'notifications/tasks/status';
    await b.call('job-step', { taskId, status: 'completed' });
    await a.hear(status, (params) => params.taskId === taskId);
    await b.request('ping');
    expect(b.left(status)).toEqual([]);
  });

  // Last, because what a server asks or says right after a cancellation is given to nobody.
  it(`${req('cancellation.own-requests-only')} a cancellation ends the call of its own client only`, async () => {
    const [a, b] = await two();
    const [keyA, keyB] = [unique('a'), unique('b')];
    const abort = new AbortController();
    const callA = a.call('hold', { key: keyA }, { signal: abort.signal });
    callA.catch(() => undefined);
    const callB = b.call('hold', { key: keyB });
    for (const key of [keyA, keyB]) await b.call('await-hold', { key, state: 'open' });
    abort.abort('enough');
    await expect(callA).rejects.toThrow();
    await b.call('await-hold', { key: keyA, state: 'cancelled' });
    expect(await b.call('release', { key: keyB })).toEqual({ key: keyB, state: 'released' });
    expect(await callB).toEqual({ key: keyB, state: 'released' });
  });

  it(`${req('cancellation.stops-work')} the calls of a client that leaves are cancelled; the others go on`, async () => {
    const [a, b] = await two();
    const [keyA, keyB] = [unique('a'), unique('b')];
    a.call('hold', { key: keyA }).catch(() => undefined);
    const callB = b.call('hold', { key: keyB });
    for (const key of [keyA, keyB]) await b.call('await-hold', { key, state: 'open' });
    await a.close();
    await b.call('await-hold', { key: keyA, state: 'cancelled' });
    await b.call('release', { key: keyB });
    expect(await callB).toEqual({ key: keyB, state: 'released' });
  });
});
