/** What a token says that was found to be true, be it a JWT or the answer of an introspection endpoint. */
export interface Claims {
  /** Whom it is about, as `sub`; for a client on its own behalf, its id where there is no `sub`. */
  readonly subject: string;
  readonly isClient: boolean;
  readonly audiences: readonly string[];
  readonly scopes: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Characters of a subject; it becomes part of the keys of many things. */
const MAX_SUBJECT = 1024;
/** Scopes of one token. */
const MAX_SCOPES = 1000;

/** Reads claims (RFC 9068, section 2.2; RFC 7662, section 2.2); undefined where one is missing that is needed here. */
export function readClaims(said: Readonly<Record<string, unknown>>): Claims | undefined {
  const { sub, client_id: client, aud, exp } = said;
  const subject = sub ?? client;
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT) return undefined;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return undefined;
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string');
  if (audiences.length === 0) return undefined;
  return {
    subject,
    isClient: sub === undefined,
    audiences,
    scopes: new Set([...words(said.scope), ...words(said.scp)].slice(0, MAX_SCOPES)),
    expiresAt: exp * 1000,
  };
}

/** Scopes as one text (RFC 8693, section 4.2), or as a list, as some issuers have them. */
function words(value: unknown): string[] {
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '');
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}
