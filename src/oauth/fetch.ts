import type { Emit } from '../observability/events.js';
import type { Secrets } from '../observability/secrets.js';
import { networkFailure } from '../remote/failure.js';
import { HttpClient, type HttpRequest } from '../remote/http.js';
import { HeadTimeout } from '../remote/http-exchange.js';
import type { Verify } from '../remote/opening.js';

/** Longest time, in ms, that one answer of an authorization server may take: a person waits for it. */
const ANSWER_TIME = 30_000;

/** The most octets of an answer: metadata and tokens are small. */
const MAX_ANSWER = 1024 * 1024;

/**
 * No answer could be had. A `TypeError`, as the standard's `fetch` throws: the client SDK takes any other error
 * for an answer, and looks elsewhere. The message is for people and holds no secrets.
 */
export class Unreachable extends TypeError {}

export interface OAuthFetchOptions {
  readonly verify: Verify;
  readonly secrets: Secrets;
  readonly emit: Emit;
}

/**
 * The standard's `fetch` as far as the client SDK uses it, over our own HTTP client: so TLS verification and the
 * outbound proxy are those of all other requests. The headers that the person gave for the remote are not sent.
 */
export class OAuthFetch {
  readonly #options: OAuthFetchOptions;
  readonly #clients = new Map<string, HttpClient>();

  constructor(options: OAuthFetchOptions) {
    this.#options = options;
  }

  /** Rejects with `Unreachable` where there is no answer. */
  readonly fetch = (target: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(target);
    const { method = 'GET', body } = init;
    if (method !== 'GET' && method !== 'POST') throw new TypeError(`${method} is not used for OAuth`);
    const request = {
      method,
      url,
      headers: { accept: 'application/json', ...Object.fromEntries(new Headers(init.headers)) },
      headTimeout: ANSWER_TIME,
      ...(body === undefined || body === null ? {} : { body: Buffer.from(String(body)) }),
    } as const;
    return this.#send(this.#client(url), request);
  };

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  #client({ origin }: URL): HttpClient {
    const known = this.#clients.get(origin);
    if (known !== undefined) return known;
    const { verify, secrets, emit } = this.#options;
    const client = new HttpClient({ origin, verify, emit, secrets });
    this.#clients.set(origin, client);
    return client;
  }

  #send(http: HttpClient, request: HttpRequest): Promise<Response> {
    const where = http.describe(request.url);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let length = 0;
      let status = 0;
      const headers = new Headers();
      const fail = (text: string): void => {
        clearTimeout(timer);
        reject(new Unreachable(text));
      };
      const late = `${where} did not answer within ${ANSWER_TIME / 1000} s.`;
      const sent = http.send(request, {
        head: (code, fields) => {
          status = code;
          for (const [name, value] of Object.entries(fields)) {
            for (const one of [value ?? []].flat()) headers.append(name, one);
          }
        },
        data: (chunk) => {
          length += chunk.length;
          if (length <= MAX_ANSWER) chunks.push(chunk);
          else {
            sent.abort();
            fail(`${where} answered with more than ${MAX_ANSWER} octets.`);
          }
        },
        end: () => {
          clearTimeout(timer);
          const isBare = status === 204 || status === 205 || status === 304;
          resolve(new Response(isBare ? null : Buffer.concat(chunks), { status, headers }));
        },
        failed: (error) => {
          if (error instanceof HeadTimeout) fail(late);
          else
            fail(
              networkFailure(error, where, status === 0 ? 'unsent' : 'begun', (text) => http.mask(text)).text,
            );
        },
      });
      const timer = setTimeout(() => {
        sent.abort();
        fail(late);
      }, ANSWER_TIME);
    });
  }
}
