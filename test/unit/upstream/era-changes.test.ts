/** A remote server that is not what it was taken for: its first answer proved nothing, or it is another one by now. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../src/eras/meta-keys.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, QUICK } from '../remote/fixture.js';
import { type Asked, serve } from '../remote/server.js';

const MODERN = '2026-07-28';
const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

type Answering = (asked: Asked, response: ServerResponse) => void;

/** A client in front of a server that can be replaced by another at the same URL. */
async function connect(first: Answering) {
  let answering = first;
  const server = await serve((asked, response) => answering(asked, response));
  const options = { url: server.url, transport: 'auto', headers: [], verify: true, era: 'auto' } as const;
  const events: ProxyEvent[] = [];
  const link = connectRemote({ ...options, timings: QUICK }, (event) => events.push(event));
  cleaning.push(server.stop, async () => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  });
  const become = (other: Answering): void => {
    answering = other;
  };
  const failures = (): ProxyEvent[] => events.filter(({ level }) => level === 'error' || level === 'warning');
  return { client: new Client(link), asked: server.asked, failures, become };
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

const UNSUPPORTED = { code: -32022, message: 'no', data: { supported: [MODERN], requested: '2025-11-25' } };
const MISMATCH = { code: -32020, message: 'missing MCP-Protocol-Version' };

/** A server of the modern era alone, which refuses with `error` what names no version of it. */
function modernOnly(error: object): Answering {
  return ({ method, message, headers }, response) => {
    const { id } = message;
    if (method !== 'POST') response.writeHead(405).end();
    else if (headers['mcp-protocol-version'] !== MODERN) json(response, { id, error }, 400);
    else if (id === undefined) response.writeHead(202).end();
    else if (message.method === 'server/discover') json(response, { id, result: DISCOVERED });
    else json(response, { id, result: { resultType: 'complete', of: message } });
  };
}

/** Answers the first request in one way, and all others in another. */
function firstThen(first: Answering, then: Answering): Answering {
  let isFirst = true;
  return (asked, response) => {
    const answer = isFirst ? first : then;
    isFirst = false;
    answer(asked, response);
  };
}

const busy: Answering = (_asked, response) => void response.writeHead(503).end('busy');

describe('a modern server whose answer to the question what it speaks proved nothing', () => {
  test.each([
    ['-32022', UNSUPPORTED],
    ['-32020', MISMATCH],
  ])('serves a client of the legacy era: it refuses `initialize` with %s', async (_code, error) => {
    const { client, asked, failures } = await connect(firstThen(busy, modernOnly(error)));
    expect((await client.begin()).result).toMatchObject({ serverInfo: { name: 'remote' } });
    expect((await client.request(1, 'tools/list')).result).toMatchObject({ of: { method: 'tools/list' } });
    expect(failures()).toEqual([]);
    // That is no server whose stream has to be looked for.
    expect(asked.filter(({ method }) => method === 'GET')).toEqual([]);
  });
});

test.each([
  ['-32022', UNSUPPORTED],
  ['-32020', MISMATCH],
  ['-32601', { code: -32601, message: 'Method not found' }],
])('that a modern server refuses `initialize` is no failure to the log: %s', async (_code, error) => {
  const { client, failures } = await connect(modernOnly(error));
  expect((await client.begin()).result).toMatchObject({ serverInfo: { name: 'remote' } });
  expect(failures()).toEqual([]);
});
