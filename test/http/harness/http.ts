/** Raw HTTP, as a test needs it: nothing is retried, nothing is hidden. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { createParser } from 'eventsource-parser';

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends the body in chunks, without a Content-Length. */
  readonly chunked?: boolean;
  /** The connections to use, in place of one for each request. */
  readonly agent?: Agent;
  /** With what an https URL is asked, on a connection of its own. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One thing that came on an event stream. */
export type Item =
  | {
      readonly kind: 'event';
      readonly id: string | undefined;
      readonly event: string | undefined;
      readonly data: string;
    }
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'retry'; readonly ms: number };

/** The connections of this test file; none is shared, so that what one does to its own hurts no other. */
const NO_SHARING = new Agent({ keepAlive: false });

/** Sends a request; settles with the head of its answer. */
export function send(
  url: string,
  { method = 'GET', headers = {}, body, chunked = false, agent = NO_SHARING, tls = {} }: Sent,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const all = { method, headers: { ...length, ...headers } };
    const sent = url.startsWith('https:')
      ? requestTls(url, { ...all, ...tls, agent: false })
      : request(url, { ...all, agent });
    sent.once('response', resolve);
    sent.once('error', reject);
    if (chunked && body !== undefined) {
      const octets = Buffer.from(body);
      for (let at = 0; at < octets.length; at += 65_536) sent.write(octets.subarray(at, at + 65_536));
      sent.end();
    } else sent.end(body);
  });
}

/** Sends a request and reads the whole answer. */
export async function exchange(url: string, sent: Sent = {}): Promise<Answer> {
  return whole(await send(url, sent));
}

export async function whole(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** Reads an event stream as it comes. */
export class Stream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Everything that came so far. */
  readonly items: Item[] = [];
  readonly #response: IncomingMessage;
  readonly #watchers = new Set<() => void>();
  #ended = false;
  #taken = 0;

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    const parser = createParser({
      onEvent: ({ id, event, data }) => this.#add({ kind: 'event', id, event, data }),
      onComment: (text) => this.#add({ kind: 'comment', text }),
      onRetry: (ms) => this.#add({ kind: 'retry', ms }),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => parser.feed(text));
    response.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
    // Whoever breaks a connection gets this as an error; its end is what counts.
    response.on('error', () => this.#wake());
  }

  /** Events with data, in their order. */
  get events(): Extract<Item, { kind: 'event' }>[] {
    return this.items.filter((item) => item.kind === 'event');
  }

  /** The messages, parsed. An event without data is none, nor is the one that names the endpoint. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  get messages(): any[] {
    return this.events
      .filter(({ event, data }) => data !== '' && event !== 'endpoint')
      .map(({ data }) => JSON.parse(data));
  }

  get lastId(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? '';
  }

  /** The next item that was not taken yet; fails when the stream ends without one. */
  async next(): Promise<Item> {
    await this.until(() => this.items.length > this.#taken);
    const item = this.items[this.#taken++];
    if (!item) throw new Error('the stream has ended');
    return item;
  }

  /** Settles when the condition holds, or the stream has ended. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }

  /** Settles when so many messages came. Fails where the stream ends before. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async message(count: number): Promise<any> {
    await this.until(() => this.messages.length >= count);
    const found = this.messages[count - 1];
    if (found === undefined) throw new Error(`the stream ended after ${JSON.stringify(this.items)}`);
    return found;
  }

  async ended(): Promise<void> {
    await this.until(() => false);
  }

  /** Breaks the connection. */
  break(): void {
    this.#response.destroy();
  }

  #add(item: Item): void {
    this.items.push(item);
    this.#wake();
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }
}
