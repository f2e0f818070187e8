/** HTTP as it is on the wire: every header, every status, the very text of every event. */
import { type IncomingHttpHeaders, type IncomingMessage, request as send } from 'node:http';
import { createParser } from 'eventsource-parser';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The whole body. Waits for its end. */
  text(): Promise<string>;
  /** The body as an event stream. */
  events(): RawEvents;
  /** Drops the connection. */
  abort(): void;
}

export interface RawEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export function http(
  url: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, agent: false }, (response) => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: () => textOf(response),
        events: () => new RawEvents(response),
        abort: () => void request.destroy(),
      });
    });
    // After `abort` there is nobody to tell.
    request.on('error', reject);
    request.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

/** The events of one answer, in their order. */
export class RawEvents {
  /** All that came so far. */
  readonly all: RawEvent[] = [];
  /** The values of `retry` fields, and the comments, as they came. */
  readonly retries: number[] = [];
  readonly comments: string[] = [];
  /** Resolves when the server has ended the stream, or the connection is gone. */
  readonly ended: Promise<void>;
  readonly #looking = new Set<() => void>();
  #taken = 0;

  constructor(response: IncomingMessage) {
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        this.all.push({ id, event, data });
        for (const look of [...this.#looking]) look();
      },
      onRetry: (retry) => this.retries.push(retry),
      onComment: (comment) => this.comments.push(comment),
    });
    response.setEncoding('utf8').on('data', (chunk: string) => parser.feed(chunk));
    this.ended = new Promise((resolve) => {
      response.once('close', resolve);
    });
    response.on('error', () => undefined);
  }

  /** The next event that has data. Rejects when the stream ends before. */
  next(): Promise<RawEvent> {
    return new Promise((resolve, reject) => {
      const look = () => {
        while (this.#taken < this.all.length) {
          const event = this.all[this.#taken];
          this.#taken += 1;
          if (event === undefined || event.data === '') continue;
          this.#looking.delete(look);
          resolve(event);
          return;
        }
      };
      this.#looking.add(look);
      look();
      void this.ended.then(() => reject(new Error(`the stream ended after ${JSON.stringify(this.all)}`)));
    });
  }

  /** Resolves once an event that fits has come, whether or not `next` has given it. */
  seen(fits: (event: RawEvent) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.all.some(fits)) return;
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      look();
    });
  }

  /** The next message. */
  async message(): Promise<Message> {
    return JSON.parse((await this.next()).data);
  }

  /** All messages, once the stream has ended. */
  async messages(): Promise<Message[]> {
    await this.ended;
    return this.all.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data));
  }
}

/** A JSON-RPC message as a test looks at it. */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}
