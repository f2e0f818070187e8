/** The official client, version 2, which speaks both eras. */
import {
  Client,
  type ElicitResult,
  isSpecType,
  ProtocolError,
  SdkHttpError,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { type Answers, asJson, type Connect, MAX_LINE, PATIENCE, RpcError, type Target } from './client.js';

const ANY_RESULT = z.looseObject({});

export const connectV2: Connect = async (target, options, heard) => {
  const { name, version, ...info } = options.clientInfo;
  const client = new Client(
    { ...info, name: String(name), version: String(version) },
    { capabilities: options.capabilities, versionNegotiation: { mode: MODES[options.era] } },
  );
  client.fallbackNotificationHandler = async ({ method, params }) => heard({ method, params: params ?? {} });
  client.fallbackRequestHandler = async ({ method, params }) => {
    const answer = options.answers[method];
    if (answer === undefined) throw new RpcError(-32601, `e2e client has no ${method}`, undefined);
    return { ...(await answer(params ?? {})) };
  };
  if (options.era !== 'legacy') answerInside(client, options.answers);
  await client.connect(transportTo(target, options.headers));
  return {
    request: async (method, params, { progress, signal }) => {
      const more = {
        timeout: PATIENCE,
        ...(progress === undefined ? {} : { onprogress: (one: object) => progress({ ...one }) }),
        ...(signal === undefined ? {} : { signal }),
      };
      try {
        // Only this mirrors arguments in headers; its schema of a result is the SDK's.
        if (method === 'tools/call' && options.era !== 'legacy' && target.kind === 'streamable')
          return asJson(await client.callTool({ ...params, name: String(params.name) }, more));
        return asJson(await client.request({ method, params: { ...params } }, ANY_RESULT, more));
      } catch (error) {
        if (error instanceof SdkHttpError) throw withinHttp(error);
        if (!(error instanceof ProtocolError)) throw error;
        throw new RpcError(error.code, error.message.replace(/^MCP error -?\d+: /, ''), error.data);
      }
    },
    notify: (method, params) => client.notification({ method, params: { ...params } }),
    listen: async (filter) => {
      const subscription = await client.listen({ ...filter });
      return {
        honoured: { ...subscription.honoredFilter },
        ended: subscription.closed,
        close: () => subscription.close(),
      };
    },
    info: () => ({
      era: client.getProtocolEra() ?? 'legacy',
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

/**
 * The JSON-RPC error of an answer with a status that is not 200. The SDK reads it with status 400; with 404, as
 * for a method that the server does not have, it only shows the text.
 */
function withinHttp(error: SdkHttpError): Error {
  const body = /(?<=^Error POSTing to endpoint: )\{.*\}$/su.exec(error.message);
  if (body === null) return error;
  const { code, message, data } = asJson(asJson(JSON.parse(body[0])).error);
  return new RpcError(Number(code), String(message), data);
}

const MODES = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } } as const;

/** What is asked inside of a result goes to registered handlers, and not to the one for all others. */
function answerInside(client: Client, answers: Answers): void {
  const { 'elicitation/create': elicit, 'sampling/createMessage': sample, 'roots/list': roots } = answers;
  if (elicit !== undefined) {
    client.setRequestHandler('elicitation/create', async ({ params }) =>
      checked(await elicit({ ...params }), isElicitResult),
    );
  }
  if (sample !== undefined) {
    client.setRequestHandler('sampling/createMessage', async ({ params }) =>
      checked(await sample({ ...params }), isSpecType.CreateMessageResult),
    );
  }
  if (roots !== undefined) {
    client.setRequestHandler('roots/list', async ({ params }) =>
      checked(await roots({ ...params }), isSpecType.ListRootsResult),
    );
  }
}

function isElicitResult(value: unknown): value is ElicitResult {
  return isSpecType.ElicitResult(value);
}

function checked<T>(answer: unknown, fits: (value: unknown) => value is T): T {
  if (!fits(answer)) throw new Error(`the client of a test gives a wrong answer: ${JSON.stringify(answer)}`);
  return answer;
}

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
