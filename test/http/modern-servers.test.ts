/** Modern clients over raw HTTP, and real server processes of either era that tell line by line what they got. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerDefinition } from '../../src/config/definition.js';
import { fixtureDefinition } from '../fixtures/processes.js';
import { req } from '../requirements.js';
import { post } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { META, MODERN, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, start, type TestProxy } from './harness/proxy.js';

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const INFO = 'io.modelcontextprotocol/clientInfo';
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const TOOLS = { toolsListChanged: true };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

/** The proxy in front of one server, and a modern client of it, each of whose requests has a connection of its own. */
class Stage {
  readonly proxy: TestProxy;
  readonly #starts: string;
  #ids = 0;

  constructor(proxy: TestProxy, starts: string) {
    this.proxy = proxy;
    this.#starts = starts;
  }

  static async begin(
    fixture: string,
    env: Readonly<Record<string, string>> = {},
    more: Partial<ServerDefinition> = {},
  ): Promise<Stage> {
    const STARTS_FILE = join(directory, 'starts');
    const definition = { name: 'default', era: 'auto', ...more } as const;
    const defaultServer = fixtureDefinition(fixture, { STARTS_FILE, ...env }, definition);
    return new Stage(await start({ defaultServer }), STARTS_FILE);
  }

  /** How often the server was started. */
  get starts(): number {
    return existsSync(this.#starts) ? readFileSync(this.#starts, 'utf8').trim().split('\n').length : 0;
  }

  body(method: string, params: object = {}, meta: object = {}): string {
    this.#ids += 1;
    const all = { ...params, _meta: { ...META, ...meta } };
    return JSON.stringify({ jsonrpc: '2.0', id: this.#ids, method, params: all });
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  async asks(method: string, params: object = {}, meta: object = {}): Promise<any> {
    const name = 'name' in params ? String(params.name) : undefined;
    const headers = modernHeaders(method, name);
    const answer = await post(`${this.proxy.url}/mcp`, this.body(method, params, meta), { headers });
    expect(answer.headers['content-type']).toBe('application/json');
    return JSON.parse(answer.body);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  calls(name: string, args: object = {}, meta: object = {}, more: object = {}): Promise<any> {
    return this.asks('tools/call', { name, arguments: args, ...more }, meta);
  }

  /** Whatever the process that is met now has got so far. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async lines(meta: object = {}): Promise<any[]> {
    const { result } = await this.calls('lines', {}, meta);
    return result.structuredContent.lines.map((line: string) => JSON.parse(line));
  }

  async listens(notifications: object): Promise<Stream> {
    const method = 'subscriptions/listen';
    const body = this.body(method, { notifications });
    const sent = { method: 'POST', body, headers: modernHeaders(method) };
    const stream = new Stream(await send(`${this.proxy.url}/mcp`, sent));
    await stream.message(1);
    return stream;
  }

  async pids(): Promise<number[]> {
    const [server] = (await this.proxy.status()).servers;
    return server.processes.map(({ pid }: { pid: number }) => pid);
  }
}

const methods = (lines: { method?: string }[]): unknown[] => lines.map(({ method }) => method);

describe('a modern server', () => {
  it(`${req('modern.era.probed', 'modern.era.modern', 'modern.era.remembered', 'modern.state.process', 'modern.meta.own-requests')} is asked once what it speaks, never greeted, and one process serves all`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    await stage.calls('echo');
    await stage.calls('echo', {}, { [INFO]: { name: 'other', version: '2' }, [CAPABILITIES]: { roots: {} } });
    const lines = await stage.lines();
    expect(methods(lines)).toEqual([
      'server/discover',
      'tools/list',
      'tools/call',
      'tools/call',
      'tools/call',
    ]);
    for (const { params } of lines) {
      expect(params._meta).toMatchObject({ 'io.modelcontextprotocol/protocolVersion': MODERN });
      expect(params._meta).toHaveProperty([CAPABILITIES]);
    }
    expect([stage.starts, (await stage.pids()).length]).toEqual([1, 1]);
  });

  it(`${req('modern.delivered', 'stdio.no-embedded-newline', 'stdio.stdin-only-messages', 'stdio.utf-8')} gets requests and notifications, each on one line, and its client what comes back`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    const params = { name: 'echo', arguments: { text: 'x\ny ü' }, _meta: META };
    const pretty = JSON.stringify({ jsonrpc: '2.0', id: 'p', method: 'tools/call', params }, null, '\t');
    const answer = await post(`${stage.proxy.url}/mcp`, `\r\n${pretty.replaceAll('\n', '\r\n')}\n\n`, {
      headers: modernHeaders('tools/call', 'echo'),
    });
    const { id, result } = JSON.parse(answer.body);
    expect(id).toBe('p');
    expect(result.structuredContent.line).not.toMatch(/[\r\n]/);
    expect(JSON.parse(result.structuredContent.line)).toMatchObject({ method: 'tools/call', params });
    const note = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params: { _meta: META } });
    expect(
      (await post(`${stage.proxy.url}/mcp`, note, { headers: modernHeaders('notifications/x') })).status,
    ).toBe(202);
    await eventually(async () => methods(await stage.lines()).includes('notifications/x') || undefined);
    const body = stage.body('tools/call', { name: 'progress', arguments: {} }, { progressToken: 't' });
    const sent = { method: 'POST', body, headers: modernHeaders('tools/call', 'progress') };
    const stream = new Stream(await send(`${stage.proxy.url}/mcp`, sent));
    await stream.ended();
    expect(stream.messages.map(({ params, result }) => params ?? result.resultType)).toEqual([
      { progressToken: 't', progress: 1, 'x-more': 'ü' },
      { progressToken: 't', progress: 2.5, 'x-more': 'ü' },
      'complete',
    ]);
  });

  it(`${req('modern.questions.untouched', 'modern.state.any-connection')} asks, and gets its state and the answers back as they were, on another connection`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    const requests = { 'q ü': { method: 'roots/list', params: { 'x/y': 1 } } };
    const { result } = await stage.calls('ask', { requests }, { [CAPABILITIES]: { roots: {} } });
    expect(result).toEqual({
      resultType: 'input_required',
      inputRequests: requests,
      requestState: 'state 1 "ü"',
    });
    const state =
      '"requestState":"\\u0073tate 1 \\"\\u00fc\\"","inputResponses":{"q \\u00fc":{"roots":[],"n":1.50}}';
    const body = stage.body('tools/call', { name: 'ask' }).replace('"name"', `${state},"name"`);
    const answer = await post(`${stage.proxy.url}/mcp`, body, {
      headers: modernHeaders('tools/call', 'ask'),
    });
    expect(JSON.parse(answer.body).result.structuredContent.line).toContain(state);
  });

  it(`${req('modern-stdio.cancel-sent', 'modern.cancelled.reason')} hears of a client that goes, under the id that it knows`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    await stage.calls('echo');
    const gone = new AbortController();
    const asked = fetch(`${stage.proxy.url}/mcp`, {
      method: 'POST',
      body: stage.body('tools/call', { name: 'never', arguments: {} }),
      headers: modernHeaders('tools/call', 'never'),
      signal: gone.signal,
    }).catch(() => undefined);
    const never = await eventually(async () =>
      (await stage.lines()).find(({ params }) => params.name === 'never'),
    );
    gone.abort();
    await asked;
    const cancelled = await eventually(async () =>
      (await stage.lines()).find(({ method }) => method === 'notifications/cancelled'),
    );
    expect(cancelled.params).toEqual({ requestId: never.id, reason: expect.stringContaining('client') });
  });

  it(`${req('modern-stdio.restarted', 'modern-stdio.listens-again')} that ends is started again for the next request, and listened to anew`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    const listening = await stage.listens(TOOLS);
    const never = stage.calls('never');
    await eventually(
      async () => (await stage.lines()).some(({ params }) => params.name === 'never') || undefined,
    );
    const [pid = 0] = await stage.pids();
    process.kill(pid, 'SIGKILL');
    expect((await never).error).toMatchObject({ code: -32603, message: expect.stringContaining('SIGKILL') });
    await listening.ended();
    expect(listening.messages).toHaveLength(1);
    const again = await stage.listens(TOOLS);
    expect((await stage.calls('change')).result.structuredContent).toEqual({ listens: 1 });
    expect(await again.message(2)).toMatchObject({ method: 'notifications/tools/list_changed' });
    const [acknowledged, changed] = again.messages;
    expect(changed.params._meta[SUBSCRIPTION]).toBe(acknowledged.params._meta[SUBSCRIPTION]);
    expect(await stage.pids()).not.toContain(pid);
    again.break();
  });

  it(`${req('modern-http.server.listen.graceful-end', 'modern.result.own-type')} whose proxy stops leaves its listeners with a result`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    const listening = await stage.listens(TOOLS);
    await stage.proxy.close();
    await listening.ended();
    const [{ params }, end, ...more] = listening.messages;
    expect(more).toEqual([]);
    expect(end.result).toEqual({ resultType: 'complete', _meta: params._meta });
  });

  it(`${req('modern-http.server.params.validated', 'modern-http.server.params.missing-rejected', 'modern-http.server.params.unknown-ignored')} has its tools known, so that headers are compared with the arguments of a call`, async () => {
    const stage = await Stage.begin('modern-server.mjs');
    const call = (args: object, more: Record<string, string>) =>
      post(`${stage.proxy.url}/mcp`, stage.body('tools/call', { name: 'headers', arguments: args }), {
        headers: { ...modernHeaders('tools/call', 'headers'), ...more },
      });
    const args = { region: 'é', count: 42, plain: 'p' };
    const right = {
      'Mcp-Param-Region': '=?base64?w6k=?=',
      'Mcp-Param-Count': '42.0',
      'Mcp-Param-Other': 'x',
    };
    const answer = await call(args, right);
    expect(JSON.parse(answer.body).result.structuredContent).toMatchObject({ args });
    for (const wrong of [{}, { ...right, 'Mcp-Param-Count': '43' }]) {
      const refused = await call(args, wrong);
      expect([refused.status, JSON.parse(refused.body)]).toMatchObject([400, { error: { code: -32020 } }]);
    }
  });

  it(`${req('modern.subscription.several', 'modern-stdio.correlated')} tells several that listen to one process, each under its own id`, async () => {
    const stage = await Stage.begin('modern-raw.mjs');
    const first = await stage.listens(TOOLS);
    const other = await stage.listens({});
    const second = await stage.listens(TOOLS);
    await stage.calls('change');
    for (const stream of [first, second]) {
      const { params } = await stream.message(2);
      expect(params._meta).toEqual(stream.messages[0].params._meta);
    }
    expect(other.messages).toHaveLength(1);
    for (const stream of [first, other, second]) stream.break();
  });
});

describe('the version that a modern server is shown with', () => {
  it.each([
    ['2026-07-28', '2026-07-28'],
    ['2099-01-01,2026-07-28,2025-11-25', '2026-07-28'],
    ['2099-01-01,2098-01-01', '2099-01-01, 2098-01-01'],
  ])('is the newest that both know, or else what it names: %s, %s', async (SUPPORTED, shown) => {
    const stage = await Stage.begin('modern-raw.mjs', { SUPPORTED });
    await stage.asks('x/y');
    const [server] = (await stage.proxy.status()).servers;
    expect(server).toMatchObject({ era: 'modern', processes: [{ era: 'modern', protocol_version: shown }] });
    const told = stage.proxy.events.map(({ text }) => text);
    expect(told).toContain(`speaks MCP of the modern era (${shown})`);
  });

  it('is the one that was asked for, where it was not asked what it speaks', async () => {
    const stage = await Stage.begin('modern-raw.mjs', {}, { era: 'modern' });
    await stage.asks('x/y');
    expect((await stage.proxy.status()).servers[0].processes).toMatchObject([{ protocol_version: MODERN }]);
  });
});

describe('a legacy server', () => {
  it.each([
    ['-32601', { BEFORE: 'error' }],
    ['-32602', { BEFORE: 'error', ERROR: '{"code":-32602,"message":"Invalid request parameters"}' }],
    ['-32000', { BEFORE: 'error', ERROR: '{"code":-32000,"message":"Not initialized"}' }],
    ['-32020', { BEFORE: 'error', ERROR: '{"code":-32020,"message":"x"}' }],
    ['a result', { BEFORE: 'result' }],
  ])(
    `${req('modern.era.probed', 'modern.era.legacy', 'modern.era.no-one-code', 'm2l.handshake')} that answers the question with %s is greeted in the client's name`,
    async (_, env) => {
      const stage = await Stage.begin('legacy-raw.mjs', env);
      const client = { name: 'ä', version: '1' };
      const [discover, initialize, ...later] = await stage.lines({
        [INFO]: client,
        [CAPABILITIES]: { roots: {}, 'x/y': 1 },
      });
      expect(discover.method).toBe('server/discover');
      expect(initialize).toMatchObject({ method: 'initialize' });
      expect(initialize.params).toEqual({
        protocolVersion: '2025-11-25',
        capabilities: { roots: {}, 'x/y': 1 },
        clientInfo: client,
      });
      const greeted = methods(later);
      expect(greeted[0]).toBe('notifications/initialized');
      expect(greeted.at(-1)).toBe('tools/call');
    },
  );

  it(`${req('modern.era.end', 'modern.era.remembered')} that dies of the question is started again without it, and never asked again`, async () => {
    const stage = await Stage.begin('legacy-raw.mjs', { BEFORE: 'die' });
    await eventually(() => (stage.starts === 2 ? true : undefined));
    const [pid] = await stage.pids();
    for (const name of ['a', 'b']) {
      const [first] = await stage.lines({ [INFO]: { name, version: '1' } });
      expect(first.method).toBe('initialize');
      expect(await stage.pids()).toContain(pid);
    }
    const [server] = (await stage.proxy.status()).servers;
    expect(server).toMatchObject({ state: 'ready' });
  });

  it(`${req('modern.state.any-connection', 'modern.state.explicit')} that asks is answered on another connection, by the state alone`, async () => {
    const stage = await Stage.begin('legacy-raw.mjs');
    const declared = { [CAPABILITIES]: { roots: {} } };
    const question = { id: 'q', method: 'roots/list' };
    const { result } = await stage.calls('ask', { question }, declared);
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { q1: { method: 'roots/list' } },
    });
    const { requestState } = result;
    const inputResponses = { q1: { roots: [{ uri: 'file:///a' }] } };
    const anew = await stage.calls('ask', { question }, declared, { inputResponses });
    expect(anew.result.resultType).toBe('input_required');
    expect(anew.result.requestState).not.toBe(requestState);
    const answered = await stage.calls('ask', { question }, declared, { requestState, inputResponses });
    expect(JSON.parse(answered.result.structuredContent.line)).toEqual({
      jsonrpc: '2.0',
      id: 'q',
      result: inputResponses.q1,
    });
    const last = { requestState: anew.result.requestState, inputResponses };
    expect((await stage.calls('ask', { question }, declared, last)).result.resultType).toBe('complete');
  });

  it(`${req('modern.state.none', 'm2l.questions.declared')} does not ask a request what another has declared`, async () => {
    const stage = await Stage.begin('legacy-raw.mjs');
    const question = { id: 'q', method: 'roots/list' };
    const asked = await stage.calls('ask', { question }, { [CAPABILITIES]: { roots: {} } });
    expect(asked.result.resultType).toBe('input_required');
    const { result } = await stage.calls('ask', { question });
    expect(result.resultType).toBe('complete');
    expect(JSON.parse(result.structuredContent.line)).toMatchObject({ id: 'q', error: { code: -32601 } });
    const inputResponses = { q1: { roots: [] } };
    const retry = { requestState: asked.result.requestState, inputResponses };
    const answered = await stage.calls('ask', { question }, { [CAPABILITIES]: { roots: {} } }, retry);
    expect(answered.result.resultType).toBe('complete');
  });

  it(`${req('modern.lists.connection')} has the same lists on every connection, whatever was asked before`, async () => {
    const stage = await Stage.begin('legacy-raw.mjs');
    const first = await stage.asks('tools/list');
    await stage.calls('echo', {}, { 'io.modelcontextprotocol/logLevel': 'debug' });
    (await stage.listens(TOOLS)).break();
    const later = await stage.asks('tools/list');
    expect(later.result).toEqual(first.result);
  });
});

it(`${req('modern.era.remembered')} a server that has become another one is asked again`, async () => {
  // Its first process is modern, the second ends of being asked, all others are legacy.
  const script = `
    const { createInterface } = await import('node:readline');
    const { appendFileSync, readFileSync } = await import('node:fs');
    appendFileSync(process.env.STARTS_FILE, '.\\n');
    const starts = readFileSync(process.env.STARTS_FILE, 'utf8').length / 2;
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (starts === 2) process.exit(3);
      const { id, method } = JSON.parse(line);
      if (id === undefined) return;
      const say = (more) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...more }) + '\\n');
      const info = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
      if (starts === 1) say({ result: { resultType: 'complete', supportedVersions: ['${MODERN}'], capabilities: {}, tools: [], starts } });
      else if (method === 'server/discover') say({ error: { code: -32601, message: 'no' } });
      else say({ result: { ...info, tools: [], starts } });
    });`;
  const stage = await Stage.begin('', {}, { args: ['--input-type=module', '-e', script] });
  expect((await stage.asks('tools/list')).result.starts).toBe(1);
  expect((await stage.proxy.status()).servers[0].era).toBe('modern');
  const [pid = 0] = await stage.pids();
  process.kill(pid, 'SIGKILL');
  await eventually(async () => ((await stage.pids()).includes(pid) ? undefined : true));
  const { result } = await stage.asks('tools/list');
  expect(result).toMatchObject({ resultType: 'complete' });
  expect(result.starts).toBeGreaterThan(2);
  expect((await stage.proxy.status()).servers[0].era).toBe('legacy');
});
