import { type Claims, readClaims } from './claims.js';
import { type JsonClient, Refused } from './json-client.js';
import { Unavailable } from './unavailable.js';

/** Questions that are open at once; whoever comes with made-up tokens must not make more for the endpoint. */
const MAX_OPEN = 50;

export interface IntrospectionOptions {
  readonly url: URL;
  readonly issuer: string;
  /** Who the proxy is there; undefined: it does not say. */
  readonly client: { readonly id: string; readonly secret: string } | undefined;
  readonly http: JsonClient;
}

/** Asks the authorization server about a token (RFC 7662). */
export class Introspection {
  readonly #options: IntrospectionOptions;
  #open = 0;

  constructor(options: IntrospectionOptions) {
    this.#options = options;
  }

  /** Undefined where it is not good. Rejects with `Unavailable` where that can't be found out. */
  async claimsOf(token: string): Promise<Claims | undefined> {
    const { url, issuer, client, http } = this.#options;
    if (this.#open >= MAX_OPEN) throw new Unavailable(`${MAX_OPEN} questions about tokens are open already`);
    this.#open++;
    try {
      const form = new URLSearchParams({ token, token_type_hint: 'access_token' });
      const said = await http.post(url, form, client === undefined ? {} : { authorization: basic(client) });
      if (said.active !== true || (said.iss !== undefined && said.iss !== issuer)) return undefined;
      return readClaims(said);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const hint = error.status === 401 ? '; see --auth-client-id and --auth-client-secret-file' : '';
      throw new Unavailable(`${error.message}${hint}`);
    } finally {
      this.#open--;
    }
  }
}

/** RFC 6749, section 2.3.1: both are form-encoded first. */
function basic({ id, secret }: { readonly id: string; readonly secret: string }): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}
