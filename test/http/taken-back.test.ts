/** What becomes of streams, answers and sessions when who opened them may no more. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guards } from '../security.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { type Answer, Stream, send, whole } from './harness/http.js';
import { PlayedIssuer } from './harness/issuer.js';
import { modernBody, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, start, type TestProxy } from './harness/proxy.js';

const ANN = { 'x-api-key': 'ann-0123456789abcdef' };
const BOB = { 'x-api-key': 'bob-0123456789abcdef' };
const OTHER_BOB = { 'x-api-key': 'bob-another-0123456789' };

type Headers = Readonly<Record<string, string>>;

interface Opened {
  readonly client: Client;
  readonly listening: Stream;
  readonly call: Stream;
  readonly pending: Promise<Answer>;
  readonly sse: Stream;
  readonly endpoint: string;
  readonly subscription: Stream;
  readonly modernCall: Promise<Answer>;
}

function modern(url: string, method: string, params: object, headers: Headers): Promise<IncomingMessage> {
  const body = modernBody(1, method, params);
  return send(url, { method: 'POST', body, headers: { ...modernHeaders(method), ...headers } });
}

/** One of each, and none of them is over. */
async function openAll(url: string, headers: Headers): Promise<Opened> {
  const mcp = `${url}/mcp`;
  const client = await Client.open(mcp, { headers });
  const listening = await client.listen();
  const call = await client.stream('x/hold', { key: 'call', steps: 1, _meta: { progressToken: 1 } });
  await call.message(1);
  const pending = client.post(requestBody('pending', 'x/hold', { key: 'pending' }));
  pending.catch(() => undefined);
  const sse = new Stream(await send(`${url}/sse`, { headers }));
  const first = await sse.next();
  if (first.kind !== 'event') throw new Error('no endpoint');
  const endpoint = url + first.data;
  await post(endpoint, initializeBody(), { headers });
  await sse.message(1);
  const subscription = new Stream(
    await modern(mcp, 'subscriptions/listen', { notifications: { toolsListChanged: true } }, headers),
  );
  await subscription.message(1);
  const modernCall = modern(mcp, 'x/hold', { key: 'modern' }, headers).then(whole);
  modernCall.catch(() => undefined);
  return { client, listening, call, pending, sse, endpoint, subscription, modernCall };
}

describe('a key that is taken out of the file', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
    file = join(directory, 'keys');
  });
  afterEach(async () => {
    await closeAll();
    rmSync(directory, { recursive: true });
  });

  const write = (...keys: Headers[]): void => {
    const names = new Map([
      [ANN, 'ann'],
      [BOB, 'bob'],
      [OTHER_BOB, 'bob'],
    ]);
    writeFileSync(file, keys.map((key) => `${names.get(key as typeof ANN)}:${key['x-api-key']}\n`).join(''), {
      mode: 0o600,
    });
  };

  it(`${guards('keys.streams')} ends what was opened with it, and its sessions`, async () => {
    write(ANN, BOB);
    const proxy = await start({ auth: { apiKeyFile: file } }, ANN);
    const hers = await openAll(proxy.url, ANN);
    const his = await openAll(proxy.url, BOB);
    write(ANN);
    // Nobody sends a request meanwhile.
    await Promise.all([his.listening.ended(), his.call.ended(), his.sse.ended(), his.subscription.ended()]);
    expect(await his.modernCall).toMatchObject({ status: 401 });
    expect(JSON.parse((await his.pending).body)).toMatchObject({ error: { code: expect.any(Number) } });
    const { servers } = await proxy.status();
    expect(servers[0].sessions).toHaveLength(2);
    expect(await hers.client.ask('ping')).toEqual({});
    for (const stream of [hers.listening, hers.call, hers.sse, hers.subscription]) stream.break();
  });

  it(`${guards('keys.streams')} leaves the sessions to another key of the same name`, async () => {
    write(ANN, BOB, OTHER_BOB);
    const proxy = await start({ auth: { apiKeyFile: file } }, ANN);
    const first = await Client.open(`${proxy.url}/mcp`, { headers: BOB });
    const stream = await first.listen();
    const second = new Client(first.url, first.version, first.session, OTHER_BOB);
    const other = await second.listen();
    write(ANN, OTHER_BOB);
    await stream.ended();
    expect(await second.ask('x/emit', { messages: [] })).toEqual({});
    await second.ask('x/later', {
      messages: [{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }],
    });
    expect(await other.message(1)).toMatchObject({ method: 'notifications/tools/list_changed' });
    other.break();
  });
});

describe('an access token that runs out', () => {
  let issuer: PlayedIssuer;
  beforeEach(async () => {
    issuer = await PlayedIssuer.start();
  });
  afterEach(async () => {
    await closeAll();
    await issuer.stop();
  });

  function guarded(): Promise<TestProxy> {
    const tokens = { issuer: issuer.url, audiences: ['me'], requiredScopes: [] };
    return start({ auth: { apiKeys: `ann:${ANN['x-api-key']}`, tokens } }, ANN);
  }

  const token = async (claims: object): Promise<Headers> => ({
    authorization: `Bearer ${await issuer.token({ aud: 'me', ...claims })}`,
  });
  /** One that is good for some seconds yet: the clocks of the two may differ by 30 s. */
  const short = (): Promise<Headers> => token({ exp: Math.floor(Date.now() / 1000) - 24 });

  it(`${guards('token.streams')} ends the streams that were opened with it; sessions stay, and calls come to their end`, async () => {
    const proxy = await guarded();
    const opened = await openAll(proxy.url, await short());
    await Promise.all([opened.listening.ended(), opened.sse.ended(), opened.subscription.ended()]);
    const fresh = await token({});
    const { client } = opened;
    const again = new Client(client.url, client.version, client.session, fresh);
    for (const key of ['call', 'pending']) {
      expect((await again.post(requestBody(`release ${key}`, 'x/release', { key }))).status).toBe(200);
    }
    expect(await opened.call.message(2)).toMatchObject({ result: { key: 'call' } });
    expect(JSON.parse((await opened.pending).body)).toMatchObject({ result: { key: 'pending' } });
    await whole(await modern(client.url, 'x/release', { key: 'modern' }, fresh));
    expect(JSON.parse((await opened.modernCall).body)).toMatchObject({ result: { key: 'modern' } });
    const stream = await again.listen();
    stream.break();
  });

  it(`${guards('token.streams')} leaves the stream of HTTP+SSE, which is the session, to who has sent another token since`, async () => {
    const proxy = await guarded();
    const headers = await short();
    const [one, two] = [await openAll(proxy.url, headers), await openAll(proxy.url, headers)];
    expect((await post(two.endpoint, requestBody(9, 'ping'), { headers: await token({}) })).status).toBe(202);
    await one.sse.ended();
    const later = { method: 'notifications/tools/list_changed', jsonrpc: '2.0' };
    const body = requestBody(10, 'x/later', { messages: [later] });
    const answer = await post(two.endpoint, body, { headers: await token({}) });
    expect(answer.status).toBe(202);
    await eventually(() => (two.sse.messages.some(({ id }) => id === 10) ? true : undefined));
    two.sse.break();
    for (const { call } of [one, two]) call.break();
  });
});
