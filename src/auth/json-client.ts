import { exchange } from '../remote/exchange.js';
import { HttpClient, type HttpRequest } from '../remote/http.js';
import { Unavailable } from './unavailable.js';

/** Longest time, in ms, that a request may take from its beginning to the end of its answer: clients wait for it. */
const TIMEOUT_MS = 5000;
/** Octets of an answer. Metadata and key sets have some thousands. */
const MAX_ANSWER = 1024 * 1024;

/** What a server answered that is none of the usual successes. */
export class Refused extends Error {
  readonly status: number | undefined;
  constructor(text: string, status: number | undefined) {
    super(text);
    this.status = status;
  }
}

/** Short requests to an authorization server, whose answers are JSON. */
export class JsonClient {
  readonly #clients = new Map<string, HttpClient>();

  /** Rejects with `Unavailable` where there is no answer in time, and with `Refused` for one that is no JSON object. */
  get(url: URL): Promise<Readonly<Record<string, unknown>>> {
    return this.#ask({ method: 'GET', url, headers: { accept: 'application/json' } });
  }

  /** The same for a form. */
  post(
    url: URL,
    form: URLSearchParams,
    headers: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const type = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    return this.#ask({
      method: 'POST',
      url,
      headers: { ...type, ...headers },
      body: Buffer.from(form.toString()),
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  #ask(request: HttpRequest): Promise<Readonly<Record<string, unknown>>> {
    const http = this.#clientFor(request.url.origin);
    const where = http.describe(request.url);
    return new Promise((resolve, reject) => {
      let text = '';
      let octets = 0;
      const giveUp = (reason: string): void => {
        clearTimeout(timer);
        asked.abort();
        reject(new Unavailable(`${where} ${reason}`));
      };
      const timer = setTimeout(() => giveUp(`did not answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
      const asked = exchange(http, request, {
        event: () => giveUp('answered with an event stream'),
        octets: () => undefined,
        body: (wire) => {
          octets = wire.length;
          text = octets > MAX_ANSWER ? '' : Buffer.from(wire, 'latin1').toString();
        },
        ended: () => {
          clearTimeout(timer);
          const value = octets > MAX_ANSWER ? undefined : objectIn(text);
          if (value !== undefined) resolve(value);
          else reject(new Refused(`${where} answered with what is no JSON object`, undefined));
        },
        failed: ({ kind, status, text: words }) => {
          clearTimeout(timer);
          // What it says in words may repeat what it was sent.
          const isSecret = request.body !== undefined && (status !== undefined || kind === 'foreign');
          const reason = isSecret ? `${where} answered with HTTP status ${status ?? 200}` : words;
          const isThere = status !== undefined && status < 500 && kind !== 'unreachable';
          reject(isThere ? new Refused(reason, status) : new Unavailable(reason));
        },
      });
    });
  }

  #clientFor(origin: string): HttpClient {
    const known = this.#clients.get(origin);
    if (known !== undefined) return known;
    // Whoever asks for time is not waited for: a client waits already.
    const client = new HttpClient({ origin, verify: true, patience: { tries: 1 } });
    this.#clients.set(origin, client);
    return client;
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}
