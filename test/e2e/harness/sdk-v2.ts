/** The official client, version 2, in the legacy era. */
import {
  Client,
  ProtocolError,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { asJson, type Connect, MAX_LINE, PATIENCE, RpcError, type Target } from './client.js';

const ANY_RESULT = z.looseObject({});

export const connectV2: Connect = async (target, options, heard) => {
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
        return asJson(await client.request({ method, params: { ...params } }, ANY_RESULT, more));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        throw new RpcError(error.code, error.message.replace(/^MCP error -?\d+: /, ''), error.data);
      }
    },
    notify: (method, params) => client.notification({ method, params: { ...params } }),
    info: () => ({
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
