/** A remote server that is not what it was taken for: its first answer proved nothing, or it is another one by now. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { META } from '../../../src/eras/meta-keys.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, QUICK } from '../remote/fixture.js';
import { type Asked, serve, welcome } from '../remote/server.js';

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

/** Settles once that holds, which something that is under way brings about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

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

/** A server of the legacy era with sessions, which knows no message that names none. */
function legacyOnly(): Answering {
  const session = Math.random().toString(36).slice(2);
  return ({ method, message, headers }, response) => {
    const { id } = message;
    const named = headers['mcp-session-id'];
    if (method === 'DELETE') response.writeHead(200).end();
    else if (method !== 'POST') response.writeHead(405).end();
    else if (message.method === 'initialize') {
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session });
      response.end(welcome(id));
    } else if (named !== session) {
      const error = { code: -32000, message: 'Bad Request: no session' };
      json(response, { id: null, error }, named === undefined ? 400 : 404);
    } else if (id === undefined) response.writeHead(202).end();
    else json(response, { id, result: { of: message } });
  };
}

const NO_META = { code: -32602, message: 'no _meta' };
const KINDS: [string, () => Answering, string, () => Answering][] = [
  ['legacy', legacyOnly, 'modern (-32022)', () => modernOnly(UNSUPPORTED)],
  ['legacy', legacyOnly, 'modern (-32020)', () => modernOnly(MISMATCH)],
  ['legacy', legacyOnly, 'modern (-32602)', () => modernOnly(NO_META)],
  ['modern', () => modernOnly(MISMATCH), 'legacy', legacyOnly],
];

/** A request as a client of that era sends it; settles with its answer. */
function ask(client: Client, era: string, id: number, method: string) {
  const _meta = {
    [META.version]: MODERN,
    [META.capabilities]: {},
    [META.clientInfo]: { name: 'c', version: '1' },
  };
  return client.request(id, method, era === 'modern' ? { _meta } : {});
}

describe.each(KINDS)('a %s server that is replaced', (_from, from, _to, to) => {
  test.each(['legacy', 'modern'])(`by a ${_to} one serves a %s client at once`, async (era) => {
    const { client, become, asked } = await connect(from());
    if (era === 'legacy') await client.begin();
    expect((await ask(client, era, 1, 'tools/list')).result).toMatchObject({ of: { method: 'tools/list' } });
    become(to());
    const both = await Promise.all([2, 3].map((id) => ask(client, era, id, 'prompts/list')));
    for (const { result } of both) expect(result).toMatchObject({ of: { method: 'prompts/list' } });
    const before = asked.length;
    expect((await ask(client, era, 4, 'tools/list')).result).toBeDefined();
    expect(asked.slice(before).filter(({ method }) => method === 'POST')).toHaveLength(1);
  });
});

test('a modern server that is replaced by a legacy one without sessions: the next request is translated', async () => {
  const { client, become } = await connect(modernOnly(MISMATCH));
  await ask(client, 'modern', 1, 'tools/list');
  become(({ method, message: { id, method: asked = '' } }, response) => {
    const isRefused = asked === 'server/discover';
    if (method !== 'POST') response.writeHead(405).end();
    else if (id === undefined) response.writeHead(202).end();
    else if (asked === 'initialize') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(welcome(id));
    } else
      json(response, { id, ...(isRefused ? { error: { code: -32601, message: 'no' } } : { result: {} }) });
  });
  const answers = [];
  for (const id of [2, 3]) answers.push(await ask(client, 'modern', id, 'tools/call'));
  // What has a result was done, and is not asked for again.
  expect(answers.map(({ result }) => result?.resultType)).toEqual([undefined, 'complete']);
});

test('a capability that a modern server misses has it asked for nothing else', async () => {
  const error = { code: -32021, message: 'no', data: { requiredCapabilities: { sampling: {} } } };
  const { client, asked } = await connect((one, response) => {
    if (one.message.method === 'tools/call') json(response, { id: one.message.id, error }, 400);
    else modernOnly(MISMATCH)(one, response);
  });
  for (const id of [1, 2]) expect((await ask(client, 'modern', id, 'tools/call')).error).toEqual(error);
  expect(asked.map(({ message }) => message.method)).toEqual(['server/discover', 'tools/call', 'tools/call']);
});

test('a mistake of the client has the server asked once, and its error is told as it is', async () => {
  const refusing: Answering = (one, response) => {
    if (one.message.method !== 'wrong') modernOnly(MISMATCH)(one, response);
    else json(response, { id: one.message.id, error: { code: -32601, message: 'unknown', data: 'x' } }, 404);
  };
  const { client, asked } = await connect(refusing);
  for (const id of [1, 2, 3]) {
    expect((await ask(client, 'modern', id, 'wrong')).error).toEqual({
      code: -32601,
      message: 'unknown',
      data: 'x',
    });
  }
  expect(asked.filter(({ message }) => message.method === 'wrong')).toHaveLength(3);
  expect(asked.filter(({ message }) => message.method === 'server/discover')).toHaveLength(2);
});

/** What a legacy server was asked, and a server that leaves a call of one tool open until `finish` answers it. */
function atWork() {
  const open: (() => void)[] = [];
  const legacy = legacyOnly();
  const answering: Answering = (one, response) => {
    if (one.message.method !== 'slow') legacy(one, response);
    else open.push(() => json(response, { id: one.message.id, result: { slow: true } }));
  };
  const finish = (): void => {
    for (const answer of open.splice(0)) answer();
  };
  return { answering, finish };
}

describe('a call on which the server that was replaced is at work', () => {
  test('goes on: its answer still comes, and it is not sent again', async () => {
    const { answering, finish } = atWork();
    const { client, become, asked } = await connect(answering);
    await client.begin();
    const slow = client.request(1, 'slow');
    await until(() => asked.some(({ message }) => message.method === 'slow'));
    become(modernOnly(MISMATCH));
    expect((await client.request(2, 'tools/list')).result).toMatchObject({ of: { method: 'tools/list' } });
    finish();
    expect((await slow).result).toEqual({ slow: true });
    expect(asked.filter(({ message }) => message.method === 'slow')).toHaveLength(1);
    const answers = client.got.filter(({ method }) => method === undefined).map(({ id }) => id);
    expect(answers).toEqual([0, 2, 1]);
  });

  test('is cancelled where it is', async () => {
    const { answering, finish } = atWork();
    const { client, become, asked } = await connect(answering);
    await client.begin();
    client.send({ id: 1, method: 'slow' });
    const slow = client.request(2, 'slow');
    await until(() => asked.filter(({ message }) => message.method === 'slow').length === 2);
    become(modernOnly(MISMATCH));
    await client.request(3, 'tools/list');
    client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await until(() => asked.some(({ message }) => message.method === 'notifications/cancelled'));
    const cancellation = asked.find(({ message }) => message.method === 'notifications/cancelled');
    expect(cancellation?.headers['mcp-session-id']).toBeDefined();
    finish();
    expect((await slow).result).toEqual({ slow: true });
  });
});

test('what was refused and is cancelled while the server is asked again is not sent again', async () => {
  const { client, become, asked } = await connect(legacyOnly());
  await client.begin();
  const modern = modernOnly(MISMATCH);
  let answerAtLast: (() => void) | undefined;
  become((one, response) => {
    const isFirst = answerAtLast === undefined && one.message.method === 'server/discover';
    if (isFirst) answerAtLast = () => modern(one, response);
    else modern(one, response);
  });
  client.send({ id: 1, method: 'x/cancelled' });
  await until(() => answerAtLast !== undefined);
  client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  answerAtLast?.();
  expect((await client.request(2, 'tools/list')).result).toBeDefined();
  expect(asked.filter(({ message }) => message.method === 'x/cancelled')).toHaveLength(1);
  expect(client.got.filter(({ id }) => id === 1)).toEqual([]);
});

test('what the client was asked about is not begun anew, since the server was at work on it', async () => {
  const modern = modernOnly(MISMATCH);
  const inputRequests = { a: { method: 'roots/list', params: {} } };
  const { client, become, asked } = await connect((one, response) => {
    if (one.message.method !== 'tools/call') modern(one, response);
    else json(response, { id: one.message.id, result: { resultType: 'input_required', inputRequests } });
  });
  const clientInfo = { name: 'c', version: '1' };
  await client.request(0, 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { roots: {} },
    clientInfo,
  });
  client.send({ method: 'notifications/initialized' });
  client.send({ id: 1, method: 'tools/call', params: { name: 't' } });
  const question = await client.until(({ method }) => method === 'roots/list');
  become(legacyOnly());
  client.send({ id: question.id, result: { roots: [] } });
  expect((await client.until(({ id, method }) => id === 1 && method === undefined)).error).toBeDefined();
  expect(asked.filter(({ message }) => message.method === 'tools/call')).toHaveLength(2);
  expect((await client.request(2, 'tools/list')).result).toMatchObject({ of: { method: 'tools/list' } });
});

test.each([-32602, -32601, -32000, -32603])(
  'an error that is an answer and no refusal is told at once, and the server is not asked: %s',
  async (code) => {
    const legacy = legacyOnly();
    const error = { code, message: 'the tool failed half-way' };
    const { client, asked } = await connect((one, response) => {
      if (one.message.method === 'tools/call') json(response, { id: one.message.id, error });
      else legacy(one, response);
    });
    await client.begin();
    expect((await client.request(1, 'tools/call', { name: 't' })).error).toEqual(error);
    await client.request(2, 'tools/list');
    const posted = asked.map(({ message }) => message.method).filter((method) => method !== undefined);
    const begun = ['server/discover', 'initialize', 'notifications/initialized'];
    expect(posted).toEqual([...begun, 'tools/call', 'tools/list']);
  },
);

test.each(['legacy', 'modern'])(
  'a gateway that answers in place of a modern server for a while: %s client',
  async (era) => {
    // One that says of nothing but its own methods that it knows them.
    const modern = modernOnly({ code: -32601, message: 'Method not found' });
    const { client, become } = await connect(modern);
    if (era === 'legacy') await client.begin();
    expect((await ask(client, era, 1, 'tools/list')).result).toBeDefined();
    become((_, response) => void response.writeHead(404, { 'content-type': 'text/html' }).end('<p>no</p>'));
    for (const id of [2, 3]) expect((await ask(client, era, id, 'tools/list')).error).toBeDefined();
    become(modern);
    expect((await ask(client, era, 4, 'tools/list')).result).toMatchObject({ of: { method: 'tools/list' } });
  },
);
