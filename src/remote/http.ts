import type { Emit, ProxyEvent } from '../observability/events.js';
import { type Secrets, SHORTEST_HEADER } from '../observability/secrets.js';
import { PassingSet } from '../relay/passing.js';
import type { AnswerHeaders } from './answer-headers.js';
import type { Credentials } from './credentials.js';
import { describeUrl } from './describe-url.js';
import { connectionsFor, Dispatcher } from './dispatcher.js';
import { HttpExchange } from './http-exchange.js';
import type { Verify } from './opening.js';
import { Patience, type PatienceOptions } from './patience.js';
import { type OutboundProxy, proxyFor, proxySecrets } from './proxy.js';

export interface HttpOptions {
  /** The one origin that requests go to: the headers may hold secrets that nobody else must see. */
  readonly origin: string;
  readonly verify: Verify;
  /** For every request, by name in lower case; a request's own headers win. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Give the `Authorization`, unless `headers` has one. */
  readonly credentials?: Credentials;
  /** What no text of this client may hold. It adds the password of the proxy that the requests go through. */
  readonly secrets?: Secrets;
  /** Milliseconds until a connection must stand. */
  readonly connectTimeout?: number;
  /** Requests that are to be open at once without waiting for each other; undefined: some hundreds. */
  readonly maxInFlight?: number;
  /** With servers that ask for time. */
  readonly patience?: Partial<PatienceOptions>;
  /** Told of what takes long. */
  readonly emit?: Emit;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Milliseconds until the head of the answer must be there, redirects included; undefined: no limit. */
  readonly headTimeout?: number;
}

/** What becomes of a request. `end` or `failed` comes last, and exactly one of them, unless it is aborted. */
export interface HttpHandler {
  /** The request goes out on its connection now. */
  sent?(): void;
  /** A refusal: milliseconds after which the request is sent again, instead of an answer; undefined: it is not. */
  again?(status: number, headers: AnswerHeaders): number | undefined;
  head(status: number, headers: AnswerHeaders): void;
  data(chunk: Buffer): void;
  end(): void;
  /** `wasSent`: the request, on its last try. */
  failed(error: Error, wasSent: boolean): void;
}

export interface Exchange {
  /** Ends it. Nothing of its handler is called any more. */
  abort(): void;
  /** It waits to be sent, for the first time or again after it was refused: the server knows nothing of it. */
  readonly paused: boolean;
}

/** Names and addresses that take longer than this (ms) to connect to are not there. */
const CONNECT_TIMEOUT = 10_000;

/**
 * HTTP requests to one origin, on a pool of kept-alive connections.
 *
 * A redirect is followed only within the origin, and only where method and body stay (RFC 9110, section
 * 15.4); any other is an answer like any other. The credentials say what becomes of a 401.
 *
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold. Throws an `Error` in words for one that cannot be used.
 */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #dispatcher: Dispatcher;
  /** Exchanges that wait to be sent, for their next try or for credentials: the pool does not know of them. */
  readonly #paused = new PassingSet<HttpExchange>();
  /** Through which the requests go, if any. */
  readonly proxy: OutboundProxy | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.proxy = proxyFor(options.origin, process.env);
    for (const value of proxySecrets(this.proxy)) options.secrets?.add(value, SHORTEST_HEADER);
    this.#dispatcher = new Dispatcher(
      options.origin,
      options.headers ?? {},
      options.verify,
      options.connectTimeout ?? CONNECT_TIMEOUT,
      this.proxy,
      options.maxInFlight === undefined ? undefined : connectionsFor(options.maxInFlight),
    );
  }

  send(request: HttpRequest, handler: HttpHandler): Exchange {
    const { origin, headers, credentials } = this.#options;
    if (request.url.origin !== origin)
      throw new TypeError(`${this.describe(request.url)} is not of ${origin}`);
    const own = headers?.authorization === undefined ? credentials : undefined;
    const all = { ...headers, ...request.headers };
    return new HttpExchange(this.#dispatcher, { ...request, headers: all }, handler, own, this.#paused);
  }

  /** How long a request goes on where the server asks for time. */
  patience(): Patience {
    return new Patience(this.#options.patience);
  }

  tell({ level, text }: ProxyEvent): void {
    this.#options.emit?.({ level, text: this.mask(text) });
  }

  mask(text: string): string {
    return this.#options.secrets?.mask(text) ?? text;
  }

  /** A URL as it may be shown. */
  describe(url: URL): string {
    return describeUrl(url, (text) => this.mask(text));
  }

  /** Ends every exchange and every connection. */
  async close(): Promise<void> {
    for (const exchange of this.#paused) exchange.giveUp();
    await Promise.all([this.#dispatcher.close(), this.#options.credentials?.close()]);
  }
}
