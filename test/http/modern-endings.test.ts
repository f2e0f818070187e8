/** How a modern request over HTTP ends, other than by its answer: who goes, and who is told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AtCapacity } from '../../src/servers/at-capacity.js';
import { req } from '../requirements.js';
import { send } from './harness/http.js';
import {
  ask,
  closeEndpoints,
  modernBody,
  modernHeaders,
  type PlayedEndpoint,
  startEndpoint,
  stream,
} from './harness/modern.js';
import { eventually } from './harness/proxy.js';

const progress = (n: number): object => ({
  method: 'notifications/progress',
  params: { progressToken: 't', progress: n },
});
const DONE = { result: { resultType: 'complete', content: [] } };

let endpoint: PlayedEndpoint;
beforeAll(async () => {
  endpoint = await startEndpoint();
});
afterAll(closeEndpoints);

describe('a client that goes', () => {
  it(`${req('modern-http.server.disconnect-cancels', 'modern-http.server.cancelled.work-stops', 'modern-http.server.cancelled.silence')} from its stream cancels its request`, async () => {
    const opening = stream(endpoint.url, 'x/y');
    const link = await endpoint.door.next();
    link.says(progress(1));
    (await opening).break();
    expect(await link.closed).toMatchObject({ kind: 'ended', text: expect.stringContaining('client') });
    link.says(progress(2));
    link.answers(DONE);
    expect([link.closings, endpoint.heartbeat.size]).toEqual([1, 0]);
  });

  it(`${req('modern-http.server.disconnect-cancels')} before anything came cancels its request`, async () => {
    const gone = new AbortController();
    const asked = fetch(endpoint.url, {
      method: 'POST',
      body: modernBody(1, 'x/y'),
      headers: modernHeaders('x/y'),
      signal: gone.signal,
    }).catch(() => undefined);
    const link = await endpoint.door.next();
    gone.abort();
    expect(await link.closed).toMatchObject({ kind: 'ended' });
    link.answers(DONE);
    await asked;
  });

  it('while its server is looked for leaves nothing behind', async () => {
    const slow = await startEndpoint();
    let give = (): void => undefined;
    slow.door.instead = (link) =>
      new Promise((resolve) => {
        give = () => resolve(link);
      });
    const gone = new AbortController();
    const asked = fetch(slow.url, {
      method: 'POST',
      body: modernBody(1, 'x/y'),
      headers: modernHeaders('x/y'),
      signal: gone.signal,
    }).catch(() => undefined);
    const link = await slow.door.next();
    gone.abort();
    await asked;
    await eventually(() => (slow.heartbeat.size === 0 ? true : undefined));
    give();
    expect(await link.closed).toMatchObject({ kind: 'ended' });
    expect(link.received).toEqual([]);
  });

  it(`${req('modern-http.server.cancelled.races')} when it is being answered does no harm`, async () => {
    for (let n = 0; n < 20; n++) {
      const opening = stream(endpoint.url, 'x/y');
      const link = await endpoint.door.next();
      link.says(progress(1));
      const opened = await opening;
      link.answers(DONE);
      opened.break();
      await link.closed;
      await opened.ended();
      expect(link.closings).toBe(1);
    }
    expect(endpoint.events.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('that does not read its stream is cut off, which cancels its request', async () => {
    const small = await startEndpoint();
    const narrow = await startEndpoint({ streams: { heartbeat: small.heartbeat, maxUnread: 10_000 } });
    const response = send(narrow.url, {
      method: 'POST',
      body: modernBody(1, 'x/y'),
      headers: modernHeaders('x/y'),
    });
    const link = await narrow.door.next();
    link.says(progress(1));
    (await response).pause();
    (await response).on('error', () => undefined);
    let closed = false;
    void link.closed.then(() => {
      closed = true;
    });
    while (!closed) {
      link.says({ method: 'notifications/message', params: { data: 'x'.repeat(1_000_000) } });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await link.closed).toMatchObject({ kind: 'ended' });
    (await response).destroy();
  });
});

describe('a server that goes', () => {
  const reason = { kind: 'failed', text: 'the server ended', data: { code: 1 } } as const;
  const error = { code: -32603, message: 'the server ended', data: { code: 1 } };

  it('fails its request', async () => {
    const asked = ask(endpoint.url, 'x/y');
    const link = await endpoint.door.next();
    link.goes(reason);
    const answer = await asked;
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { jsonrpc: '2.0', id: 1, error }]);
    expect(link.closings).toBe(0);
  });

  it('fails its request on the stream that it has', async () => {
    const opening = stream(endpoint.url, 'x/y');
    const link = await endpoint.door.next();
    link.says(progress(1));
    link.goes(reason);
    const opened = await opening;
    expect(await opened.message(2)).toEqual({ jsonrpc: '2.0', id: 1, error });
    await opened.ended();
  });

  it.each([
    [
      '5',
      () => {
        throw new AtCapacity('all places are taken');
      },
    ],
    ['5', () => Promise.reject(new AtCapacity('all places are taken'))],
    ['5', () => Promise.reject(new Error('all places are taken'))],
    ['17', () => Promise.reject(new AtCapacity('all places are taken', 17))],
  ] as const)('or has no place is told when to come back: in %s s', async (retryAfter, instead) => {
    const full = await startEndpoint();
    full.door.instead = instead;
    const answer = await ask(full.url, 'x/y');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe(retryAfter);
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32603, message: 'all places are taken' },
    });
  });

  it('a proxy that stops takes no new request', async () => {
    const stopping = await startEndpoint();
    stopping.stop();
    const answer = await ask(stopping.url, 'x/y');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body).error.message).toContain('stopping');
    expect(stopping.door.links).toEqual([]);
  });
});

describe('subscriptions/listen', () => {
  const filter = { notifications: { toolsListChanged: true } };
  const tagged = { _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } };
  const acknowledged = {
    method: 'notifications/subscriptions/acknowledged',
    params: { ...tagged, ...filter },
  };
  const changed = { method: 'notifications/tools/list_changed', params: tagged };
  const end = { jsonrpc: '2.0', id: 1, result: { resultType: 'complete', ...tagged } };

  const opened = async () => {
    const opening = stream(endpoint.url, 'subscriptions/listen', filter);
    const link = await endpoint.door.next();
    link.says(acknowledged);
    const listening = await opening;
    expect(await listening.message(1)).toEqual({ jsonrpc: '2.0', ...acknowledged });
    return { link, listening };
  };

  it('is a stream as soon as it is acknowledged, and ends when its client goes', async () => {
    const { link, listening } = await opened();
    link.says(changed);
    expect(await listening.message(2)).toEqual({ jsonrpc: '2.0', ...changed });
    listening.break();
    expect(await link.closed).toMatchObject({ kind: 'ended' });
  });

  it(`${req('modern-http.server.listen.graceful-end')} ends with the result that the server sends`, async () => {
    const { link, listening } = await opened();
    link.answers({ result: end.result });
    expect(await listening.message(2)).toEqual(end);
    await listening.ended();
    expect(await link.closed).toMatchObject({ kind: 'ended' });
  });

  it(`${req('modern-http.server.listen.graceful-end', 'modern.result.own-type', 'modern.cancelled.subscriptions-only')} ends with a result where the server says it in the way of stdio`, async () => {
    const { link, listening } = await opened();
    link.says({ method: 'notifications/cancelled', params: { requestId: 7 } });
    link.says({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'over' } });
    link.answers({ result: end.result });
    await listening.ended();
    expect(listening.messages.slice(1)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: 'over' } },
      end,
    ]);
    expect(link.closings).toBe(1);
  });

  it(`${req('modern-http.server.listen.graceful-end', 'modern.result.own-type')} ends with a result where the proxy stops`, async () => {
    const { link, listening } = await opened();
    link.goes({ kind: 'stopping', text: 'the proxy is stopping' });
    await listening.ended();
    expect(listening.messages.slice(1)).toEqual([end]);
  });

  it('ends without a result where the server is lost, so that the client asks again', async () => {
    const { link, listening } = await opened();
    link.goes({ kind: 'failed', text: 'the server ended' });
    await listening.ended();
    expect(listening.messages).toHaveLength(1);
    expect([link.closings, endpoint.heartbeat.size]).toEqual([0, 0]);
  });

  it('that was not acknowledged when the server is lost is an error', async () => {
    const asked = ask(endpoint.url, 'subscriptions/listen', filter);
    (await endpoint.door.next()).goes({ kind: 'failed', text: 'the server ended' });
    expect(JSON.parse((await asked).body)).toMatchObject({ id: 1, error: { code: -32603 } });
  });

  it('is nothing for a client that takes no stream', async () => {
    const answer = await ask(endpoint.url, 'subscriptions/listen', filter, {
      headers: { accept: 'application/json' },
    });
    expect(answer.status).toBe(406);
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining('Accept') },
    });
  });
});
