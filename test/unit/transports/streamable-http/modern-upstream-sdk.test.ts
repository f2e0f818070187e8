/** The official SDK's server of this era, behind its own adapter for Node. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  fromJsonSchema,
  type McpHttpHandler,
  McpServer,
} from '@modelcontextprotocol/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { META } from '../../../../src/eras/meta-keys.js';
import { HttpClient } from '../../../../src/remote/http.js';
import { ModernUpstream } from '../../../../src/transports/streamable-http/modern-upstream.js';
import { probeRemote } from '../../../../src/upstream/era.js';
import { req } from '../../../requirements.js';
import { Client, events, QUICK } from '../../remote/fixture.js';

const VERSION = '2026-07-28';

function modern(params: object = {}, meta: object = {}): object {
  return { ...params, _meta: { [META.version]: VERSION, [META.capabilities]: {}, ...meta } };
}

const SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    limit: { type: 'integer', 'x-mcp-header': 'Limit' },
    on: { type: 'boolean', 'x-mcp-header': 'On' },
    deep: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'A' } } },
  },
} as const;

function mcpServer(): McpServer {
  const server = new McpServer(
    { name: 'sdk', version: '2' },
    { instructions: 'Grüße', capabilities: { logging: {} } },
  );
  const inputSchema = fromJsonSchema<Record<string, unknown>>(SCHEMA);
  server.registerTool('echo', { inputSchema }, (args) => ({
    content: [{ type: 'text', text: JSON.stringify(args) }],
  }));
  server.registerTool('slow', { inputSchema: fromJsonSchema({ type: 'object' }) }, async (_args, context) => {
    const progressToken = context.mcpReq._meta?.progressToken;
    for (const progress of [1, 2]) {
      if (progressToken === undefined) break;
      await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress } });
    }
    return { content: [] };
  });
  server.registerTool('wait', { inputSchema: fromJsonSchema({ type: 'object' }) }, async (_args, context) => {
    began();
    await once(context.mcpReq.signal, 'abort');
    aborted();
    return { content: [] };
  });
  server.registerPrompt('naïve 世界', {}, () => ({ messages: [] }));
  return server;
}

let began: () => void = () => undefined;
let aborted: () => void = () => undefined;

describe.each(['auto', 'sse'] as const)('the SDK server, answers: %s', (responseMode) => {
  let handler: McpHttpHandler;
  let http: HttpClient;
  let link: ModernUpstream;
  let client: Client;
  let url: URL;
  let stop: () => Promise<unknown>;
  const told = events();

  beforeEach(async () => {
    handler = createMcpHandler(mcpServer, { legacy: 'reject', responseMode });
    const answer = toNodeHandler(handler);
    // Its types do not know that a member may be there and undefined.
    const server = createServer(
      (request, response) => void answer(request as Parameters<typeof answer>[0], response),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
    http = new HttpClient({ origin: url.origin, verify: true });
    link = new ModernUpstream({ url, http, emit: told.emit, timings: QUICK });
    client = new Client(link);
    stop = async () => {
      link.close();
      await http.close();
      await handler.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
  });

  afterEach(() => stop());

  test('server/discover, and the probe for its era', async () => {
    const { result } = await client.request(1, 'server/discover', modern());
    expect(result).toMatchObject({
      supportedVersions: expect.arrayContaining([VERSION]),
      instructions: 'Grüße',
    });
    const verdict = await probeRemote(
      { url, http },
      { capabilities: {}, clientInfo: { name: 'c', version: '1' } },
    );
    expect(verdict).toMatchObject({ era: 'modern', version: VERSION, discovered: { kind: 'response' } });
  });

  test.each<object>([
    { region: 'us-west1', limit: 42, on: false, deep: { a: 'x' } },
    { region: 'Hello, 世界', limit: -1, on: true, deep: { a: ' padded ' } },
    { region: 'a\r\nX-Evil: 1', deep: { a: '' } },
    { region: '=?base64?literal?=' },
    { limit: 9007199254740991 },
    {},
  ])(
    `${req('modern-http.client.params-mirrored', 'modern-http.client.header-mismatch', 'modern-http.client.base64')} takes the headers of %j`,
    async (args) => {
      // Nothing is known of its tools yet: it refuses, they are listed, it takes the call.
      const first = await client.request(1, 'tools/call', modern({ name: 'echo', arguments: args }));
      expect(first.result?.content).toEqual([{ type: 'text', text: JSON.stringify(args) }]);
      const second = await client.request(2, 'tools/call', modern({ name: 'echo', arguments: args }));
      expect(second.result).toEqual(first.result);
    },
  );

  test('what is wrong with an argument is for the server to say', async () => {
    await client.request(1, 'tools/list', modern());
    for (const [id, limit] of [2.5, '7', true, [1]].entries()) {
      const got = await client.request(id + 2, 'tools/call', modern({ name: 'echo', arguments: { limit } }));
      expect(got.error?.code ?? got.result?.isError).not.toBe(-32020);
      expect(got.error ?? got.result?.isError).toBeTruthy();
    }
  });

  test('errors are its own, whatever their HTTP status', async () => {
    expect((await client.request(1, 'no/such', modern())).error?.code).toBe(-32601);
    expect((await client.request(2, 'tools/call', modern({ name: 'none' }))).error?.code).toBe(-32602);
    const { error } = await client.request(3, 'tools/list', modern({}, { [META.version]: '2099-01-01' }));
    expect(error).toMatchObject({ code: -32022, data: { requested: '2099-01-01' } });
    expect((await client.request(4, 'tools/list')).error?.code).toBe(-32602);
  });

  test(`${req('modern-http.client.name-encoded')} a name that cannot stand in a header is understood`, async () => {
    const { result } = await client.request(1, 'prompts/get', modern({ name: 'naïve 世界' }));
    expect(result?.messages).toEqual([]);
  });

  test('progress belongs to its request', async () => {
    await client.request('p', 'tools/call', modern({ name: 'slow', arguments: {} }, { progressToken: 't' }));
    const progress = client.got.filter(({ method }) => method === 'notifications/progress');
    expect(progress.map(({ about, params }) => [about, params?.progress])).toEqual([
      ['"p"', 1],
      ['"p"', 2],
    ]);
  });

  test(`${req('modern-http.client.closing-cancels')} a cancelled call ends at the server`, async () => {
    const begun = new Promise<void>((resolve) => {
      began = resolve;
    });
    const over = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    client.send({ id: 1, method: 'tools/call', params: modern({ name: 'wait', arguments: {} }) });
    await begun;
    client.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await over;
    expect(client.got).toEqual([]);
  });

  test('subscriptions/listen: acknowledgement, changes, and the end by the server', async () => {
    client.send({
      id: 'l',
      method: 'subscriptions/listen',
      params: modern({ notifications: { toolsListChanged: true } }),
    });
    await client.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    handler.notify.toolsChanged();
    const changed = await client.until(({ method }) => method === 'notifications/tools/list_changed');
    expect(changed).toMatchObject({ about: '"l"', params: { _meta: { [META.subscription]: 'l' } } });
    await handler.close();
    await client.until(({ id }) => id === 'l');
  });
});
