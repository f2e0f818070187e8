/** HTTP as the peers of the HTTP halves speak it: `node:http`, and nothing of the proxy's own. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Wire } from '../../src/jsonrpc/wire.js';

interface HttpServer {
  readonly origin: string;
  /** Lets nobody in any more; what is open goes on. */
  shut(): void;
  /** Cuts every connection. */
  cut(): void;
  /** Both, and settles when everybody who holds an answer has been told that it is closed. */
  stop(): Promise<void>;
}

export async function serve(answer: RequestListener): Promise<HttpServer> {
  const answers: Promise<void>[] = [];
  const server = createServer((asked, response) => {
    answers.push(new Promise((resolve) => response.once('close', resolve)));
    answer(asked, response);
  });
  // No connection is closed for being idle: a request could meet one that is just about to be.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  return {
    origin: `http://127.0.0.1:${port}`,
    shut: () => void server.close(),
    cut: () => server.closeAllConnections(),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await closed;
      await Promise.all(answers);
    },
  };
}

interface Sent {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Wire;
}

/** Sends a request on a connection of its own; settles with the head of its answer. */
export function send(url: URL, { method, headers = {}, body }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const octets = body === undefined ? undefined : Buffer.from(body, 'latin1');
    const length = octets === undefined ? {} : { 'content-length': String(octets.length) };
    const sent = request(url, { method, agent: false, headers: { ...headers, ...length } });
    sent.once('response', resolve);
    sent.on('error', reject);
    sent.end(octets);
  });
}

/** All octets of a request or an answer; undefined where it broke off. */
export async function read(incoming: IncomingMessage): Promise<Wire | undefined> {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => incoming.once('close', resolve));
  return incoming.complete ? Buffer.concat(chunks).toString('latin1') : undefined;
}

/**
 * Reads an event stream as it comes (WHATWG HTML, "Server-sent events"; lines that end with LF). An event
 * without data is none.
 */
export function readEvents(incoming: IncomingMessage, take: (type: string, data: Wire) => void): void {
  let rest = '';
  incoming.on('data', (chunk: Buffer) => {
    const events = (rest + chunk.toString('latin1')).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      let type = 'message';
      const data: Wire[] = [];
      for (const line of event.split('\n')) {
        const [, field, value = ''] = /^([^:]+):? ?(.*)$/s.exec(line) ?? [];
        if (field === 'event') type = value;
        if (field === 'data') data.push(value);
      }
      const whole = data.join('\n');
      if (whole !== '') take(type, whole);
    }
  });
  // Whoever breaks it off gets this as an error; its end is what counts.
  incoming.on('error', () => undefined);
}

/** One thing after the other: without it nothing puts what has a connection of its own before the next. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  add(action: () => unknown): void {
    this.#last = this.#last.then(action);
  }

  /** Settles when all are done; rejects where one has failed. */
  async done(): Promise<void> {
    await this.#last;
  }
}

/** What a text says it is, if it is a JSON object. */
export function glance(text: Wire): { readonly id?: unknown; readonly method?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'latin1').toString());
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // tests send what is no JSON, too
  }
}
