import type { PassingSet } from '../relay/passing.js';
import type { AnswerHeaders } from './answer-headers.js';
import type { AuthHeaders, Credentials } from './credentials.js';
import type { Dispatcher, Receiver, Sending } from './dispatcher.js';
import type { Exchange, HttpHandler, HttpRequest } from './http.js';

/** Redirects that one request follows; more is a loop. */
const MAX_REDIRECTS = 5;

/** Octets of an answer that nobody needs which are read to keep the connection; past it, it is given up. */
const MAX_DISCARDED = 64 * 1024;

/** Longest time, in ms, that the end of such an answer is waited for. */
const DISCARD_TIME = 2_000;

/** No answer came in the time that the request had. */
export class HeadTimeout extends Error {}

/**
 * One request and what it leads to: redirects within the origin, and more tries where the credentials or its
 * handler say so. Its time stands still while the credentials are waited for: a person may have to sign in.
 */
export class HttpExchange implements Exchange, Receiver {
  readonly #dispatcher: Dispatcher;
  readonly #request: HttpRequest;
  readonly #handler: HttpHandler;
  readonly #credentials: Credentials | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds that are left for the head of the answer, when `#timer` was set at `#timedFrom`. */
  #left: number | undefined;
  #timedFrom = 0;
  readonly #allPaused: PassingSet<HttpExchange>;
  #pause: NodeJS.Timeout | undefined;
  #url: URL;
  #redirects = 0;
  #auth: AuthHeaders = {};
  /** How often the credentials were asked again. */
  #tries = 0;
  /** Whether the try that there is has gone out. */
  #isSent = false;
  #starting = true;
  #over = false;
  /** The try that there is. */
  #sending: Sending | undefined;
  /** What follows an answer that is not handed on, but read to its end. */
  #next: (() => void) | undefined;
  #discarded = 0;
  #discarding: NodeJS.Timeout | undefined;

  constructor(
    dispatcher: Dispatcher,
    request: HttpRequest,
    handler: HttpHandler,
    credentials: Credentials | undefined,
    paused: PassingSet<HttpExchange>,
  ) {
    this.#allPaused = paused;
    this.#dispatcher = dispatcher;
    this.#request = request;
    this.#handler = handler;
    this.#credentials = credentials;
    this.#url = request.url;
    this.#left = request.headTimeout;
    this.#time();
    this.#begin();
    this.#starting = false;
  }

  get paused(): boolean {
    return this.#allPaused.has(this);
  }

  /** It is sent no more. */
  giveUp(): void {
    this.#fail(new Error('the client is closed'));
  }

  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#sending?.abort();
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pause);
    clearTimeout(this.#discarding);
    this.#allPaused.delete(this);
  }

  #fail(error: Error): void {
    if (this.#over) return;
    if (this.#starting) {
      // Whoever sends the request has to have the exchange before it is told how it ended.
      queueMicrotask(() => this.#fail(error));
      return;
    }
    this.#finish();
    this.#sending?.abort();
    this.#handler.failed(error, this.#isSent);
  }

  #begin(): void {
    this.#isSent = false;
    if (this.#credentials === undefined) {
      this.#dispatch();
      return;
    }
    this.#stopTime();
    this.#allPaused.add(this); // nobody has processed it, and it is nobody's yet
    this.#credentials.headers({ method: this.#request.method, url: this.#url }).then(
      (headers) => {
        if (this.#over) return;
        this.#allPaused.delete(this);
        this.#auth = headers;
        this.#time();
        this.#dispatch();
      },
      (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #time(): void {
    if (this.#left === undefined) return;
    this.#timedFrom = performance.now();
    this.#timer = setTimeout(() => this.#fail(new HeadTimeout()), this.#left);
  }

  #stopTime(): void {
    if (this.#left === undefined) return;
    clearTimeout(this.#timer);
    this.#left = Math.max(0, this.#left - (performance.now() - this.#timedFrom));
  }

  #dispatch(): void {
    const { method, headers, body } = this.#request;
    const path = this.#url.pathname + this.#url.search;
    this.#sending = this.#dispatcher.send(
      { method, path, headers: { ...headers, ...this.#auth }, body },
      this,
    );
  }

  sent(): void {
    this.#isSent = true;
    this.#handler.sent?.();
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#next = this.#insteadOf(status, headers);
    if (this.#next === undefined) {
      clearTimeout(this.#timer);
      this.#handler.head(status, headers);
      return;
    }
    this.#discarded = 0;
    this.#discarding = setTimeout(() => this.#skip(), DISCARD_TIME);
    this.#discarding.unref();
  }

  data(chunk: Buffer): void {
    if (this.#next === undefined) {
      this.#handler.data(chunk);
      return;
    }
    this.#discarded += chunk.length;
    if (this.#discarded > MAX_DISCARDED) this.#skip();
  }

  end(): void {
    if (this.#goesOn()) return;
    this.#finish();
    this.#handler.end();
  }

  failed(error: Error): void {
    if (!this.#goesOn()) this.#fail(error);
  }

  /** The rest of an answer that nobody needs is not worth its connection. */
  #skip(): void {
    this.#sending?.abort();
    this.#goesOn();
  }

  /** Returns whether something follows the answer that is over. */
  #goesOn(): boolean {
    const next = this.#next;
    if (next === undefined) return false;
    clearTimeout(this.#discarding);
    this.#next = undefined;
    next();
    return true;
  }

  /** What to do instead of handing this answer on. */
  #insteadOf(status: number, headers: AnswerHeaders): (() => void) | undefined {
    const answer = { url: this.#url, sent: this.#auth, status, headers, tries: this.#tries };
    if (this.#credentials?.answered(answer) === true) {
      this.#tries++;
      return () => this.#begin();
    }
    const pause = this.#handler.again?.(status, headers);
    if (pause !== undefined) return () => this.#later(pause);
    const target = redirectTarget(status, headers.location, this.#url, this.#request.method);
    if (target === undefined || this.#redirects >= MAX_REDIRECTS) return undefined;
    this.#redirects++;
    return () => {
      this.#url = target;
      this.#begin();
    };
  }

  #later(ms: number): void {
    this.#isSent = false;
    this.#allPaused.add(this);
    this.#pause = setTimeout(() => {
      this.#allPaused.delete(this);
      this.#begin();
    }, ms);
  }
}

/** Where a redirect may be followed to: the same origin, with the same method and body. */
function redirectTarget(
  status: number,
  location: string | undefined,
  from: URL,
  method: string,
): URL | undefined {
  const keepsMethod =
    status === 307 || status === 308 || (method === 'GET' && (status === 301 || status === 302));
  if (!keepsMethod || location === undefined || !URL.canParse(location, from.href)) return undefined;
  const target = new URL(location, from);
  return target.origin === from.origin ? target : undefined;
}
