/** By what clients may show who they are; where there is nothing, nobody is asked. */
export interface AuthOptions {
  /** A file of keys, a line for each: `name:key`. */
  readonly apiKeyFile?: string | undefined;
  /** The same as a text. */
  readonly apiKeys?: string | undefined;
  /** Access tokens (OAuth 2.1) are taken, too. */
  readonly tokens?: TokenOptions | undefined;
}

export interface TokenOptions {
  /** Who gives them out: its URL as the tokens name it. */
  readonly issuer: string;
  /** What they must be for; empty: the URLs on which the proxy listens, and those of its servers. */
  readonly audiences: readonly string[];
  /** All of these must have been granted. */
  readonly requiredScopes: readonly string[];
  /** Where to ask about each; undefined: they are JWTs, and checked by the issuer's keys. */
  readonly introspection?:
    | {
        readonly url: string;
        /** Who the proxy is there. */
        readonly client?: { readonly id: string; readonly secretFile: string } | undefined;
      }
    | undefined;
}
