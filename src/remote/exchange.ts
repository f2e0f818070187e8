import type { Wire } from '../jsonrpc/wire.js';
import { guarded } from '../relay/guarded.js';
import { type AnswerHeaders, contentType, foreignEncoding, isEventStream } from './answer-headers.js';
import { CredentialsError } from './credentials.js';
import { EventReader, type ServerEvent } from './event-reader.js';
import { type Failure, networkFailure, statusFailure } from './failure.js';
import type { Exchange, HttpClient, HttpHandler, HttpRequest } from './http.js';
import { HeadTimeout } from './http-exchange.js';
import { askedFor, inSeconds, type Patience } from './patience.js';
import { maybeProxy, type NamedProxy, type OutboundProxy, proxyFailure, proxyRefusal } from './proxy.js';

/** The most octets that one message from a remote server may have: as many as the proxy itself takes. */
const MAX_MESSAGE = 64 * 1024 * 1024;

/** Octets of a refusal that are read: room for a JSON-RPC error with data. The rest is not waited for. */
const MAX_REFUSAL = 1024 * 1024;

/** Longest time, in ms, that the body of a refusal is waited for: the status has already said what matters. */
const REFUSAL_TIME = 3_000;

/** What a remote server answers to one request. `ended` or `failed` comes last, and only one of them. */
export interface Reading {
  /** The request goes out now. */
  sent?(): void;
  /** The status is 2xx. */
  accepted?(headers: AnswerHeaders): void;
  /** The next event, where the answer is an event stream. */
  event(event: ServerEvent): void;
  retry?(ms: number): void;
  /** Octets of an event stream came, be they no event. */
  octets?(): void;
  /** The whole body, where it is anything else and not empty. */
  body(text: Wire, contentType: string): void;
  ended(): void;
  failed(failure: Failure): void;
}

/** Sends a request and reads its answer, of either form (2025-11-25, transports, "Sending Messages"). */
export function exchange(http: HttpClient, request: HttpRequest, reading: Reading): Exchange {
  const answer = new Answer(http, request, reading);
  answer.exchange = http.send(request, answer);
  return answer;
}

/** The same for a request whose answer is one short text. */
export function request(http: HttpClient, request: HttpRequest): Promise<{ text: string } | Failure> {
  return new Promise((resolve) => {
    let text = '';
    exchange(http, request, {
      event: () => undefined,
      body: (wire) => {
        text = Buffer.from(wire, 'latin1').toString();
      },
      ended: () => resolve({ text }),
      failed: resolve,
    });
  });
}

class Answer implements HttpHandler, Exchange {
  readonly #http: HttpClient;
  readonly #request: HttpRequest;
  readonly #reading: Reading;
  readonly #patience: Patience;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #status = 0;
  #headers: AnswerHeaders = {};
  #reader: EventReader | undefined;
  #over = false;
  #timer: NodeJS.Timeout | undefined;
  exchange: Exchange | undefined;

  constructor(http: HttpClient, request: HttpRequest, reading: Reading) {
    this.#http = http;
    this.#request = request;
    this.#reading = reading;
    this.#patience = http.patience();
  }

  get #where(): string {
    return this.#http.describe(this.#request.url);
  }

  #named({ url, variable }: OutboundProxy): NamedProxy {
    return { where: this.#http.describe(url), variable };
  }

  get paused(): boolean {
    return this.exchange?.paused ?? false;
  }

  abort(): void {
    this.#finish();
    this.exchange?.abort();
  }

  sent(): void {
    this.#guard(() => this.#reading.sent?.());
  }

  again(status: number, headers: AnswerHeaders): number | undefined {
    const asked = askedFor(status, headers);
    const pause = asked === undefined ? undefined : this.#patience.pauseFor(asked);
    if (pause !== undefined) {
      const what = `${this.#where} answered with HTTP status ${status} and asks for time`;
      this.#http.tell({ level: 'info', text: `${what}: the request is sent again in ${inSeconds(pause)}.` });
    }
    return pause;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#guard(() => this.#begin(status, headers));
  }

  data(chunk: Buffer): void {
    this.#guard(() => this.#take(chunk));
  }

  end(): void {
    this.#guard(() => this.#ended());
  }

  failed(error: Error, wasSent: boolean): void {
    if (this.#over) return;
    // Of a refusal the status says it; the words that are missing from the body can be missed.
    this.#end(() => (this.#status !== 0 && !this.#good ? this.#refusal() : this.#failureOf(error, wasSent)));
  }

  #begin(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (!this.#good) {
      this.#timer = setTimeout(() => this.#enough(), REFUSAL_TIME);
      return;
    }
    const encoding = foreignEncoding(headers);
    if (encoding !== undefined) {
      this.#abort('foreign', `${this.#where} answered in an encoding it was not asked for (${encoding}).`);
      return;
    }
    if (isEventStream(headers)) this.#reader = new EventReader(this.#taker(), MAX_MESSAGE);
    this.#reading.accepted?.(headers);
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#reader !== undefined) {
      this.#reading.octets?.();
      this.#reader.feed(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#good) {
      if (this.#length > MAX_MESSAGE) this.#tooLong();
    } else if (this.#length > MAX_REFUSAL) this.#enough();
  }

  #ended(): void {
    if (this.#over) return;
    if (!this.#good) {
      this.#end(() => this.#refusal());
      return;
    }
    if (this.#length > 0) this.#reading.body(withoutMark(this.#whole()), contentType(this.#headers));
    this.#finish();
    this.#reading.ended();
  }

  /** Takes a part of the answer. Where that meets a defect of ours, the answer is not waited for any longer. */
  #guard(take: () => void): void {
    if (this.#isDone(take)) return;
    this.abort();
    this.#tell(this.#defect);
  }

  /** The end of everything that is no answer: whatever goes wrong over it, the reading hears of a failure. */
  #end(failure: () => Failure): void {
    this.#finish();
    let told = this.#defect;
    this.#isDone(() => {
      told = failure();
    });
    this.#tell(told);
  }

  #tell(failure: Failure): void {
    // What it fails on may stand in the failure.
    if (!this.#isDone(() => this.#reading.failed(failure))) {
      this.#isDone(() => this.#reading.failed(this.#defect));
    }
  }

  #isDone(action: () => void): boolean {
    return guarded(action, (event) => this.#http.tell(event));
  }

  get #defect(): Failure {
    const text = `The answer of ${this.#where} was not dealt with to its end, which is a defect of mcp-proxy.`;
    return { kind: 'foreign', text, inDoubt: true };
  }

  #failureOf(error: Error, wasSent: boolean): Failure {
    const where = this.#where;
    if (error instanceof CredentialsError) {
      return { kind: error.unreachable ? 'unreachable' : 'credentials', text: error.message };
    }
    if (error instanceof HeadTimeout) {
      const seconds = Math.round((this.#request.headTimeout ?? 0) / 1000);
      const text = `${where} did not answer within ${seconds} s.`;
      return { kind: 'timeout', text, ...(wasSent ? { inDoubt: true } : {}) };
    }
    const { proxy } = this.#http;
    if (proxy !== undefined && this.#status === 0) {
      const failure = proxyFailure(error, this.#named(proxy), where);
      if (failure !== undefined) return failure;
    }
    const stage = this.#status !== 0 ? 'begun' : wasSent ? 'sent' : 'unsent';
    return networkFailure(error, where, stage, (text) => this.#http.mask(text));
  }

  get #good(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #taker(): ConstructorParameters<typeof EventReader>[0] {
    return {
      event: (event) => {
        if (!this.#over) this.#reading.event(event);
      },
      retry: (ms) => this.#reading.retry?.(ms),
      tooLong: () => this.#tooLong(),
    };
  }

  #tooLong(): void {
    this.#abort('foreign', `${this.#where} sent a message of more than ${MAX_MESSAGE} octets.`);
  }

  #abort(kind: Failure['kind'], text: string): void {
    if (this.#over) return;
    this.exchange?.abort();
    this.#end(() => ({ kind, text, inDoubt: true }));
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** The rest of a refusal's body is not waited for. */
  #enough(): void {
    if (this.#over) return;
    this.exchange?.abort();
    this.#end(() => this.#refusal());
  }

  #refusal(): Failure {
    const { proxy } = this.#http;
    if (proxy !== undefined && this.#status === 407) {
      return proxyRefusal(this.#named(proxy), this.#where, 407);
    }
    const { location } = this.#headers;
    const url = this.#request.url;
    const redirect =
      this.#status < 400 && location !== undefined && URL.canParse(location, url.href)
        ? { redirect: this.#http.describe(new URL(location, url)) }
        : {};
    const encoding = foreignEncoding(this.#headers);
    const refusal = {
      status: this.#status,
      contentType: contentType(this.#headers),
      body: encoding === undefined ? this.#whole() : Buffer.alloc(0),
      ...(encoding === undefined ? {} : { encoding }),
      ...redirect,
    };
    const failure = statusFailure(refusal, this.#where, (text) => this.#http.mask(text));
    const isMaybeProxys = proxy !== undefined && this.#status >= 500 && url.protocol === 'http:';
    const text = isMaybeProxys ? failure.text + maybeProxy(this.#named(proxy)) : failure.text;
    const asked = askedFor(this.#status, this.#headers);
    if (asked === undefined) return { ...failure, text };
    return { ...failure, kind: 'refused', text: text + this.#patience.story(asked), retryAfter: asked };
  }

  #whole(): Buffer {
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined
      ? first
      : Buffer.concat(this.#chunks, this.#length);
  }
}

/** The text without the byte order mark that some servers put before JSON. */
function withoutMark(body: Buffer): Wire {
  const text = body.toString('latin1');
  return text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text;
}
