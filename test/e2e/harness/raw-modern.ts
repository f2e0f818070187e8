/** Requests of the modern era over HTTP, as they are on the wire. */
import { http, type Message, type RawAnswer } from './raw-http.js';

export const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';

export interface ModernOptions {
  readonly id?: string | number;
  readonly clientName?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly logLevel?: string;
  readonly progressToken?: string | number;
  /** The rest of `params`, beside what belongs to the method. */
  readonly more?: object;
  /** Replace the usual headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The text of a request. */
export function modernBody(method: string, params: object, options: ModernOptions = {}): string {
  const { id = 1, clientName = 'raw-modern', capabilities = {}, logLevel, progressToken, more } = options;
  const _meta = {
    [`${META}protocolVersion`]: MODERN,
    [`${META}clientInfo`]: { name: clientName, version: '1' },
    [`${META}clientCapabilities`]: capabilities,
    ...(logLevel === undefined ? {} : { [`${META}logLevel`]: logLevel }),
    ...(progressToken === undefined ? {} : { progressToken }),
  };
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ...more, _meta } });
}

/** POSTs a request with the headers that belong to it. */
export function modernPost(
  url: string,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  options: ModernOptions = {},
): Promise<RawAnswer> {
  const name = params.name ?? params.uri;
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': String(name) }),
    ...options.headers,
  };
  return http(url, { method: 'POST', headers, body: modernBody(method, params, options) });
}

export function modernCall(
  url: string,
  name: string,
  args: object = {},
  options: ModernOptions = {},
): Promise<RawAnswer> {
  return modernPost(url, 'tools/call', { name, arguments: args }, options);
}

/** The last message of an answer, which is the response, and what came before it. */
export async function messagesOf(answer: RawAnswer): Promise<Message[]> {
  if (answer.headers['content-type']?.startsWith('text/event-stream')) return answer.events().messages();
  return [JSON.parse(await answer.text())];
}

export async function responseOf(answer: RawAnswer): Promise<Message> {
  return (await messagesOf(answer)).at(-1) ?? {};
}
