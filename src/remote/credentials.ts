import { asRecord } from '../jsonrpc/message.js';
import type { Secrets } from '../observability/secrets.js';
import type { AnswerHeaders } from './answer-headers.js';
import { request } from './exchange.js';
import type { Failure } from './failure.js';
import type { HttpClient } from './http.js';

/** Headers that tell a server who asks, by name in lower case. */
export type AuthHeaders = Readonly<Record<string, string>>;

/** What the server said to one try of a request. */
export interface Answered {
  readonly url: URL;
  /** The headers that it was sent with, as `headers` gave them. */
  readonly sent: AuthHeaders;
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** How often the same request was sent before with other headers. */
  readonly tries: number;
}

/** Who asks, as a remote server is told it with every request. */
export interface Credentials {
  /** For one try of a request; none where nobody has asked for any. Rejects with `CredentialsError`. */
  headers(request: { readonly method: string; readonly url: URL }): Promise<AuthHeaders>;
  /** Hears of every answer. True: the request is sent again, with headers that are asked for anew. */
  answered(answer: Answered): boolean;
  close(): Promise<void>;
}

/** No access token could be had. The message is for people and holds no secrets. */
export class CredentialsError extends Error {
  /** The authorization server could not be reached, so that trying again may help. */
  readonly unreachable: boolean;
  constructor(text: string, unreachable: boolean) {
    super(text);
    this.unreachable = unreachable;
  }
}

export interface ClientCredentialsOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenUrl: URL;
  /** A client of its own: the headers that the user gave for the remote are not the token endpoint's. */
  readonly http: HttpClient;
  readonly secrets: Secrets;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}

/** Longest time, in ms, that one request for a token may take: every call to the remote waits for it. */
const TOKEN_TIMEOUT = 30_000;

/** A token is renewed this long before it ends (ms), or a quarter of its life before, if that is less. */
const RENEWAL_MARGIN = 60_000;

interface Token {
  readonly value: string;
  readonly renewAt: number;
  readonly endsAt: number;
}

/**
 * Access tokens by the client credentials grant (RFC 6749, section 4.4): fetched when first needed, kept,
 * renewed before they end. One fetch serves every request that waits.
 *
 * The client says who it is by HTTP Basic (section 2.3.1); where the answer to that is `invalid_client`,
 * in the body of the request.
 */
export class ClientCredentials implements Credentials {
  readonly #options: ClientCredentialsOptions;
  readonly #now: () => number;
  #token: Token | undefined;
  #fetching: Promise<Token> | undefined;
  #inBody = false;

  constructor(options: ClientCredentialsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    options.secrets.add(options.clientSecret);
  }

  async headers(): Promise<AuthHeaders> {
    return { authorization: await this.authorization() };
  }

  /** After a 401 the token is not given out again, and another one is tried, once. */
  answered({ sent, status, tries }: Answered): boolean {
    if (status !== 401 || tries > 0) return false;
    if (this.#token?.value === sent.authorization) this.#token = undefined;
    return true;
  }

  /** The value of the header. Rejects with `CredentialsError`. */
  async authorization(): Promise<string> {
    const token = this.#token;
    if (token !== undefined && this.#now() < token.renewAt) return token.value;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    try {
      return (await this.#fetching).value;
    } catch (error) {
      // Renewal begins early so that one failure of it costs nothing while the old token still holds.
      if (token !== undefined && token === this.#token && this.#now() < token.endsAt) return token.value;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#options.http.close();
  }

  async #fetch(): Promise<Token> {
    let outcome = await this.#ask();
    if (!this.#inBody && 'kind' in outcome && errorName(outcome.body) === 'invalid_client') {
      this.#inBody = true;
      outcome = await this.#ask();
      if ('kind' in outcome) this.#inBody = false;
    }
    if ('kind' in outcome) throw this.#refusal(outcome);
    this.#token = outcome;
    return outcome;
  }

  async #ask(): Promise<Token | Failure> {
    const { clientId, clientSecret, tokenUrl, http } = this.#options;
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (this.#inBody) {
      form.set('client_id', clientId);
      form.set('client_secret', clientSecret);
    } else {
      const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
      headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      this.#options.secrets.add(headers.authorization);
    }
    const body = Buffer.from(form.toString());
    const answer = await request(http, {
      method: 'POST',
      url: tokenUrl,
      headers,
      body,
      headTimeout: TOKEN_TIMEOUT,
    });
    return 'kind' in answer ? answer : this.#read(answer.text);
  }

  #read(text: string): Token | Failure {
    const answer = jsonRecord(text);
    const token = answer.access_token;
    if (typeof token !== 'string' || token === '' || !/^[\x21-\x7e]+$/.test(token)) {
      return { kind: 'refused', text: 'its answer has no usable access_token' };
    }
    const type = answer.token_type;
    if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
      return { kind: 'refused', text: `it gives tokens of a type other than Bearer, which is not supported` };
    }
    this.#options.secrets.addPassing(token);
    const seconds = Number(answer.expires_in ?? Number.NaN);
    const life = seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
    const endsAt = this.#now() + life;
    return { value: `Bearer ${token}`, endsAt, renewAt: endsAt - Math.min(RENEWAL_MARGIN, life / 4) };
  }

  #refusal(failure: Failure): CredentialsError {
    const { http, tokenUrl } = this.#options;
    const where = http.describe(tokenUrl);
    const name = errorName(failure.body);
    const hint =
      failure.kind === 'unreachable'
        ? 'Check --token-url.'
        : 'Check --client-id, --client-secret and --token-url.';
    const detail = name === undefined ? failure.text : `${failure.status ?? ''} ${name}`.trim();
    const text = `No access token from ${where}: ${detail.replace(/\.?$/, '.')} ${hint}`;
    return new CredentialsError(this.#options.secrets.mask(text), failure.kind === 'unreachable');
  }
}

/** RFC 6749, appendix B: id and secret are form-encoded before they are joined. */
function formEncoded(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1);
}

/** The `error` of an OAuth error answer (RFC 6749, section 5.2). */
function errorName(body: string | undefined): string | undefined {
  const name = jsonRecord(body ?? '').error;
  return typeof name === 'string' && /^[\w.-]{1,60}$/.test(name) ? name : undefined;
}

function jsonRecord(text: string): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {}; // no JSON: the caller then finds none of the members that it looks for, and says so
  }
}
