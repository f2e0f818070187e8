import type { IncomingHttpHeaders } from 'node:http';

/** What a request shows to say who sends it. */
export type Presented =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'one'; readonly credential: string; readonly isBearer: boolean }
  /** Two that differ: which of them is meant, the next who reads the request might see otherwise. */
  | { readonly kind: 'contradiction' };

/** `Authorization: Bearer …` (RFC 6750, section 2.1); other schemes are for somebody else, as for a reverse proxy. */
const BEARER = /^bearer +([^\s,]+) *$/i;
const BEARER_SCHEME = /^bearer(?: |$)/i;

export function presented(headers: IncomingHttpHeaders): Presented {
  const { authorization } = headers;
  const apiKey = headers['x-api-key'];
  const isBearer = authorization !== undefined && BEARER_SCHEME.test(authorization);
  const bearer = isBearer ? (BEARER.exec(authorization)?.[1] ?? '') : undefined;
  // Node joins the values of a header that comes several times, unless they are more than one by its type.
  const key = typeof apiKey === 'string' ? apiKey.trim() : apiKey?.join(', ');
  if (bearer === undefined && key === undefined) return { kind: 'nothing' };
  if (bearer !== undefined && key !== undefined && bearer !== key) return { kind: 'contradiction' };
  return { kind: 'one', credential: bearer ?? key ?? '', isBearer };
}
