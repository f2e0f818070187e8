/** What looks like a web origin on the command line, and its one right spelling. */

const SHAPE = /^(?:\*|null|[a-z][a-z\d+.-]*:\/\/[^/?#\s]+\/?)$/i;

/** Whether a word can be meant as an origin: `*`, `null`, or `scheme://host[:port]`. */
export function looksLikeOrigin(word: string): boolean {
  return SHAPE.test(word);
}

/**
 * The origin as browsers send it in their `Origin` header: lower case, no slash at the end, no port where
 * it is the scheme's own (RFC 6454, section 6.2). What has not the shape of an origin stays as it is.
 */
export function normalOrigin(word: string): string {
  if (!looksLikeOrigin(word) || word === '*') return word;
  const bare = word.replace(/\/$/, '');
  const url = URL.canParse(bare) ? new URL(bare) : undefined;
  return url !== undefined && url.origin !== 'null' && url.username === '' ? url.origin : bare;
}
