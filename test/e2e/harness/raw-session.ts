/** A session over Streamable HTTP, POST by POST. */
import { http, type Message, type RawAnswer, type RawEvents } from './raw-http.js';

const BOTH = 'application/json, text/event-stream';
const JSON_BODY = { 'content-type': 'application/json', accept: BOTH };

export interface SessionOptions {
  readonly version?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly clientName?: string;
}

export function initialize({
  version = '2025-11-25',
  capabilities = {},
  clientName = 'raw',
}: SessionOptions): string {
  const params = { protocolVersion: version, capabilities, clientInfo: { name: clientName, version: '1' } };
  return JSON.stringify({ jsonrpc: '2.0', id: 'init', method: 'initialize', params });
}

/** POSTs a text as it is. `headers` replace the usual ones; an empty value leaves one out. */
export function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const all = Object.entries({ ...JSON_BODY, ...headers }).filter(([, value]) => value !== '');
  return http(url, { method: 'POST', headers: Object.fromEntries(all), body });
}

const opened = new Set<RawSession>();
let clients = 0;

/** Ends every session of this file that is still open. */
export async function endSessions(): Promise<void> {
  const ending = [...opened].map((session) => session.end());
  opened.clear();
  await Promise.all(ending);
}

/** Each session has a client of its own name, and so, where sharing is `auto`, a server of its own. */
export class RawSession {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  #lastId = 0;

  private constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.url = url;
    this.headers = headers;
  }

  static async begin(url: string, given: SessionOptions = {}): Promise<RawSession> {
    clients += 1;
    const options = { clientName: `raw-${clients}`, ...given };
    const answer = await post(url, initialize(options));
    const id = answer.headers['mcp-session-id'];
    const text = await answer.text();
    if (answer.status !== 200 || typeof id !== 'string')
      throw new Error(`no session: ${answer.status} ${text}`);
    const version = options.version ?? '2025-11-25';
    // The header came with 2025-06-18.
    const stated = version < '2025-06-18' ? {} : { 'mcp-protocol-version': version };
    const session = new RawSession(url, { 'mcp-session-id': id, ...stated });
    opened.add(session);
    const initialized = await session.post({ method: 'notifications/initialized' });
    if (initialized.status !== 202) throw new Error(`initialized: ${initialized.status}`);
    return session;
  }

  get id(): string {
    return this.headers['mcp-session-id'] ?? '';
  }

  post(message: object): Promise<RawAnswer> {
    return post(this.url, JSON.stringify({ jsonrpc: '2.0', ...message }), this.headers);
  }

  /** POSTs a text as it is. */
  postText(text: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return post(this.url, text, { ...this.headers, ...headers });
  }

  /** POSTs a tool call with an id of its own. */
  callTool(name: string, args: object = {}, meta?: object): Promise<RawAnswer> {
    this.#lastId += 1;
    const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
    return this.post({ id: this.#lastId, method: 'tools/call', params });
  }

  /** Calls a tool that answers at once; its structuredContent. */
  async call(name: string, args: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.callTool(name, args);
    const { result, error }: Message = answer.headers['content-type']?.startsWith('text/event-stream')
      ? ((await answer.events().messages()).at(-1) ?? {})
      : JSON.parse(await answer.text());
    const content = result?.structuredContent;
    if (typeof content !== 'object' || content === null) throw new Error(`${name}: ${JSON.stringify(error)}`);
    return { ...content };
  }

  /** Opens the GET stream, or resumes the one that an event id belongs to. */
  async listen(lastEventId?: string): Promise<RawEvents & { readonly close: () => void }> {
    const resume: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const answer = await http(this.url, {
      headers: { ...this.headers, accept: 'text/event-stream', ...resume },
    });
    if (answer.status !== 200) throw new Error(`GET: ${answer.status} ${await answer.text()}`);
    return Object.assign(answer.events(), { close: answer.abort });
  }

  end(): Promise<RawAnswer> {
    return http(this.url, { method: 'DELETE', headers: this.headers });
  }
}
