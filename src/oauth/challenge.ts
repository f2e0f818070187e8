import type { IncomingHttpHeaders } from 'node:http';

/** What a server asks for that refuses a request for want of authorization (RFC 6750, section 3). */
export interface Challenge {
  /** `dpop`: it wants tokens that are bound to a key (RFC 9449, section 7.1). */
  readonly scheme: 'bearer' | 'dpop';
  /** Where it says who gives out tokens (RFC 9728, section 5.1). */
  readonly resourceMetadata?: URL;
  /** Scopes, separated by spaces. */
  readonly scope?: string;
  readonly error?: string;
}

/** A parameter (`name=value`, `name="value"`), or the name of the next scheme. */
const PART =
  /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w!#$%&'*+.^`|~-]+)(?=[\s,]|$))/y;

/**
 * Reads `WWW-Authenticate`, in which several schemes may be offered one after the other, in one header or in
 * several (RFC 9110, section 11.6.1). The client SDK's own function knows the first one only.
 *
 * Returns the first that is for tokens; undefined: there is none.
 */
export function readChallenge(headers: IncomingHttpHeaders): Challenge | undefined {
  const value: unknown = headers['www-authenticate'];
  const text = Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : '';
  let found: 'bearer' | 'dpop' | undefined;
  const parameters = new Map<string, string>();
  PART.lastIndex = 0;
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    const [, name, quoted, plain, scheme] = part;
    if (scheme !== undefined) {
      if (found !== undefined) break;
      const lower = scheme.toLowerCase();
      if (lower === 'bearer' || lower === 'dpop') found = lower;
    } else if (found !== undefined && name !== undefined) {
      parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
    }
  }
  PART.lastIndex = 0;
  if (found === undefined) return undefined;
  const metadata = parameters.get('resource_metadata');
  const scope = parameters.get('scope')?.trim();
  const error = parameters.get('error');
  return {
    scheme: found,
    ...(metadata !== undefined && URL.canParse(metadata) ? { resourceMetadata: new URL(metadata) } : {}),
    ...(scope === undefined || scope === '' ? {} : { scope }),
    ...(error === undefined ? {} : { error }),
  };
}
