/** Secrets stand in URLs too: this is the only form of a remote's URL that may be shown or logged. */

/**
 * A URL for people: without user name and password, without fragment, any query as `***`, and every secret
 * that it holds as `***`, however it is encoded there.
 *
 * @param mask takes secrets out of a text
 */
export function describeUrl(url: URL, mask: (text: string) => string): string {
  const { protocol, host, pathname, search } = url;
  const origin = `${protocol}//${host}`;
  const query = search === '' ? '' : '?***';
  const path = pathname === '/' && search === '' ? '' : pathname;
  const shown = mask(`${origin}${path}`);
  const plain = decoded(shown);
  // Any character may stand there encoded: no list of writings has them all.
  return (mask(plain) === plain ? shown : mask(`${origin}/***`)) + query;
}

/** The text that a percent-encoded one stands for; what is no UTF-8, octet by octet. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1');
    }
  });
}

/** What the query of a URL holds, as it stands there: values, and names that have none. */
export function querySecrets(url: URL): string[] {
  return url.search
    .slice(1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1));
}
