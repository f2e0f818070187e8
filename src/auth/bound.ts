/** The name of a set of values of requests: a SHA-256 digest in Base64 (`ClientServer.key`). */
const VALUES = /^[\w-]{43} /;

/**
 * To whom belongs what is begun with values of a request: who comes with the same, and is the same.
 *
 * @param values tells them from others
 * @param principal by id; undefined where nobody is asked
 */
export function boundTo(values: string, principal: string | undefined): string {
  return `${values} ${principal ?? ''}`;
}

/** Whether something is kept from somebody, because it is another's; undefined: it is nobody's, or nobody is asked. */
export function isKeptFrom(owner: string | undefined, asker: string | undefined): boolean {
  return owner !== undefined && asker !== undefined && owner !== asker && !belongsTo(owner, asker);
}

/** Whether something belongs to a principal, be it with values of a request or without. */
export function belongsTo(bound: string, principal: string): boolean {
  return bound === principal || (VALUES.test(bound) && bound.slice(bound.indexOf(' ') + 1) === principal);
}
