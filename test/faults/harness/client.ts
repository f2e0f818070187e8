/** Clients over raw HTTP that keep all they hear, of each transport that has sessions. */
import type { Agent } from 'node:http';
import type { Message } from '../../e2e/harness/raw-http.js';
import { BOTH } from '../../http/harness/client.js';
import { Stream, send, whole } from '../../http/harness/http.js';
import { Watch } from './watch.js';

export interface Identity {
  readonly name: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly id: number;
  readonly answer: Promise<Message>;
}

interface Waiting {
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: Error) => void;
  answers: number;
}

export abstract class FaultClient {
  readonly identity: Identity;
  /** All that came, in its order, on whatever stream. */
  readonly heard: Message[] = [];
  /** Answers that it did not wait for: to no request of its own, or the second one. */
  readonly strays: Message[] = [];
  /** Whether the stream is open on which the server speaks on its own. */
  listening = false;
  readonly #watch = new Watch();
  readonly #asked = new Map<unknown, Waiting>();
  #lastId = 0;

  constructor(identity: Identity) {
    this.identity = identity;
  }

  abstract readonly version: string;
  /** POSTs a body; what comes for it is given to `take`. Settles with the status once all of that came. */
  protected abstract post(body: string): Promise<{ readonly status: number; readonly text: string }>;
  /** What there is to do before `initialize`, and after it. */
  abstract connect(): Promise<void>;
  protected abstract listen(): Promise<void>;
  /** The end, as the client's transport defines it. */
  abstract end(): Promise<void>;

  get initializeParams(): Readonly<Record<string, unknown>> {
    const { name, capabilities } = this.identity;
    return { protocolVersion: this.version, capabilities, clientInfo: { name, version: '1.2.3' } };
  }

  /** The whole handshake. */
  async begin(): Promise<this> {
    await this.connect();
    await this.call('initialize', this.initializeParams);
    await this.notify('notifications/initialized');
    await this.listen();
    return this;
  }

  /** Sends a request. */
  ask(method: string, params: object = {}): Asked {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Message>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject, answers: 0 });
    });
    const refused = (error: Error): void => this.#asked.get(id)?.reject(error);
    // Whoever waits for it gets it; a test that failed before does not.
    answer.catch(() => undefined);
    this.post(JSON.stringify({ jsonrpc: '2.0', id, method, params })).then(({ status, text }) => {
      if (status !== 200 && status !== 202) refused(new Error(`${method}: HTTP ${status} ${text}`));
    }, refused);
    return { id, answer };
  }

  /** The result of a request. Rejects with its error. */
  async call(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const { result, error } = await this.ask(method, params).answer;
    if (result === undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  async notify(method: string, params: object = {}): Promise<void> {
    await this.post(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** Answers a question. */
  async respond(id: unknown, result: object): Promise<void> {
    await this.post(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }

  /** The first message that fits, of those that came and will come. Rejects where the stream ends before. */
  until(what: string, fits: (message: Message) => boolean): Promise<Message> {
    return this.#watch.until(`${what} at client ${this.identity.name}`, () => {
      const found = this.heard.find(fits);
      if (found === undefined && !this.listening) {
        throw new Error(`no ${what}: the stream of ${this.identity.name} ended; it heard ${this.#text()}`);
      }
      return found;
    });
  }

  /** The notifications of a method that came. */
  of(method: string): Message[] {
    return this.heard.filter((message) => message.method === method);
  }

  /** What came that was no answer to its own requests. */
  get unasked(): Message[] {
    return this.heard.filter(({ method }) => method !== undefined);
  }

  protected take(message: Message): void {
    this.heard.push(message);
    if (message.method === undefined) {
      const waiting = this.#asked.get(message.id);
      if (waiting === undefined || waiting.answers > 0) this.strays.push(message);
      if (waiting !== undefined) waiting.answers += 1;
      waiting?.resolve(message);
    }
    this.#watch.wake();
  }

  /** Takes all messages of a stream. */
  protected async read(stream: Stream): Promise<void> {
    for (let taken = 0; ; taken++) {
      await stream.until(() => stream.messages.length > taken);
      const message = stream.messages[taken];
      if (message === undefined) return;
      this.take(message);
    }
  }

  /** Reads the stream on which the server speaks on its own. */
  protected attend(stream: Stream): void {
    this.listening = true;
    void this.read(stream).then(() => {
      this.listening = false;
      this.#watch.wake();
      const error = new Error(`the stream of ${this.identity.name} ended; it heard ${this.#text()}`);
      for (const { reject } of this.#asked.values()) reject(error);
    });
  }

  #text(): string {
    return JSON.stringify(this.heard);
  }
}

export interface Reach {
  readonly mcp: string;
  readonly sse: string;
  /** The connections of the client, where they are to be its own. */
  readonly agent?: Agent;
}

export class StreamableClient extends FaultClient {
  readonly version = '2025-11-25';
  readonly #reach: Reach;
  #session: string | undefined;
  #stream: Stream | undefined;

  constructor(reach: Reach, identity: Identity) {
    super(identity);
    this.#reach = reach;
  }

  async connect(): Promise<void> {}

  get #headers(): Record<string, string> {
    if (this.#session === undefined) return {};
    return { 'mcp-session-id': this.#session, 'mcp-protocol-version': this.version };
  }

  protected async post(body: string) {
    const headers = { ...this.#headers, 'content-type': 'application/json', accept: BOTH };
    const { mcp, agent } = this.#reach;
    const response = await send(mcp, { method: 'POST', body, headers, ...(agent && { agent }) });
    const session = response.headers['mcp-session-id'];
    if (typeof session === 'string') this.#session = session;
    const status = response.statusCode ?? 0;
    if (response.headers['content-type'] === 'text/event-stream') {
      await this.read(new Stream(response));
      return { status, text: '' };
    }
    const { body: text } = await whole(response);
    if (status === 200) this.take(JSON.parse(text));
    return { status, text };
  }

  protected async listen(): Promise<void> {
    const headers = { ...this.#headers, accept: 'text/event-stream' };
    const response = await send(this.#reach.mcp, { headers });
    if (response.statusCode !== 200) throw new Error(`GET: HTTP ${response.statusCode}`);
    this.#stream = new Stream(response);
    this.attend(this.#stream);
  }

  async end(): Promise<void> {
    await whole(await send(this.#reach.mcp, { method: 'DELETE', headers: this.#headers }));
    await this.#stream?.ended();
  }
}

export class SseClient extends FaultClient {
  readonly version = '2024-11-05';
  readonly #reach: Reach;
  #endpoint = '';
  #stream: Stream | undefined;

  constructor(reach: Reach, identity: Identity) {
    super(identity);
    this.#reach = reach;
  }

  async connect(): Promise<void> {
    const stream = new Stream(await send(this.#reach.sse, { headers: { accept: 'text/event-stream' } }));
    const first = await stream.next();
    if (first.kind !== 'event') throw new Error('no endpoint');
    this.#endpoint = new URL(first.data, this.#reach.sse).href;
    this.#stream = stream;
    this.attend(stream);
  }

  protected async post(body: string) {
    const { agent } = this.#reach;
    const headers = { 'content-type': 'application/json' };
    const sent = { method: 'POST', body, headers, ...(agent && { agent }) };
    const answer = await whole(await send(this.#endpoint, sent));
    return { status: answer.status, text: answer.body };
  }

  protected async listen(): Promise<void> {}

  async end(): Promise<void> {
    this.#stream?.break();
    await this.#stream?.ended();
  }
}
