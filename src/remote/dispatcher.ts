import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type AnswerHeaders, answerHeaders } from './answer-headers.js';
import { type Connection, Connections, type Waiting } from './connections.js';
import { hangUp, type Verify, Way } from './opening.js';
import { type OutboundProxy, proxyAuthorization } from './proxy.js';

/** Connections to one remote at a time, where nothing else is said. */
const MAX_CONNECTIONS = 512;

/**
 * So many connections are enough for `requests` that are open at once, so that none of them, and nothing that is said
 * beside them, waits for one: each request has its own, keeps it for some seconds after it was answered or cancelled,
 * and a few are for notifications, answers and streams.
 */
export function connectionsFor(requests: number): number {
  return 2 * requests + 16;
}

/** One try of a request. */
export interface Outgoing {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** What becomes of it. `end` or `failed` comes last, and exactly one of them, unless it is aborted. */
export interface Receiver {
  /** It goes out on its connection now. */
  sent(): void;
  head(status: number, headers: AnswerHeaders): void;
  data(chunk: Buffer): void;
  end(): void;
  failed(error: Error): void;
}

/**
 * Sends requests to one origin, each on a connection that it has for itself meanwhile. No time limit on an answer or
 * its body: a tool may take as long as it takes, and an event stream is silent for hours. A peer that has vanished is
 * found by TCP keep-alive.
 */
export class Dispatcher {
  readonly #connections: Connections;
  readonly #agent = new Handing();
  /** What stands before the path: in front of a proxy the origin (RFC 9112, section 3.2.2). */
  readonly #prefix: string;
  readonly #host: string;
  /** What the proxy is told, which has to know the host as well. */
  readonly #forProxy: readonly string[] | undefined;

  /**
   * @param headers those that every request has: its `Host` may be another than the origin's
   * @param connectTimeout milliseconds
   * @param connections how many there may be at once; what is sent beyond that waits
   * Throws an `Error` in words where the CA bundle cannot be read.
   */
  constructor(
    origin: string,
    headers: Readonly<Record<string, string>>,
    verify: Verify,
    connectTimeout: number,
    proxy: OutboundProxy | undefined,
    connections: number = MAX_CONNECTIONS,
  ) {
    const isForwarded = proxy !== undefined && origin.startsWith('http:');
    const authorization = isForwarded ? proxyAuthorization(proxy) : undefined;
    this.#host = new URL(origin).host;
    this.#prefix = isForwarded ? origin : '';
    if (isForwarded) {
      this.#forProxy = authorization === undefined ? [] : ['proxy-authorization', authorization];
    }
    this.#connections = new Connections(
      new Way(origin, headers.host, verify, connectTimeout, proxy),
      connections,
    );
  }

  send(outgoing: Outgoing, receiver: Receiver): Sending {
    const sending = new Sending(this, this.#connections, outgoing, receiver);
    this.#connections.ask(sending);
    return sending;
  }

  /** Throws where a header cannot be sent. */
  begin({ method, path, headers, body }: Outgoing, connection: Connection): ClientRequest {
    const host = this.#forProxy === undefined ? (headers.host ?? this.#host) : this.#host;
    const all = ['host', host, 'connection', 'keep-alive'];
    for (const name of Object.keys(headers)) {
      if (name !== 'host') all.push(name, headers[name] ?? '');
    }
    if (this.#forProxy !== undefined) all.push(...this.#forProxy);
    if (body !== undefined) all.push('content-length', String(body.length));
    else if (method === 'POST') all.push('content-length', '0');
    const { socket } = connection;
    const options = {
      agent: this.#agent,
      socket,
      method,
      path: this.#prefix + path,
      // As a list they are written as they are, without a detour.
      headers: all,
      insecureHTTPParser: false,
    };
    return request(options);
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

/** By which a request gets the connection that it was made for: Node's own agents open theirs. */
class Handing extends Agent {
  constructor() {
    super({ keepAlive: true });
  }

  /** Node calls it for every request. */
  addRequest(one: ClientRequest, { socket }: { readonly socket: Connection['socket'] }): void {
    one.onSocket(socket);
  }
}

/** A request on its way. */
export class Sending implements Waiting {
  readonly #dispatcher: Dispatcher;
  readonly #connections: Connections;
  readonly #outgoing: Outgoing;
  readonly #receiver: Receiver;
  #connection: Connection | undefined;
  #request: ClientRequest | undefined;
  #answered = false;
  #over = false;

  constructor(dispatcher: Dispatcher, connections: Connections, outgoing: Outgoing, receiver: Receiver) {
    this.#dispatcher = dispatcher;
    this.#connections = connections;
    this.#outgoing = outgoing;
    this.#receiver = receiver;
  }

  /** Breaks it off, its connection too. Its receiver is told nothing any more. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#request === undefined) this.#connections.cancel(this);
    else this.#request.destroy();
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    try {
      this.#request = this.#dispatcher.begin(this.#outgoing, connection);
    } catch (error) {
      this.#connections.release(connection);
      this.failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#request
      .on('socket', () => {
        if (!this.#over) this.#receiver.sent();
      })
      .on('response', (answer) => this.#begun(answer))
      .on('error', (error) => this.failed(error))
      .on('close', () => {
        // As with an answer that goes over to another protocol.
        if (!this.#answered) this.failed(hangUp());
      })
      .end(this.#outgoing.body);
  }

  failed(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#receiver.failed(error);
  }

  #begun(answer: IncomingMessage): void {
    this.#answered = true;
    const headers = answerHeaders(answer.rawHeaders);
    this.#connection?.told(headers['keep-alive']);
    answer
      .on('data', (chunk: Buffer) => {
        if (!this.#over) this.#receiver.data(chunk);
      })
      .on('end', () => this.#ended())
      .on('error', (error) => this.failed(error));
    if (!this.#over) this.#receiver.head(answer.statusCode ?? 0, headers);
  }

  #ended(): void {
    // Nobody knows whether the server reads the rest of the request.
    if (this.#request?.writableFinished === false) this.#request.destroy();
    if (this.#over) return;
    this.#over = true;
    this.#receiver.end();
  }
}
