/** What one client or one server sends must end nothing but its own affairs. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { closeAll, puppet, start, type TestProxy } from './harness/proxy.js';

/** What `JSON.parse` makes of these throws where it is turned into a string. */
const NO_TEXT = ['{"toString":1}', '{"__proto__":null,"toString":null,"valueOf":1}', '[{"toString":1}]'];

let proxy: TestProxy;
let neighbour: Client;

beforeAll(async () => {
  proxy = await start({ namedServers: [puppet({ name: 'all', sharing: 'shared' })] });
  neighbour = await Client.open(`${proxy.url}/mcp`);
});
afterAll(closeAll);

function initializeOf(clientInfo: string): string {
  const params = `{"protocolVersion":"2025-11-25","capabilities":{"__proto__":{"roots":{}}},"clientInfo":${clientInfo}}`;
  return `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`;
}

const INFOS = NO_TEXT.flatMap((value) => [`{"name":${value},"version":${value}}`, value, 'null']);

it.each(INFOS)('a client that calls itself %s is served as well as it can be', async (info) => {
  const answer = await post(`${proxy.url}/mcp`, initializeOf(info));
  expect(answer.status, answer.body).toBe(200);
  const { servers } = await proxy.status();
  expect(servers[0].sessions.at(-1).client).toEqual({ name: 'unknown', version: 'unknown' });
  expect(await neighbour.ask('ping')).toEqual({});
});

it.each(INFOS)('and over HTTP+SSE: %s', async (info) => {
  const stream = new Stream(await send(`${proxy.url}/sse`, {}));
  const endpoint = await stream.next();
  if (endpoint.kind !== 'event') throw new Error('no endpoint');
  expect((await post(proxy.url + endpoint.data, initializeOf(info))).status).toBe(202);
  expect(await stream.message(1)).toMatchObject({ id: 1, result: {} });
  stream.break();
});

it.each(NO_TEXT)('a server that says %s where a text is due hurts nobody', async (value) => {
  const client = await Client.open(`${proxy.url}/servers/all/mcp`);
  const messages = [
    `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":${value},"data":1}}`,
    `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":${value}}}`,
    `{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":${value},"status":${value}}}`,
    `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":${value}}}`,
    `{"jsonrpc":"2.0","id":"q","method":"constructor","params":{"x":${value}}}`,
    `{"jsonrpc":"2.0","id":"r","method":"__proto__","params":{"mode":${value}}}`,
  ];
  const call = await client.stream('x/emit', { messages });
  await call.ended();
  expect(call.messages.at(-1)).toMatchObject({ result: {} });
  // A question that the proxy knows nothing of is for the client to refuse.
  expect(call.messages.map(({ method }) => method)).toEqual(
    expect.arrayContaining(['constructor', '__proto__']),
  );
  expect(await client.ask('ping')).toEqual({});
  await client.delete();
});

it.each(['mcp', 'servers/all/mcp'])('what a server logs to its stdout answers nobody: /%s', async (path) => {
  const [client, other] = await Promise.all([
    Client.open(`${proxy.url}/${path}`),
    Client.open(`${proxy.url}/${path}`),
  ]);
  const held = other.post(requestBody('held', 'x/hold', { key: path }));
  await client.ask('x/seen', { method: 'x/hold', count: 1 });
  // The ids that the server knows are numbers of the proxy's own, and so are those of many a log.
  const numbered = (id: number): string[] => [
    `{"level":"info","id":${id}}`,
    `{"id":${id},"event":"row loaded"}`,
    `{"id":${id},"error":{"code":"ENOENT"}}`,
    `{"id":${id},"result":{"rows":1}}`,
  ];
  const messages = Array.from({ length: 300 }, (_, id) => numbered(id)).flat();
  expect(await client.ask('x/emit', { messages })).toEqual({});
  await client.ask('x/release', { key: path });
  expect(JSON.parse((await held).body)).toMatchObject({ id: 'held', result: { key: path } });
});

it('a request of any shape is answered, and the proxy goes on', async () => {
  const client = await Client.open(`${proxy.url}/servers/all/mcp`);
  const methods = [
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'tasks/get',
    'tasks/list',
  ];
  for (const value of NO_TEXT) {
    for (const method of methods) {
      const params = `{"level":${value},"uri":${value},"taskId":${value},"__proto__":${value}}`;
      const body = `{"jsonrpc":"2.0","id":"x","method":"${method}","params":${params}}`;
      expect((await client.post(body)).status, body).toBe(200);
    }
  }
  expect(await client.ask('ping')).toEqual({});
  expect((await post(`${proxy.url}/mcp`, initializeBody())).status).toBe(200);
  expect((await neighbour.post(requestBody(99, 'ping'))).status).toBe(200);
});
