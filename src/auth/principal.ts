/**
 * Who has been found out to be asking, by what was shown: a key, a token about somebody or about a client on its own
 * behalf, or a certificate; or by whoever runs the HTTP server that the proxy is a part of (`caller`).
 */
export interface Principal {
  readonly kind: 'key' | 'token' | 'client' | 'certificate' | 'caller';
  /**
   * Unique over all ways and issuers, and the same with every request. What belongs to one is bound to it: sessions,
   * processes, the state of a call that waits.
   */
  readonly id: string;
  /**
   * What its owner calls it: the name of a key, or `#` and the beginning of its digest; the subject or the client of a
   * token; the subject of a certificate.
   */
  readonly name: string;
  /** What its token may be used for; empty for all others. */
  readonly scopes: ReadonlySet<string>;
}

const NO_SCOPES: ReadonlySet<string> = new Set();

export function keyHolder(name: string): Principal {
  return { kind: 'key', id: `key:${name}`, name, scopes: NO_SCOPES };
}

/** @param name what that server calls them: unique there, and the same with every request */
export function callerOf(name: string): Principal {
  return { kind: 'caller', id: `caller:${name}`, name, scopes: NO_SCOPES };
}
