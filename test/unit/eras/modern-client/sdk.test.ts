import { Client, type Transport } from '@modelcontextprotocol/client';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Transport as LegacyTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitResultSchema, ListRootsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clock } from '../../../../src/clock.js';
import { ModernDemux } from '../../../../src/eras/modern-client/demux.js';
import type { LegacySession } from '../../../../src/eras/modern-client/legacy-session.js';
import { ModernClients } from '../../../../src/eras/modern-client/modern-clients.js';
import { answerOf, type Message } from '../../../../src/jsonrpc/message.js';
import { toWire } from '../../../../src/jsonrpc/wire.js';
import type { ProxyEvent } from '../../../../src/observability/events.js';
import { Correlation } from '../../../../src/relay/correlation.js';
import type { Link, Receiver } from '../../../../src/relay/link.js';
import { message } from '../../relay/memory-link.js';
import { TestSeal } from './stage.js';

/** The official SDK on both sides: its version 2 as the modern client, its version 1 as the legacy server. */

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

const PARAMS = {
  protocolVersion: '2025-11-25',
  capabilities: { elicitation: {}, roots: {} },
  clientInfo: { name: 'test', version: '1' },
};

/** A legacy session with a server of its own, in this process. */
async function opened(emit: (event: ProxyEvent) => void, servers: McpServer[]): Promise<LegacySession> {
  const server = legacyServer();
  servers.push(server);
  let receiver: Receiver | undefined;
  const transport: LegacyTransport = {
    start: async () => {},
    send: async (sent) => receiver?.message(message(toWire(sent))),
    close: async () => {},
  };
  await server.connect(transport);
  const link: Link = {
    send: ({ text }) => transport.onmessage?.(JSON.parse(text)),
    listen: (given) => {
      receiver = given;
    },
    close: () => {},
  };
  const options = { server: 'sdk', era: 'legacy', exclusive: true, timeout: undefined, clock, emit } as const;
  const port = new Correlation(link, options).attach();
  const answer = await new Promise<Message>((resolve) => {
    port.listen({ message: resolve, closed: () => {} });
    port.send(message(toWire({ jsonrpc: '2.0', id: 0, method: 'initialize', params: PARAMS })));
  });
  port.send(message('{"jsonrpc":"2.0","method":"notifications/initialized"}'));
  return { link: port, initialized: answerOf(answer) };
}

function legacyServer(): McpServer {
  const server = new McpServer(
    { name: 'legacy', version: '1' },
    {
      capabilities: { logging: {}, resources: { subscribe: true }, tools: { listChanged: true } },
      instructions: 'be good',
    },
  );
  server.registerTool('asks', { inputSchema: { what: z.string() } }, async ({ what }, extra) => {
    const form = {
      message: what,
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
    } as const;
    const token = extra._meta?.progressToken;
    const progress = async (value: number): Promise<void> => {
      if (token === undefined) return;
      const params = { progressToken: token, progress: value, total: 3 };
      await extra.sendNotification({ method: 'notifications/progress', params });
    };
    await progress(1);
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: what } });
    const together = await Promise.all([
      extra.sendRequest({ method: 'elicitation/create', params: form }, ElicitResultSchema),
      extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema),
    ]);
    await progress(2);
    const then = await extra.sendRequest({ method: 'elicitation/create', params: form }, ElicitResultSchema);
    await progress(3);
    return { content: [{ type: 'text', text: JSON.stringify([...together, then]) }] };
  });
  server.registerResource('r', 'a:/r', {}, async (uri) => ({ contents: [{ uri: uri.href, text: 'é' }] }));
  for (const method of ['resources/subscribe', 'resources/unsubscribe'] as const) {
    const shape = z.object({ method: z.literal(method), params: z.object({ uri: z.string() }) });
    server.server.setRequestHandler(shape, () => ({}));
  }
  return server;
}

/** A modern client of the SDK, joined to legacy servers by the translator. */
async function connected() {
  const events: ProxyEvent[] = [];
  const servers: McpServer[] = [];
  const emit = (event: ProxyEvent): void => {
    events.push(event);
  };
  const clients = new ModernClients({ server: 'sdk', clock, emit, seal: new TestSeal() });
  const demux = new ModernDemux({
    answer: (request, envelope) => clients.link(request, envelope, 'me', () => opened(emit, servers)),
  });
  const transport: Transport = {
    start: async () => {},
    send: async (sent) => demux.send(message(toWire(sent))),
    close: async () => {
      demux.close({ kind: 'ended', text: 'the client has gone' });
      transport.onclose?.();
    },
  };
  demux.listen({ message: ({ text }) => transport.onmessage?.(JSON.parse(text)), closed: () => {} });
  const client = new Client(
    { name: 'modern', version: '2' },
    {
      capabilities: { elicitation: { form: {} }, roots: {} },
      versionNegotiation: { mode: { pin: '2026-07-28' } },
    },
  );
  client.setRequestHandler('elicitation/create', async ({ params }) => ({
    action: 'accept',
    content: { name: params.message },
  }));
  client.setRequestHandler('roots/list', async () => ({ roots: [{ uri: 'file:///a' }] }));
  await client.connect(transport);
  ended.push(() => client.close());
  return { client, clients, events, servers };
}

describe('the modern client of the official SDK, before its legacy server', () => {
  it('finds the server, its lists and its resources', async () => {
    const { client } = await connected();
    expect(client.getServerVersion()).toMatchObject({ name: 'legacy', version: '1' });
    expect(client.getInstructions()).toBe('be good');
    expect(client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true } });
    expect((await client.listTools()).tools).toMatchObject([{ name: 'asks' }]);
    expect((await client.readResource({ uri: 'a:/r' })).contents).toEqual([{ uri: 'a:/r', text: 'é' }]);
    await expect(client.readResource({ uri: 'a:/none' })).rejects.toMatchObject({ code: -32602 });
    await expect(client.getPrompt({ name: 'none' })).rejects.toMatchObject({ code: -32601 });
  });

  it('answers what is asked, several questions at once and in rounds, and hears of the progress', async () => {
    const { client, clients, servers } = await connected();
    const before = servers.length;
    const progress: number[] = [];
    const result = await client.callTool(
      { name: 'asks', arguments: { what: 'who?' } },
      {
        // The client tells rounds as progress too, which has no total.
        onprogress: (one) => progress.push(...(one.total === undefined ? [] : [one.progress])),
      },
    );
    const answer = { action: 'accept', content: { name: 'who?' } };
    const [content] = result.content;
    expect(content?.type === 'text' && JSON.parse(content.text)).toEqual([
      answer,
      { roots: [{ uri: 'file:///a' }] },
      answer,
    ]);
    expect(progress).toEqual([1, 2, 3]);
    expect(servers).toHaveLength(before + 1);
    expect(clients.parked).toBe(0);
  });

  it('listens to changes', async () => {
    const { client, servers } = await connected();
    const heard = new Promise<unknown>((resolve) => {
      client.setNotificationHandler('notifications/tools/list_changed', () => resolve('tools'));
    });
    const updated = new Promise<unknown>((resolve) => {
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => resolve(params.uri));
    });
    const subscription = await client.listen({
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: ['a:/r'],
    });
    expect(subscription.honoredFilter).toEqual({ toolsListChanged: true, resourceSubscriptions: ['a:/r'] });
    servers.at(-1)?.sendToolListChanged();
    await servers.at(-1)?.server.sendResourceUpdated({ uri: 'a:/r' });
    expect(await Promise.all([heard, updated])).toEqual(['tools', 'a:/r']);
    await subscription.close();
    expect(await subscription.closed).toBe('local');
  });
});
