/** A remote server as a client on stdin meets it that speaks the modern era, or both, or half of one. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../src/eras/meta-keys.js';
import { connectRemote, type RemoteOptions } from '../../../src/upstream/remote.js';
import { req } from '../../requirements.js';
import { Client, events, QUICK } from '../remote/fixture.js';
import { type Asked, serve, welcome } from '../remote/server.js';

const MODERN = '2026-07-28';
const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

type Answering = (asked: Asked, response: ServerResponse) => void;

async function connect(answer: Answering, more: Partial<RemoteOptions> = {}) {
  const server = await serve(answer);
  const options = { url: server.url, transport: 'auto', headers: [], verify: true, era: 'auto' } as const;
  const { emit, texts } = events();
  const link = connectRemote({ ...options, timings: QUICK, ...more }, emit);
  cleaning.push(server.stop, async () => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  });
  return { client: new Client(link), asked: server.asked, texts };
}

/** Params as a modern client sends them. */
function modern(params: object = {}, meta: object = {}): object {
  const own = {
    [META.version]: MODERN,
    [META.capabilities]: {},
    [META.clientInfo]: { name: 'c', version: '1' },
  };
  return { ...params, _meta: { ...own, ...meta } };
}

function json(response: ServerResponse, message: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
}

const DISCOVERED = {
  resultType: 'complete',
  supportedVersions: [MODERN],
  capabilities: { tools: {} },
  ttlMs: 60_000,
  cacheScope: 'public',
  _meta: { [META.serverInfo]: { name: 'remote', version: '2' } },
};

/** A server of the modern era alone: `initialize` it refuses. */
const modernOnly: Answering = ({ method, message }, response) => {
  const { id } = message;
  if (method !== 'POST') response.writeHead(405).end();
  else if (id === undefined) response.writeHead(202).end();
  else if (message.method === 'initialize') {
    const data = { supported: [MODERN], requested: '2025-11-25' };
    json(response, { id, error: { code: -32022, message: 'no', data } }, 400);
  } else if (message.method === 'server/discover') json(response, { id, result: DISCOVERED });
  else json(response, { id, result: { resultType: 'complete', of: message } });
};

/** A server of the legacy era alone, without sessions. */
const legacyOnly: Answering = ({ method, message }, response) => {
  const { id } = message;
  if (method !== 'POST') response.writeHead(405).end();
  else if (id === undefined) response.writeHead(202).end();
  else if (message.method === 'initialize') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(id));
  } else if (message.method === 'server/discover')
    json(response, { id, error: { code: -32601, message: 'no' } });
  else json(response, { id, result: { of: message } });
};

describe('server/discover', () => {
  test(`${req('modern.discover.answered', 'caching.hints-pass')} is answered by the server where that does so at once`, async () => {
    const { client } = await connect(modernOnly);
    expect((await client.request('d', 'server/discover', modern())).result).toEqual(DISCOVERED);
  });

  test.each<[string, Answering]>([
    ['takes its time', () => undefined],
    ['fails', (_, response) => response.writeHead(500).end()],
    ['wants its user to sign in', (_, response) => response.writeHead(401).end()],
    [
      'answers with an error',
      ({ message }, response) => json(response, { id: message.id, error: { code: -32603, message: 'no' } }),
    ],
  ])(
    `${req('modern.discover.answered', 'modern.result.own-type')} is answered in place of a server that %s, and that answer is not to be kept`,
    async (_, answer) => {
      const { client } = await connect(answer, { era: 'modern' });
      expect((await client.request('d', 'server/discover', modern())).result).toEqual({
        resultType: 'complete',
        supportedVersions: [MODERN],
        capabilities: expect.objectContaining({ tools: { listChanged: true } }),
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { [META.serverInfo]: { name: 'mcp-proxy', version: expect.any(String) } },
      });
      expect(client.got).toHaveLength(1);
    },
  );
});

describe('the log names the era and the version', () => {
  const CLIENT = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } };

  test.each<[string, Answering, string]>([
    ['modern', modernOnly, 'speaks MCP of the modern era (2026-07-28).'],
    ['legacy', legacyOnly, 'speaks MCP of the legacy era.'],
  ])('of a %s server, and of a client of either era', async (_, answer, far) => {
    const { client, texts } = await connect(answer);
    await client.request('i', 'initialize', CLIENT);
    await client.request('m', 'tools/list', modern());
    const told = texts();
    expect(told).toContain(far);
    expect(told).toMatch(/The client, c 1, has a session of MCP \d{4}-\d\d-\d\d\./);
    expect(told.match(/The client, c 1, speaks MCP 2026-07-28\./g)).toHaveLength(1);
    if (answer === legacyOnly) expect(told).toMatch(/A session with \S+ has begun, MCP 2025-11-25\./);
  });
});

describe.each([
  ['modern', modernOnly],
  ['legacy', legacyOnly],
] as const)('a client before a %s server', (_, answer) => {
  test(`${req('modern-stdio.both-eras')} is served in the era of each of its messages`, async () => {
    const { client, asked } = await connect(answer);
    const first = await client.request('m1', 'tools/list', modern());
    expect(first.result).toMatchObject({ resultType: 'complete' });
    expect((await client.begin('2025-06-18')).result).toMatchObject({ protocolVersion: expect.any(String) });
    const legacy = await client.request('l1', 'tools/list', { cursor: 'c' });
    expect(legacy.result).toHaveProperty('of');
    const second = await client.request('m2', 'tools/list', modern());
    expect(second.result).toMatchObject({ resultType: 'complete' });
    expect(asked.length).toBeGreaterThan(3);
  });

  test.each<[string, object]>([
    ['a version alone', { [META.version]: MODERN }],
    ['capabilities alone', { [META.capabilities]: {} }],
    ['its name alone', { [META.clientInfo]: { name: 'c', version: '1' } }],
    ['a log level alone', { [META.logLevel]: 'info' }],
    ['all but the version', { [META.capabilities]: {}, [META.clientInfo]: { name: 'c', version: '1' } }],
  ])(
    `${req('modern-stdio.both-eras')} is refused, or its server has to refuse it, where a request says only half: %s`,
    async (_name, _meta) => {
      const { client, asked } = await connect(answer);
      const { error } = await client.request('half', 'tools/list', { _meta });
      if (answer === legacyOnly) {
        expect(error).toMatchObject({
          code: -32602,
          message: expect.stringContaining('io.modelcontextprotocol/'),
        });
        const methods = asked.map(({ message }) => message.method);
        expect(methods).not.toContain('tools/list');
      } else {
        // It is the modern server's own matter: it gets the request as it is, as a modern one.
        const sent = asked.find(({ message }) => message.method === 'tools/list');
        expect(sent?.headers['mcp-protocol-version']).toBe(MODERN);
        expect(sent?.message).toMatchObject({ id: 'half', params: { _meta } });
      }
    },
  );
});

test(`${req('modern-stdio.listen-lost')} a subscription that is lost ends with a cancellation, and may begin anew with its id`, async () => {
  const acknowledged = (id: unknown): string =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {}, _meta: { [META.subscription]: id } } })}\n\n`;
  let streams = 0;
  const { client } = await connect(
    ({ message }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(acknowledged(message.id), () => {
        streams += 1;
        if (streams === 1) response.destroy();
      });
    },
    { era: 'modern' },
  );
  client.send({ id: 'l', method: 'subscriptions/listen', params: modern({ notifications: {} }) });
  const { params } = await client.until(({ method }) => method === 'notifications/cancelled');
  expect(params?.requestId).toBe('l');
  client.send({ id: 'l', method: 'subscriptions/listen', params: modern({ notifications: {} }) });
  const isAcknowledged = ({ method }: { method?: string }): boolean =>
    method === 'notifications/subscriptions/acknowledged';
  await client.until(() => client.got.filter(isAcknowledged).length === 2);
  expect(client.got.filter(({ id }) => id !== undefined)).toEqual([]);
});
