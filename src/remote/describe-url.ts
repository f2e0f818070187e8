/** Secrets stand in URLs too: this is the only form of a remote's URL that may be shown or logged. */

/** A URL for people: without user name and password, without fragment, any query as `***`. */
export function describeUrl(url: URL | string): string {
  if (typeof url === 'string' && !URL.canParse(url)) return '(not a URL)';
  const { protocol, host, pathname, search } = new URL(url);
  const path = pathname === '/' && search === '' ? '' : pathname;
  return `${protocol}//${host}${path}${search === '' ? '' : '?***'}`;
}

/** What the query of a URL holds, as it stands there: values, and names that have none. */
export function querySecrets(url: URL): string[] {
  return url.search
    .slice(1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1));
}
