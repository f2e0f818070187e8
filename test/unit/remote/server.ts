import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One HTTP request to a server of the test's own. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly message: { readonly id?: unknown; readonly method?: string };
}

/** A server in this process, for one misbehaviour that a test spells out. */
export interface Server {
  readonly url: URL;
  readonly asked: Asked[];
  stop(): Promise<void>;
}

export async function serve(answer: (asked: Asked, response: ServerResponse) => void): Promise<Server> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const one = { method, path: url, headers, message: body === '' ? {} : JSON.parse(body) };
    asked.push(one);
    answer(one, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`),
    asked,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The answer to `initialize`. */
export function welcome(id: unknown): string {
  const serverInfo = { name: 'test', version: '1' };
  const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}
