/**
 * A remote server that reads requests as leniently as can be: a line ends with LF, CR LF or CR, and what follows the
 * body that was announced is the next request. So whatever a client could put into a request shows as a header or as
 * a request that nobody sent. It answers with octets, as a test says.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import type { Scope } from '../../e2e/harness/scope.js';

export interface Received {
  readonly line: string;
  /** By name in lower case; every line, in its order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  readonly message: any;
}

export interface Remote {
  readonly url: string;
  readonly received: readonly Received[];
}

export type Answer = (received: Received, connection: Socket) => string | undefined;

/** @param answer octets for a request; undefined: it has written them itself */
export async function serveRemote(scope: Scope, answer: Answer): Promise<Remote> {
  const received: Received[] = [];
  const open = new Set<Socket>();
  const server = createServer((connection) => {
    open.add(connection);
    connection.on('error', () => undefined);
    let rest = '';
    connection.setEncoding('latin1').on('data', (chunk: string) => {
      rest += chunk;
      for (let next = requestIn(rest); next !== undefined; next = requestIn(rest)) {
        rest = rest.slice(next.length);
        received.push(next.received);
        const octets = answer(next.received, connection);
        if (octets !== undefined) connection.write(octets, 'latin1');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.add(server, async () => {
    for (const connection of open) connection.destroy();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, received };
}

function requestIn(text: string): { readonly received: Received; readonly length: number } | undefined {
  const end = /\r\n\r\n|\n\n|\r\r/.exec(text);
  if (end === null) return undefined;
  const [line = '', ...lines] = text.slice(0, end.index).split(/\r\n|\n|\r/);
  const headers = lines.map((one): [string, string] => {
    const colon = one.indexOf(':');
    return [one.slice(0, colon).trim().toLowerCase(), one.slice(colon + 1).trim()];
  });
  const size = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? 0);
  const start = end.index + end[0].length;
  if (text.length < start + size) return undefined;
  const body = text.slice(start, start + size);
  const message = body === '' ? {} : JSON.parse(Buffer.from(body, 'latin1').toString());
  return { received: { line, headers, body, message }, length: start + size };
}

export function headerOf({ headers }: Received, name: string): string | undefined {
  return headers.find(([one]) => one === name)?.[1];
}

/** An answer with this status line and these headers. */
export function octets(body: string, lines: readonly string[] = [], status = '200 OK'): string {
  const type = lines.some((line) => /^content-type/i.test(line)) ? [] : ['Content-Type: application/json'];
  return [`HTTP/1.1 ${status}`, ...type, ...lines, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

export function result(id: unknown, value: object): string {
  const text = JSON.stringify({ jsonrpc: '2.0', id, result: value });
  return Buffer.from(text).toString('latin1');
}

/** What a legacy server that does no harm answers. */
export function legacy({ message }: Received, lines: readonly string[] = []): string {
  const { id, method, params } = message;
  if (method === undefined) return octets('', [], '405 Method Not Allowed');
  if (method === 'server/discover') {
    return octets(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
  }
  if (id === undefined) return octets('', [], '202 Accepted');
  if (method !== 'initialize') return octets(result(id, { took: method }));
  const serverInfo = { name: 'remote', version: '1' };
  const { protocolVersion } = params;
  return octets(result(id, { protocolVersion, capabilities: {}, serverInfo }), lines);
}

/** What a modern server that does no harm answers. */
export function modern({ message }: Received, tools: string = '[]'): string {
  const { id, method } = message;
  if (id === undefined) return octets('', [], '202 Accepted');
  if (method === 'server/discover') {
    const capabilities = { tools: {} };
    const more = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
    const serverInfo = { name: 'remote', version: '1' };
    return octets(result(id, { supportedVersions: ['2026-07-28'], capabilities, serverInfo, ...more }));
  }
  if (method === 'tools/list') {
    const list = `{"tools":${tools},"resultType":"complete","ttlMs":0,"cacheScope":"private"}`;
    return octets(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${list}}`);
  }
  return octets(result(id, { took: method, resultType: 'complete', content: [] }));
}
