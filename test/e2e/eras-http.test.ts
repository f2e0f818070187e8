/** Server mode: modern requests on the wire, to a server of either era: how they are cancelled, and what a retry must bring. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unique } from './cases/case.js';
import { asJson, type Json } from './harness/client.js';
import { LEGACY_SERVER, MODERN_SERVER, type StartedProxy, startProxy } from './harness/proxy.js';
import type { Message } from './harness/raw-http.js';
import { type ModernOptions, messagesOf, modernCall, modernPost, responseOf } from './harness/raw-modern.js';
import { Scope } from './harness/scope.js';

const ROOTS: ModernOptions = { capabilities: { roots: {} } };

/** The structuredContent of what a tool answers. */
async function call(url: string, name: string, args: object = {}, options?: ModernOptions): Promise<Json> {
  const { result, error } = await responseOf(await modernCall(url, name, args, options));
  if (result === undefined) throw new Error(`${name}: ${JSON.stringify(error)}`);
  return asJson(result.structuredContent);
}

describe.each([
  ['legacy', LEGACY_SERVER],
  ['modern', MODERN_SERVER],
] as const)('a server of the %s era', (_, command) => {
  const scope = new Scope();
  let mcp: string;
  beforeAll(async () => {
    mcp = (await startProxy(scope, ['--', ...command])).of('default').mcp;
  });
  afterAll(() => scope.end());

  it('hears of a client that closes the stream of its answer', async () => {
    const key = unique('closed');
    const answer = await modernCall(mcp, 'hold', { key, steps: 2 }, { progressToken: 'ü' });
    const events = answer.events();
    expect(await events.message()).toMatchObject({ params: { progressToken: 'ü', progress: 1 } });
    answer.abort();
    expect(await call(mcp, 'await-hold', { key, state: 'cancelled' })).toMatchObject({ state: 'cancelled' });
  });

  it('hears of a client that goes before anything came', async () => {
    const key = unique('gone');
    const gone = new AbortController();
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call' };
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw-modern', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const asked = fetch(mcp, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'hold',
      },
      body: JSON.stringify({ ...body, params: { name: 'hold', arguments: { key }, _meta } }),
      signal: gone.signal,
    });
    asked.catch(() => undefined);
    await call(mcp, 'await-hold', { key, state: 'open' });
    gone.abort();
    expect(await call(mcp, 'await-hold', { key, state: 'cancelled' })).toMatchObject({ state: 'cancelled' });
  });

  it('logs to the requests that ask for it, each at its own level, and to no other', async () => {
    // A legacy server that may still be at work for a call that was given up might mean that one: this client is another.
    const clientName = 'logged';
    const levels = async (logLevel?: string) => {
      const options = logLevel === undefined ? { clientName } : { clientName, logLevel };
      const messages = await messagesOf(await modernCall(mcp, 'log', { data: 'x' }, options));
      return messages.slice(0, -1).map(({ params }) => params?.level);
    };
    expect(await levels('critical')).toEqual(['critical', 'alert', 'emergency']);
    expect(await levels()).toEqual([]);
    expect(await levels('alert')).toEqual(['alert', 'emergency']);
    expect(await levels('error')).toEqual(['error', 'critical', 'alert', 'emergency']);
  });

  it('tells a stream that listens what it asked for, and ends with it', async () => {
    const listening = await modernPost(mcp, 'subscriptions/listen', {
      notifications: { promptsListChanged: true },
    });
    const events = listening.events();
    expect(await events.message()).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { promptsListChanged: true } },
    });
    await call(mcp, 'change');
    const { method, params } = await events.message();
    expect(method).toBe('notifications/prompts/list_changed');
    expect(params?._meta).toEqual({ 'io.modelcontextprotocol/subscriptionId': 1 });
    listening.abort();
  });
});

describe('a call that takes long', () => {
  const scope = new Scope();
  afterAll(() => scope.end());

  it.concurrent.each([
    ['legacy', LEGACY_SERVER],
    ['modern', MODERN_SERVER],
  ] as const)('gets a stream, so that nobody cuts the connection: %s server', async (_, command) => {
    const { mcp } = (await startProxy(scope, ['--', ...command])).of('default');
    const key = unique('long');
    const answer = await modernCall(mcp, 'hold', { key });
    // Nothing has come yet: the time did it.
    expect(answer.headers['content-type']).toBe('text/event-stream');
    await call(mcp, 'release', { key });
    expect(await messagesOf(answer)).toMatchObject([
      { result: { structuredContent: { key, state: 'released' } } },
    ]);
  });
});

describe('a call that waits for its client, at a server of the legacy era', () => {
  const scope = new Scope();
  let proxy: StartedProxy;
  let mcp: string;
  beforeAll(async () => {
    proxy = await startProxy(scope, ['--', ...LEGACY_SERVER]);
    mcp = proxy.of('default').mcp;
  });
  afterAll(() => scope.end());

  interface Parked {
    readonly args: object;
    readonly requestState: string;
    readonly keys: readonly string[];
  }

  async function ask(url = mcp): Promise<Parked> {
    const args = { method: 'roots/list', key: unique('asked') };
    const { result } = await responseOf(await modernCall(url, 'ask', args, ROOTS));
    expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
    return {
      args,
      requestState: String(result?.requestState),
      keys: Object.keys(asJson(result?.inputRequests)),
    };
  }

  const answersTo = ({ keys }: Parked) =>
    Object.fromEntries(keys.map((key) => [key, { roots: [{ uri: 'file:///mine' }] }]));

  /** Goes on with a call; `changed` replaces parts of what belongs to it. */
  async function retry(
    parked: Parked,
    changed: Partial<Parked & { url: string; tool: string }> = {},
  ): Promise<Message> {
    const { url = mcp, tool = 'ask', args = parked.args, requestState = parked.requestState } = changed;
    const more = { inputResponses: answersTo(parked), requestState };
    return responseOf(await modernCall(url, tool, args, { ...ROOTS, id: 2, more }));
  }

  const DONE = { structuredContent: { answers: [{ result: { roots: [{ uri: 'file:///mine' }] } }] } };

  async function status(): Promise<Json> {
    const { servers } = asJson(await (await fetch(`${proxy.url}/status`)).json());
    return asJson((servers as unknown[])[0]);
  }

  it('goes on with the state and the answers; both are told of in /status meanwhile', async () => {
    const parked = await ask();
    expect(await status()).toMatchObject({ parked_calls: 1 });
    expect((await retry(parked)).result).toMatchObject(DONE);
    expect(await status()).toMatchObject({ parked_calls: 0 });
  });

  it.each([
    [
      'altered',
      ({ requestState: state }: Parked) => ({
        requestState: `${state.startsWith('p') ? 'a' : 'p'}${state.slice(1)}`,
      }),
    ],
    ['cut', ({ requestState }: Parked) => ({ requestState: requestState.slice(0, -2) })],
    ['with the end of another', ({ requestState }: Parked) => ({ requestState: `${requestState}AA` })],
    ['made up', () => ({ requestState: 'p.zzzzzzzz.x.y.z' })],
    ['empty', () => ({ requestState: '' })],
    ['for other arguments', () => ({ args: { method: 'roots/list', key: 'another' } })],
    ['for another tool', () => ({ tool: 'echo' })],
  ])('refuses a state that is %s, and still takes the right one', async (_, change) => {
    const parked = await ask();
    expect((await retry(parked, change(parked))).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('requestState'),
    });
    expect((await retry(parked)).result).toMatchObject(DONE);
  });

  it('refuses the state of another call, and one that was used', async () => {
    const [one, other] = [await ask(), await ask()];
    expect((await retry(one, { requestState: other.requestState })).error).toMatchObject({ code: -32602 });
    for (const parked of [one, other]) expect((await retry(parked)).result).toMatchObject(DONE);
    expect((await retry(one)).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('requestState'),
    });
  });

  it('refuses the state of another proxy', async () => {
    const url = (await startProxy(scope, ['--', ...LEGACY_SERVER])).of('default').mcp;
    const foreign = await ask(url);
    expect((await retry(foreign)).error).toMatchObject({ code: -32602 });
    expect((await retry(foreign, { url })).result).toMatchObject(DONE);
  });

  it('is given up when the proxy stops, which it does not hold up', async () => {
    const own = await startProxy(scope, ['--', ...LEGACY_SERVER]);
    await ask(own.of('default').mcp);
    const begun = performance.now();
    own.program.kill('SIGTERM');
    expect(await own.program.ended).toEqual({ code: 0, signal: null });
    // The time that is given to what is under way is 5 s.
    expect(performance.now() - begun).toBeLessThan(4500);
  });
});
