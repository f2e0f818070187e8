/** One modern request over HTTP, from the octets of the client to the link of its server and back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { post } from './harness/client.js';
import {
  ask,
  closeEndpoints,
  META,
  MODERN,
  modernBody,
  modernHeaders,
  type PlayedEndpoint,
  startEndpoint,
  stream,
} from './harness/modern.js';

const progress = (n: number): object => ({
  method: 'notifications/progress',
  params: { progressToken: 't', progress: n },
});
const DONE = { result: { resultType: 'complete', content: [] } };
const failed = (code: number): object => ({ error: { code, message: 'no' } });

let endpoint: PlayedEndpoint;
beforeAll(async () => {
  endpoint = await startEndpoint();
});
afterAll(closeEndpoints);

describe('the answer', () => {
  it(`${req('modern-http.server.endpoint', 'modern-http.server.answer-type')} is plain JSON where it comes first`, async () => {
    const asked = ask(endpoint.url, 'tools/call', { name: 'a' });
    const link = await endpoint.door.next();
    expect(link.received).toEqual([modernBody(1, 'tools/call', { name: 'a' })]);
    expect(link.envelope).toEqual({
      version: MODERN,
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
      logLevel: undefined,
    });
    link.answers(DONE);
    const answer = await asked;
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers).not.toHaveProperty('mcp-session-id');
    expect(JSON.parse(answer.body)).toEqual({ jsonrpc: '2.0', id: 1, ...DONE });
    expect(await link.closed).toMatchObject({ kind: 'ended' });
    link.answers(DONE);
    link.says(progress(1));
    link.goes({ kind: 'failed', text: 'too late' });
    expect(link.closings).toBe(1);
  });

  it(`${req('modern-http.server.stream.related', 'modern-http.server.stream.response-ends', 'modern-http.server.stream.no-buffering')} is the end of a stream where something comes before it`, async () => {
    const opening = stream(endpoint.url, 'tools/call', { name: 'a' });
    const link = await endpoint.door.next();
    link.says(progress(1));
    const opened = await opening;
    expect(opened.status).toBe(200);
    expect(opened.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
      'cache-control': expect.stringContaining('no-cache'),
    });
    link.says({ method: 'notifications/message', params: { level: 'info', data: 'é' } });
    link.answers(DONE);
    await opened.ended();
    expect(opened.messages.map(({ method, id }) => method ?? id)).toEqual([
      'notifications/progress',
      'notifications/message',
      1,
    ]);
    // Nothing to resume from, and nothing that says when to come back.
    expect(opened.items.every((item) => item.kind === 'event' && item.id === undefined)).toBe(true);
    expect(await link.closed).toMatchObject({ kind: 'ended' });
  });

  it(`${req('modern-http.server.stream.no-requests')} comes without what no modern client can be asked, and without what answers nobody`, async () => {
    const asked = ask(endpoint.url, 'tools/call', { name: 'a' });
    const link = await endpoint.door.next();
    link.says({ id: 9, method: 'elicitation/create', params: {} });
    link.says({ method: 'notifications/cancelled', params: { requestId: 1 } });
    link.says({ id: 2, result: {} });
    link.says({ id: null, error: { code: 1, message: 'x' } });
    link.answers(DONE);
    expect((await asked).headers['content-type']).toBe('application/json');
  });

  it.each([
    ['-32601', 404],
    ['-32020', 400],
    ['-32021', 400],
    ['-32022', 400],
    ['-32602', 200],
    ['-32603', 200],
    ['-32600', 200],
    ['-32700', 200],
    ['-32002', 200],
    ['404', 200],
  ])(
    `${req('modern-http.server.method.unknown-404', 'modern-http.server.meta.capability-400', 'modern-http.server.errors-in-band', 'modern-http.server.error-id')} that is the error %s has the status %i`,
    async (code, status) => {
      for (const id of [7, 'a', '7']) {
        const asked = post(endpoint.url, modernBody(id, 'x/y'), { headers: modernHeaders('x/y') });
        const link = await endpoint.door.next();
        link.answers(failed(Number(code)));
        const answer = await asked;
        expect(answer.status).toBe(status);
        expect(JSON.parse(answer.body)).toEqual({ jsonrpc: '2.0', id, ...failed(Number(code)) });
      }
    },
  );

  it('that is an error on a stream is an event like any other', async () => {
    const opening = stream(endpoint.url, 'x/y');
    const link = await endpoint.door.next();
    link.says(progress(1));
    link.answers(failed(-32601));
    const opened = await opening;
    expect(await opened.message(2)).toMatchObject({ id: 1, error: { code: -32601 } });
    await opened.ended();
  });

  it.each(['application/json', 'application/json, text/event-stream;q=0'])(
    'for Accept: %s is JSON, and nothing else is sent',
    async (accept) => {
      const asked = ask(endpoint.url, 'x/y', {}, { headers: { accept } });
      const link = await endpoint.door.next();
      link.says(progress(1));
      link.answers(DONE);
      const answer = await asked;
      expect(answer.headers['content-type']).toBe('application/json');
      expect(JSON.parse(answer.body)).toMatchObject(DONE);
    },
  );

  it('for Accept: text/event-stream is an event, except for an error with a status of its own', async () => {
    const only = { headers: { accept: 'text/event-stream' } };
    const asked = ask(endpoint.url, 'x/y', {}, only);
    (await endpoint.door.next()).answers(DONE);
    const answer = await asked;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.body).toContain('"resultType":"complete"');
    const wrong = ask(endpoint.url, 'x/y', {}, only);
    (await endpoint.door.next()).answers(failed(-32601));
    expect(await wrong).toMatchObject({ status: 404, headers: { 'content-type': 'application/json' } });
  });

  it('for an Accept that admits neither is 406', async () => {
    const answer = await ask(endpoint.url, 'x/y', {}, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(406);
  });

  it('keeps every octet of the request and of the answer', async () => {
    const text = Buffer.from(
      `{"jsonrpc":"2.0","id":1.0,"method":"x/y","params":{"n":12345678901234567890,"é":"\\u00e9","_meta":${JSON.stringify(META)}},"more":1}`,
    );
    const asked = post(endpoint.url, text, { headers: modernHeaders('x/y') });
    const link = await endpoint.door.next();
    expect(link.received).toEqual([text.toString('latin1')]);
    link.says({ id: 1, result: { big: 1, é: 'ü' } });
    expect((await asked).body).toBe('{"jsonrpc":"2.0","id":1,"result":{"big":1,"é":"ü"}}');
  });
});

describe('a silent request', () => {
  it(`${req('modern-http.server.stream.keep-alive')} becomes a stream, and is fed`, async () => {
    const quick = await startEndpoint({ silence: 15 });
    const opening = stream(quick.url, 'tools/call', { name: 'slow' });
    const link = await quick.door.next();
    const opened = await opening;
    expect(await opened.next()).toMatchObject({ kind: 'comment' });
    expect(await opened.next()).toMatchObject({ kind: 'comment' });
    link.answers(DONE);
    await opened.ended();
    expect(opened.messages).toEqual([{ jsonrpc: '2.0', id: 1, ...DONE }]);
    expect(quick.heartbeat.size).toBe(0);
  });

  it('stays JSON for a client that takes nothing else', async () => {
    const quick = await startEndpoint({ silence: 5 });
    const asked = ask(quick.url, 'x/y', {}, { headers: { accept: 'application/json' } });
    const link = await quick.door.next();
    const other = await stream(quick.url, 'x/y');
    expect(await other.next()).toMatchObject({ kind: 'comment' });
    link.answers(DONE);
    expect((await asked).headers['content-type']).toBe('application/json');
    other.break();
  });

  it("whose server then can't be had ends with an error on its stream", async () => {
    const quick = await startEndpoint({ silence: 5 });
    let fail: (error: Error) => void = () => undefined;
    quick.door.instead = () =>
      new Promise((_, reject) => {
        fail = reject;
      });
    const opened = await stream(quick.url, 'x/y');
    fail(new Error('the server did not start'));
    expect(await opened.message(1)).toMatchObject({
      id: 1,
      error: { code: -32603, message: 'the server did not start' },
    });
    await opened.ended();
  });
});
