/** The official client, version 1. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { McpError, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { asJson, type Connect, MAX_LINE, PATIENCE, RpcError, type Target } from './client.js';

export const connectV1: Connect = async (target, options, heard) => {
  if (options.era !== 'legacy') throw new Error(`SDK v1 has no era ${options.era}`);
  const { name, version, ...info } = options.clientInfo;
  const client = new Client(
    { ...info, name: String(name), version: String(version) },
    { capabilities: options.capabilities },
  );
  client.fallbackNotificationHandler = async ({ method, params }) => heard({ method, params: params ?? {} });
  client.fallbackRequestHandler = async ({ method, params }) => {
    const answer = options.answers[method];
    if (answer === undefined) throw new RpcError(-32601, `e2e client has no ${method}`, undefined);
    return { ...(await answer(params ?? {})) };
  };
  await client.connect(transportTo(target, options.headers));
  return {
    request: async (method, params, { progress, signal }) => {
      const more = {
        timeout: PATIENCE,
        ...(progress === undefined ? {} : { onprogress: (one: object) => progress({ ...one }) }),
        ...(signal === undefined ? {} : { signal }),
      };
      try {
        return asJson(await client.request({ method, params: { ...params } }, ResultSchema, more));
      } catch (error) {
        if (!(error instanceof McpError)) throw error;
        throw new RpcError(error.code, error.message.replace(/^MCP error -?\d+: /, ''), error.data);
      }
    },
    notify: (method, params) => client.notification({ method, params: { ...params } }),
    listen: () => Promise.reject(new Error('SDK v1 has no subscriptions/listen')),
    info: () => ({
      era: 'legacy',
      server: client.getServerVersion(),
      capabilities: client.getServerCapabilities(),
      instructions: client.getInstructions(),
    }),
    close: async () => {
      if (client.transport instanceof StreamableHTTPClientTransport)
        await client.transport.terminateSession();
      await client.close();
    },
  };
};

function transportTo(target: Target, headers: Readonly<Record<string, string>>): Transport {
  const requestInit = { headers: { ...headers } };
  switch (target.kind) {
    case 'stdio': {
      const [command, ...args] = target.command;
      return new StdioClientTransport({
        command,
        args,
        stderr: 'ignore',
        maxBufferSize: MAX_LINE,
        ...(target.env === undefined ? {} : { env: { ...target.env } }),
      });
    }
    case 'sse':
      return new SSEClientTransport(new URL(target.url), { requestInit });
    case 'streamable':
      return asTransport(new StreamableHTTPClientTransport(new URL(target.url), { requestInit }));
  }
}

/** The SDK's class says `sessionId: string | undefined` where its interface says `sessionId?: string`. */
function asTransport(transport: Omit<Transport, 'sessionId'>): Transport {
  return transport;
}
