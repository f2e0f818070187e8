import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '../auth/principal.js';
import { HEADER, namesIn, type Templates } from '../config/template.js';
import { headerOf } from './standard-headers.js';

/** Octets of a value; a token has some thousands at most. */
const MAX_VALUE = 8192;

/**
 * What a request puts into its server's definition, by name. A text says why it can't, for a refusal with 400; it
 * holds no value.
 */
export function clientValues(
  templates: Templates,
  headers: IncomingHttpHeaders,
  principal: Principal | undefined,
): ReadonlyMap<string, string> | string {
  const values = new Map<string, string>();
  for (const name of namesIn(templates)) {
    const isHeader = name.startsWith(HEADER);
    const what = isHeader ? `the header ${name.slice(HEADER.length)}` : 'the name of who asks';
    const value = isHeader ? decoded(headerOf(headers, name.slice(HEADER.length))) : principal?.id;
    if (value === undefined || value === '')
      return `${what} is missing, which this server takes from each request`;
    if (Buffer.byteLength(value) > MAX_VALUE) return `${what} has more than ${MAX_VALUE} octets`;
    if (/\p{Cc}/u.test(value)) return `${what} has characters that no value may have`;
    values.set(name, value);
  }
  for (const template of templates.args.values()) {
    const [first] = template;
    // It would be taken for an option that its definition does not have.
    if (first !== undefined && typeof first !== 'string' && values.get(first.name)?.startsWith('-')) {
      return 'a value that begins an argument must not begin with a dash';
    }
  }
  return values;
}

/** Node gives the octets of a header as characters. */
function decoded(value: string | undefined): string | undefined {
  const octets = Buffer.from(value ?? '', 'latin1');
  return value === undefined || !isUtf8(octets) ? value : octets.toString();
}
