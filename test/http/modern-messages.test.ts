/** What is no message of the modern era, over raw HTTP: how it is refused, and that no server hears of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Bodies } from '../../src/http/body.js';
import { req } from '../requirements.js';
import { post } from './harness/client.js';
import { exchange } from './harness/http.js';
import {
  closeEndpoints,
  META,
  MODERN,
  modernBody,
  modernHeaders,
  type PlayedEndpoint,
  startEndpoint,
} from './harness/modern.js';
import { closeAll, start } from './harness/proxy.js';

let endpoint: PlayedEndpoint;
beforeAll(async () => {
  endpoint = await startEndpoint({ bodies: new Bodies(10_000) });
  endpoint.door.answer = () => ({ result: { resultType: 'complete' } });
});
beforeEach(() => {
  endpoint.door.links.length = 0;
  endpoint.door.notified.length = 0;
});
afterAll(async () => {
  await closeEndpoints();
  await closeAll();
});

/** A modern request with members of it replaced, as text. */
function odd(members: object): string {
  return JSON.stringify({ ...JSON.parse(modernBody(1, 'x/y')), ...members });
}

const NOT_UTF8 = Buffer.from(modernBody(1, 'x/y', { text: 'é' }), 'latin1');

describe('a body that is no message', () => {
  it.each<[string, string | Buffer, number]>([
    ['no JSON', '{"jsonrpc":', -32700],
    ['nothing', '', -32700],
    ['two messages on two lines', `${modernBody(1, 'x/y')}\n${modernBody(2, 'x/y')}`, -32700],
    ['no UTF-8', NOT_UTF8, -32700],
    ['another JSON-RPC', odd({ jsonrpc: '1.0' }), -32600],
    ['no JSON-RPC', odd({ jsonrpc: undefined }), -32600],
    ['the id null', odd({ id: null }), -32600],
    ['the id true', odd({ id: true }), -32600],
    ['an id that is an object', odd({ id: {} }), -32600],
    ['a method that is none', odd({ method: 7 }), -32600],
    ['params that are a list', odd({ params: [] }), -32600],
    ['a call and an answer at once', odd({ result: {} }), -32600],
    ['a batch', `[${modernBody(1, 'x/y')}]`, -32600],
    ['a list of nothing', '[]', -32600],
    ['an answer', JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }), -32600],
    ['an error', JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } }), -32600],
  ])(
    `${req('modern.json-rpc', 'modern.utf-8', 'modern.request.id', 'modern.error.shape', 'modern-http.server.error-without-id')} is refused, with an error that names no request: %s`,
    async (_, body, code) => {
      const answer = await post(endpoint.url, body, { headers: modernHeaders('x/y') });
      expect(answer.status).toBe(400);
      expect(answer.headers['content-type']).toBe('application/json');
      const error = JSON.parse(answer.body);
      expect(error).toEqual({ jsonrpc: '2.0', error: { code, message: expect.stringMatching(/./) } });
      expect(Number.isInteger(error.error.code)).toBe(true);
      expect([endpoint.door.links, endpoint.door.notified]).toEqual([[], []]);
    },
  );

  it.each<[number, Record<string, string>, string]>([
    [415, { 'content-type': 'text/plain' }, modernBody(1, 'x/y')],
    [415, { 'content-encoding': 'gzip' }, modernBody(1, 'x/y')],
    [413, {}, modernBody(1, 'x/y', { text: 'x'.repeat(20_000) })],
    [406, { accept: 'text/html' }, modernBody(1, 'x/y')],
  ])(
    `${req('modern-http.server.error-without-id')} or is not looked into is refused with %i`,
    async (status, more, body) => {
      const answer = await post(endpoint.url, body, { headers: { ...modernHeaders('x/y'), ...more } });
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).not.toHaveProperty('id');
      expect(endpoint.door.links).toEqual([]);
    },
  );

  it(`${req('modern-http.server.error-without-id')} is refused without an id to pages of other origins, and where GET and DELETE are`, async () => {
    const { url } = await start();
    const headers = { ...modernHeaders('x/y'), origin: 'http://evil.example' };
    const page = await post(`${url}/mcp`, modernBody(1, 'x/y'), { headers });
    expect([page.status, Object.keys(JSON.parse(page.body))]).toEqual([403, ['jsonrpc', 'error']]);
    for (const method of ['GET', 'DELETE']) {
      const answer = await exchange(endpoint.url, { method, headers: { 'mcp-protocol-version': MODERN } });
      expect([answer.status, Object.keys(JSON.parse(answer.body))]).toEqual([405, ['jsonrpc', 'error']]);
    }
  });

  it('is refused with the id null, as ever, to who names no modern version', async () => {
    for (const version of [undefined, '2025-06-18', '2099-01-01']) {
      const headers = version === undefined ? {} : { 'mcp-protocol-version': version };
      const answer = await post(endpoint.url, '{"jsonrpc":', { headers });
      expect([answer.status, JSON.parse(answer.body).id]).toEqual([400, null]);
    }
  });
});

describe('a request', () => {
  it.each([0, -1, 7, '', '7', 'a b'])(
    `${req('modern.result.same-id', 'modern.request.id')} has the id of its client in its answer: %j`,
    async (id) => {
      const answer = await post(endpoint.url, modernBody(id, 'x/y'), { headers: modernHeaders('x/y') });
      expect(JSON.parse(answer.body)).toMatchObject({ id, result: { resultType: 'complete' } });
    },
  );

  it.each(['loud', 'INFO', 7])(
    `${req('modern.log.level-refused')} with the log level %j, which is none, is refused`,
    async (level) => {
      const _meta = { ...META, 'io.modelcontextprotocol/logLevel': level };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x/y', params: { _meta } });
      const answer = await post(endpoint.url, body, { headers: modernHeaders('x/y') });
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
        400,
        { id: 1, error: { code: -32602 } },
      ]);
      expect(endpoint.door.links).toEqual([]);
    },
  );
});

it(`${req('modern.notification.no-response')} a notification that is taken gets no message back`, async () => {
  const note = JSON.stringify({ jsonrpc: '2.0', method: 'x/y', params: { _meta: META } });
  const headers = { 'mcp-protocol-version': MODERN };
  const answer = await post(endpoint.url, note, { headers });
  expect([answer.status, answer.body]).toEqual([202, '']);
  expect(endpoint.door.notified).toHaveLength(1);
});
