/** Server mode, Streamable HTTP: what a client sees on the wire. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { LEGACY_SERVER, type StartedProxy, startProxy } from './harness/proxy.js';
import { http } from './harness/raw-http.js';
import { endSessions, initialize, post, RawSession } from './harness/raw-session.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
let proxy: StartedProxy;
let mcp: string;

beforeAll(async () => {
  proxy = await startProxy(scope, ['--', ...LEGACY_SERVER]);
  mcp = proxy.of('default').mcp;
});
afterEach(endSessions);
afterAll(() => scope.end());

describe('the endpoint', () => {
  it(`${req('streamable-http.endpoint.one-path', 'streamable-http.get.stream-or-405')} takes POST and GET, with and without a slash at its end`, async () => {
    for (const url of [mcp, `${mcp}/`]) {
      const session = await RawSession.begin(url);
      const stream = await session.listen();
      stream.close();
      expect((await session.end()).status).toBe(200);
    }
  });

  it(`${req('streamable-http.compatibility.old-endpoints')} stands next to those of HTTP+SSE`, async () => {
    const answer = await http(proxy.of('default').sse, { headers: { accept: 'text/event-stream' } });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream']);
    answer.abort();
  });

  it.runIf(process.platform === 'linux')(
    `${req('streamable-http.bind.localhost', 'sse.bind.localhost')} listens on the loopback address only`,
    async () => {
      expect(new URL(mcp).hostname).toBe('127.0.0.1');
      await expect(http(mcp.replace('127.0.0.1', '127.0.0.2'))).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
    },
  );

  it(`${req('streamable-http.origin.validated', 'streamable-http.origin.invalid-403')} refuses pages of other origins`, async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      'http://localhost.evil.example',
    ]) {
      expect((await post(mcp, initialize({}), { origin })).status, origin).toBe(403);
      expect((await http(mcp, { headers: { origin, accept: 'text/event-stream' } })).status, origin).toBe(
        403,
      );
    }
    expect((await post(mcp, initialize({}), { origin: new URL(mcp).origin })).status).toBe(200);
  });

  it('refuses a Host that is not its own', async () => {
    const answer = await post(mcp, initialize({}), { host: 'evil.example' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it('says which methods it takes', async () => {
    for (const method of ['PUT', 'PATCH']) expect((await http(mcp, { method })).status).toBe(405);
  });
});

describe('a POST that cannot be taken', () => {
  const jsonError = async (answer: Awaited<ReturnType<typeof post>>) => {
    expect(answer.headers['content-type']).toContain('application/json');
    return JSON.parse(await answer.text());
  };

  it.each([
    ['no JSON', '{"jsonrpc":', {}, 400, -32700],
    ['not UTF-8 in a Latin-1 sense', '{"a": tru}', {}, 400, -32700],
    ['not JSON-RPC', '{"hello":1}', {}, 400, -32600],
    ['a scalar', '7', {}, 400, -32600],
    ['an empty batch', '[]', {}, 400, -32600],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', {}, 400, -32600],
    ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', {}, 400, -32600],
    ['another version of JSON-RPC', '{"jsonrpc":"1.0","id":1,"method":"ping"}', {}, 400, -32600],
  ])(
    `${req('base.error.code-and-message', 'base.error.code-integer', 'base.json-rpc', 'base.request.id-not-null')} %s`,
    async (_, body, headers, status, code) => {
      const session = await RawSession.begin(mcp);
      const answer = await session.postText(body, headers);
      expect(answer.status).toBe(status);
      expect(await jsonError(answer)).toMatchObject({
        jsonrpc: '2.0',
        error: { code, message: expect.stringMatching(/\w/) },
      });
    },
  );

  it.each([
    ['a content type that is not JSON', { 'content-type': 'text/plain' }, 415],
    ['no content type', { 'content-type': '' }, 415],
    ['an Accept that admits no answer', { accept: 'text/html' }, 406],
  ])('%s', async (_, headers, status) => {
    const answer = await post(mcp, initialize({}), headers);
    expect(answer.status).toBe(status);
    expect(await jsonError(answer)).toMatchObject({ error: { code: expect.any(Number) } });
  });

  it(`${req('streamable-http.post.refused-4xx')} a response that nobody waits for`, async () => {
    const session = await RawSession.begin(mcp);
    const answer = await session.post({ id: 'nobody', result: {} });
    expect(answer.status).toBe(400);
    expect((await session.call('echo', { on: 1 })).on).toBe(1);
  });

  it(`${req('base.error.same-id')} an id that is in use; the first call goes on`, async () => {
    const session = await RawSession.begin(mcp);
    const call = { id: 'twice', method: 'tools/call', params: { name: 'hold', arguments: { key: 'twice' } } };
    const first = session.post(call);
    await session.call('await-hold', { key: 'twice', state: 'open' });
    const second = await session.post(call);
    expect(second.status).toBe(400);
    await session.call('release', { key: 'twice' });
    expect(JSON.parse(await (await first).text())).toMatchObject({
      id: 'twice',
      result: { structuredContent: { state: 'released' } },
    });
  });

  it('a body above the limit, with an error that names it', async () => {
    const session = await RawSession.begin(mcp);
    const text = 'x'.repeat(64 * 1024 * 1024);
    const answer = await session.postText(
      `{"jsonrpc":"2.0","id":1,"method":"x","params":{"text":"${text}"}}`,
    );
    expect(answer.status).toBe(413);
    expect(JSON.parse(await answer.text())).toMatchObject({
      error: { message: expect.stringMatching(/\d{8}/) },
    });
  });
});

describe('a session', () => {
  it(`${req('streamable-http.session.id-secure', 'streamable-http.session.id-visible-ascii')} has an id that is unique and cannot be guessed`, async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => RawSession.begin(mcp)));
    const ids = sessions.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{22,}$/);
  });

  it(`${req('streamable-http.session.missing-400')} is needed for everything but initialize`, async () => {
    expect((await post(mcp, '{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(400);
    expect((await post(mcp, '{"jsonrpc":"2.0","method":"notifications/initialized"}')).status).toBe(400);
    expect((await http(mcp, { headers: { accept: 'text/event-stream' } })).status).toBe(400);
    expect((await http(mcp, { method: 'DELETE' })).status).toBe(400);
  });

  it(`${req('streamable-http.session.unknown-404')} is gone after DELETE`, async () => {
    const session = await RawSession.begin(mcp);
    expect((await session.end()).status).toBe(200);
    expect((await session.post({ id: 1, method: 'ping' })).status).toBe(404);
    expect((await session.end()).status).toBe(404);
    await expect(session.listen()).rejects.toThrow('404');
    const never = { 'mcp-session-id': 'never-was' };
    expect((await post(mcp, '{"jsonrpc":"2.0","id":1,"method":"ping"}', never)).status).toBe(404);
  });

  it(`${req('streamable-http.version.invalid-400')} takes no version that nobody knows`, async () => {
    const session = await RawSession.begin(mcp);
    const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    for (const version of ['nonsense', '2099-01-01', '']) {
      const answer = await http(mcp, {
        method: 'POST',
        headers: {
          ...session.headers,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': version,
        },
        body: ping,
      });
      expect(answer.status, JSON.stringify(version)).toBe(400);
    }
  });

  it(`${req('streamable-http.version.assumed')} goes on without the version header`, async () => {
    for (const version of ['2025-03-26', '2025-06-18', '2025-11-25']) {
      const session = await RawSession.begin(mcp, { version });
      const answer = await session.postText('{"jsonrpc":"2.0","id":1,"method":"ping"}', {
        'mcp-protocol-version': '',
      });
      expect([answer.status, JSON.parse(await answer.text())]).toEqual([
        200,
        { jsonrpc: '2.0', id: 1, result: {} },
      ]);
    }
  });
});

describe('what is not touched', () => {
  it.each(['0', '-1', '7', '9007199254740993', '"a"', '""', '"7"', '"ü\\u0041\\n"'])(
    `${req('base.result.same-id', 'base.request.id-type', 'base.result.has-result')} the id %s`,
    async (id) => {
      const session = await RawSession.begin(mcp);
      const answer = await (await session.postText(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).text();
      expect(JSON.parse(answer)).toEqual({ jsonrpc: '2.0', id: JSON.parse(id), result: {} });
      expect(answer).toContain(
        id.startsWith('"') ? JSON.stringify(JSON.parse(id)).slice(1, 2) : `"id":${id}`,
      );
    },
  );

  it('numbers beyond 2^53 and members that nobody knows', async () => {
    const session = await RawSession.begin(mcp);
    const text = '{"n":9007199254740993,"f":1.10,"e":1E400,"same":1,"same":2}';
    const more = ',"x-top":{"n":12345678901234567890}';
    const answer = await (await session.callTool('raw', { text, more })).text();
    expect(answer).toContain(`"result":${text}${more}`);
  });

  it('the same in an event stream', async () => {
    const session = await RawSession.begin(mcp);
    const line = '{"jsonrpc":"2.0","method":"x/raw","params":{"n":9007199254740993},"x-top":[1.0]}';
    const stream = await session.listen();
    await session.call('write-line', { line, later: true });
    expect((await stream.next()).data).toBe(line);
    stream.close();
  });
});

describe('the stdin of the server', () => {
  it(`${req('stdio.stdin-only-messages', 'stdio.no-embedded-newline')} gets one message on each line, however it was POSTed`, async () => {
    const session = await RawSession.begin(mcp);
    const pretty = JSON.stringify(
      { jsonrpc: '2.0', id: 'p', method: 'tools/call', params: { name: 'echo', arguments: { a: 'x\ny' } } },
      null,
      '\t',
    ).replaceAll('\n', '\r\n');
    const answer = await session.postText(`\n${pretty}\n\n`);
    expect(JSON.parse(await answer.text())).toMatchObject({
      id: 'p',
      result: { structuredContent: { a: 'x\ny' } },
    });
    for (const wrong of ['{"a":', '{"jsonrpc":"2.0"}\n{"jsonrpc":"2.0","method":"x"}', 'null', '{}']) {
      expect((await session.postText(wrong)).status).toBe(400);
    }
    expect((await session.call('who')).unreadable).toEqual([]);
  });
});

describe('a batch', () => {
  const call = (id: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'echo', arguments: { id } },
  });

  it(`${req('base.batch.received', 'streamable-http.batch.answer-type', 'streamable-http.batch.response-each', 'streamable-http.stream.not-closed-early')} gets every answer`, async () => {
    const session = await RawSession.begin(mcp, { version: '2025-03-26' });
    const notification = { jsonrpc: '2.0', method: 'x/notice' };
    const answer = await session.postText(JSON.stringify([call(1), notification, call(2), call(3)]));
    expect(answer.status).toBe(200);
    const answers = answer.headers['content-type']?.startsWith('application/json')
      ? JSON.parse(await answer.text())
      : (await answer.events().messages()).flat();
    expect(answers).toHaveLength(3);
    for (const id of [1, 2, 3]) {
      expect(answers).toContainEqual(
        expect.objectContaining({ id, result: expect.objectContaining({ structuredContent: { id } }) }),
      );
    }
  });

  it(`${req('streamable-http.batch.response-each')} gets every answer on its stream, with what came before`, async () => {
    const session = await RawSession.begin(mcp, { version: '2025-03-26' });
    const progress = { name: 'progress', arguments: { steps: 2 }, _meta: { progressToken: 'p' } };
    const body = [call(1), { jsonrpc: '2.0', id: 2, method: 'tools/call', params: progress }];
    const answer = await session.postText(JSON.stringify(body));
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const messages = (await answer.events().messages()).flat();
    expect(messages.filter(({ method }) => method === 'notifications/progress')).toHaveLength(2);
    expect(
      messages
        .map(({ id }) => id)
        .filter((id) => id !== undefined)
        .sort(),
    ).toEqual([1, 2]);
  });

  it(`${req('streamable-http.batch.accepted-202')} without a request is accepted`, async () => {
    const session = await RawSession.begin(mcp, { version: '2025-03-26' });
    const notification = { jsonrpc: '2.0', method: 'x/batched' };
    const answer = await session.postText(JSON.stringify([notification, notification]));
    expect([answer.status, await answer.text()]).toEqual([202, '']);
    expect((await session.call('seen', { method: 'x/batched', count: 2 })).messages).toHaveLength(2);
  });

  it('is no part of later versions', async () => {
    for (const version of ['2025-06-18', '2025-11-25']) {
      const session = await RawSession.begin(mcp, { version });
      expect((await session.postText(JSON.stringify([call(1)]))).status).toBe(400);
    }
  });
});
