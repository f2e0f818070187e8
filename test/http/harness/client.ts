/** A client of Streamable HTTP that does what a test says and nothing else. */
import { expect } from 'vitest';
import { type Answer, exchange, type Sent, Stream, send, whole } from './http.js';

export const STREAMABLE_VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const;
export const BOTH = 'application/json, text/event-stream';

/** A notification that no call causes, with something to tell it by. */
export function updated(n: unknown): object {
  return { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: `x://${n}` } };
}

export interface Opening {
  readonly version?: string;
  readonly name?: string;
  readonly capabilities?: object;
  /** Sent with every request, as to authenticate. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function initializeBody({
  version = '2025-11-25',
  name = 'test',
  capabilities = {},
}: Opening = {}): string {
  const params = { protocolVersion: version, capabilities, clientInfo: { name, version: '1' } };
  return JSON.stringify({ jsonrpc: '2.0', id: 'init', method: 'initialize', params });
}

export function requestBody(id: unknown, method: string, params?: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** POSTs a body as a client should. */
export function post(url: string, body: string | Buffer, more: Sent = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/json', accept: BOTH, ...more.headers };
  return exchange(url, { ...more, method: 'POST', body, headers });
}

export class Client {
  readonly url: string;
  readonly version: string;
  readonly session: string;
  readonly #more: Readonly<Record<string, string>>;
  #id = 0;

  constructor(url: string, version: string, session: string, more: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.version = version;
    this.session = session;
    this.#more = more;
  }

  /** `initialize` and `notifications/initialized`. */
  static async open(url: string, opening: Opening = {}): Promise<Client> {
    const { headers = {} } = opening;
    const answer = await post(url, initializeBody(opening), { headers });
    expect(answer.status, answer.body).toBe(200);
    const session = answer.headers['mcp-session-id'];
    const client = new Client(url, opening.version ?? '2025-11-25', String(session), headers);
    expect((await client.notify('notifications/initialized')).status).toBe(202);
    return client;
  }

  get headers(): Record<string, string> {
    const version = this.version === '2025-03-26' ? {} : { 'mcp-protocol-version': this.version };
    const own = { 'content-type': 'application/json', accept: BOTH, 'mcp-session-id': this.session };
    return { ...own, ...version, ...this.#more };
  }

  nextId(): number {
    return ++this.#id;
  }

  post(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return exchange(this.url, { method: 'POST', body, headers: { ...this.headers, ...headers } });
  }

  notify(method: string, params?: object): Promise<Answer> {
    return this.post(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** A request whose answer is JSON. Gives its result. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  async ask(method: string, params?: object): Promise<any> {
    const answer = await this.post(requestBody(this.nextId(), method, params));
    expect(answer.headers['content-type'], answer.body).toBe('application/json');
    const message = JSON.parse(answer.body);
    expect(message, answer.body).toHaveProperty('result');
    return message.result;
  }

  /** A request whose answer is an event stream. */
  async stream(method: string, params?: object, id: unknown = this.nextId()): Promise<Stream> {
    const response = await send(this.url, {
      method: 'POST',
      body: requestBody(id, method, params),
      headers: this.headers,
    });
    expect(response.headers['content-type']).toBe('text/event-stream');
    return new Stream(response);
  }

  async listen(lastEventId?: string): Promise<Stream> {
    const { 'content-type': _, ...headers } = this.headers;
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await send(this.url, {
      headers: { ...headers, accept: 'text/event-stream', ...resume },
    });
    if (response.statusCode !== 200)
      throw new Error(`${response.statusCode}: ${(await whole(response)).body}`);
    return new Stream(response);
  }

  delete(): Promise<Answer> {
    return exchange(this.url, { method: 'DELETE', headers: this.headers });
  }
}
