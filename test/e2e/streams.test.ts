/** Server mode, Streamable HTTP: which message goes on which stream, and how a stream is resumed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { LEGACY_SERVER, startProxy } from './harness/proxy.js';
import { http } from './harness/raw-http.js';
import { endSessions, post, RawSession } from './harness/raw-session.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
let mcp: string;

beforeAll(async () => {
  mcp = (await startProxy(scope, ['--', ...LEGACY_SERVER])).of('default').mcp;
});
afterEach(endSessions);
afterAll(() => scope.end());

describe('the answer to a POST', () => {
  it(`${req('streamable-http.post.answer-type', 'tasks.get-no-stream')} is JSON where nothing comes before the response`, async () => {
    const session = await RawSession.begin(mcp);
    const answer = await session.callTool('echo', { a: 1 });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(await answer.text())).toMatchObject({
      jsonrpc: '2.0',
      result: { structuredContent: { a: 1 } },
    });
    const created = await session.post({ id: 't', method: 'tools/call', params: { name: 'job', task: {} } });
    const { taskId } = JSON.parse(await created.text()).result.task;
    const task = await session.post({ id: 'g', method: 'tasks/get', params: { taskId } });
    expect(task.headers['content-type']).toBe('application/json');
  });

  it(`${req('streamable-http.post.answer-type', 'streamable-http.stream.has-response', 'streamable-http.stream.ends-after-response', 'progress.stops')} is a stream where something does, and ends with the response`, async () => {
    const session = await RawSession.begin(mcp);
    const answer = await session.callTool('progress', { steps: 3 }, { progressToken: 'ü-1' });
    expect([answer.status, answer.headers['content-type'], answer.headers['x-accel-buffering']]).toEqual([
      200,
      'text/event-stream',
      'no',
    ]);
    const messages = await answer.events().messages();
    expect(messages.map(({ method, params }) => [method, params?.progressToken, params?.progress])).toEqual([
      ['notifications/progress', 'ü-1', 1],
      ['notifications/progress', 'ü-1', 2],
      ['notifications/progress', 'ü-1', 3],
      [undefined, undefined, undefined],
    ]);
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { steps: 3 } } });
  });

  it.each([0, -5, 'a', '7', 2 ** 40])(
    'gives progress back the token of the call: %j',
    async (progressToken) => {
      const session = await RawSession.begin(mcp);
      const answer = await session.callTool('progress', { steps: 1 }, { progressToken });
      expect((await answer.events().messages())[0]?.params?.progressToken).toBe(progressToken);
    },
  );

  it(`${req('streamable-http.stream.primed')} begins with an event that can be resumed from, since 2025-11-25`, async () => {
    for (const version of ['2025-06-18', '2025-11-25']) {
      const session = await RawSession.begin(mcp, { version });
      const events = (await session.callTool('progress', {}, { progressToken: 1 })).events();
      await events.ended;
      const [first] = events.all;
      expect(first?.data === '', version).toBe(version === '2025-11-25');
      if (version === '2025-11-25') expect(first?.id).toMatch(/./);
    }
  });

  it(`${req('streamable-http.stream.related-only')} carries the questions of its own call, which are answered by POST`, async () => {
    const session = await RawSession.begin(mcp, { capabilities: { roots: {} } });
    const listening = await session.listen();
    const asking = (await session.callTool('ask', { method: 'roots/list', width: 2 })).events();
    for (const uri of ['file:///1', 'file:///2']) {
      const { id, method } = await asking.message();
      expect(method).toBe('roots/list');
      const accepted = await session.post({ id, result: { roots: [{ uri }] } });
      expect([accepted.status, await accepted.text()]).toEqual([202, '']);
    }
    const { result } = await asking.message();
    expect(result?.structuredContent).toMatchObject({
      answers: [{ result: { roots: [{ uri: 'file:///1' }] } }, { result: { roots: [{ uri: 'file:///2' }] } }],
    });
    expect(listening.all.filter(({ data }) => data !== '')).toEqual([]);
    listening.close();
  });

  it(`${req('streamable-http.post.accepted-202')} to a notification is 202 with no body`, async () => {
    const session = await RawSession.begin(mcp);
    const answer = await session.post({ method: 'x/notice' });
    expect([answer.status, await answer.text()]).toEqual([202, '']);
  });

  it(`${req('cancellation.no-response', 'cancellation.race')} ends without a result when the call is cancelled, and the rest goes on`, async () => {
    const session = await RawSession.begin(mcp);
    const call = {
      id: 'c',
      method: 'tools/call',
      params: { name: 'hold', arguments: { key: 'c', steps: 1 }, _meta: { progressToken: 1 } },
    };
    const events = (await session.post(call)).events();
    expect((await events.message()).method).toBe('notifications/progress');
    await session.post({ method: 'notifications/cancelled', params: { requestId: 'c', reason: 'enough' } });
    await events.ended;
    expect(events.all.filter(({ data }) => data.includes('"result"'))).toEqual([]);
    await session.post({ method: 'notifications/cancelled', params: { requestId: 'c' } });
    expect(await session.call('await-hold', { key: 'c', state: 'cancelled' })).toMatchObject({
      reasons: [{ reason: expect.stringContaining('enough') }],
    });
  });
});

describe('the GET stream', () => {
  it(`${req('streamable-http.get.unrelated-only', 'streamable-http.get.no-response', 'streamable-http.message.on-one-stream')} carries what belongs to no call, each message once`, async () => {
    const session = await RawSession.begin(mcp);
    const streams = [await session.listen(), await session.listen()];
    const answer = await session.callTool('change', { lists: ['tools', 'prompts'], later: true });
    expect(answer.headers['content-type']).toBe('application/json');
    await answer.text();
    await session.call('notify', { method: 'x/last', later: true });
    await Promise.race(streams.map((stream) => stream.seen(({ data }) => data.includes('x/last'))));
    await session.call('echo');
    const messages = streams.flatMap((stream) => stream.all).filter(({ data }) => data !== '');
    expect(messages.map(({ data }) => JSON.parse(data).method).sort()).toEqual([
      'notifications/prompts/list_changed',
      'notifications/tools/list_changed',
      'x/last',
    ]);
    for (const stream of streams) stream.close();
  });

  it('gets what the server sent before it was opened', async () => {
    const session = await RawSession.begin(mcp);
    await session.call('change', { lists: ['resources'], later: true });
    const stream = await session.listen();
    expect((await stream.message()).method).toBe('notifications/resources/list_changed');
    stream.close();
  });
});

describe('a connection that is lost', () => {
  it(`${req('streamable-http.disconnect.no-cancel', 'streamable-http.replay.same-stream-only', 'streamable-http.event-id.names-stream')} loses nothing: the call goes on, and its stream is resumed`, async () => {
    const session = await RawSession.begin(mcp);
    const listening = await session.listen();
    const answer = await session.callTool('hold', { key: 'lost', steps: 2 }, { progressToken: 1 });
    const events = answer.events();
    await events.next();
    const { id: last } = await events.next();
    answer.abort();
    await events.ended;
    await session.call('change', { lists: ['tools'], later: true });
    await listening.next();
    await session.call('release', { key: 'lost' });
    const resumed = await session.listen(last);
    const messages = await resumed.messages();
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ id: 1, result: { structuredContent: { state: 'released' } } });
    listening.close();
  });

  it('is resumed from the first event too, while the call is open', async () => {
    const session = await RawSession.begin(mcp);
    const answer = await session.callTool('hold', { key: 'primed', steps: 2 }, { progressToken: 1 });
    const events = answer.events();
    await events.next();
    answer.abort();
    const resumed = await session.listen(events.all[0]?.id);
    expect((await resumed.message()).params?.progress).toBe(1);
    expect((await resumed.message()).params?.progress).toBe(2);
    await session.call('release', { key: 'primed' });
    expect((await resumed.message()).result).toMatchObject({ structuredContent: { state: 'released' } });
    await resumed.ended;
  });

  it('of the GET stream is resumed with what came in between', async () => {
    const session = await RawSession.begin(mcp);
    const listening = await session.listen();
    await session.call('notify', { method: 'x/1', later: true });
    const { id } = await listening.next();
    listening.close();
    await listening.ended;
    await session.call('notify', { method: 'x/2', later: true });
    const resumed = await session.listen(id);
    expect((await resumed.message()).method).toBe('x/2');
    resumed.close();
  });

  it(`${req('streamable-http.event-id.unique')} an event id is used once in a session`, async () => {
    const session = await RawSession.begin(mcp);
    const listening = await session.listen();
    const ids: (string | undefined)[] = [];
    for (let n = 0; n < 5; n += 1) {
      const events = (await session.callTool('progress', { steps: 3 }, { progressToken: n })).events();
      await session.call('notify', { method: 'x/n', later: true });
      await events.ended;
      ids.push(...events.all.map((event) => event.id));
      await listening.next();
    }
    ids.push(...listening.all.map((event) => event.id));
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
    listening.close();
  });
});

describe('without sessions', () => {
  it('every POST stands alone, and there is no GET', async () => {
    const { mcp: url } = (await startProxy(scope, ['--stateless', '--', ...LEGACY_SERVER])).of('default');
    const answer = await post(url, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    expect(JSON.parse(await answer.text()).result.tools).toHaveLength(2);
    expect((await http(url, { headers: { accept: 'text/event-stream' } })).status).toBe(405);
    expect((await http(url, { method: 'DELETE' })).status).toBe(405);
  });
});
