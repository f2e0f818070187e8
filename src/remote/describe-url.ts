/** Secrets stand in URLs too: this is the only form of a remote's URL that may be shown or logged. */

/** A URL for people: without user name and password, every query value as `***`, without fragment. */
export function describeUrl(url: URL | string): string {
  if (typeof url === 'string' && !URL.canParse(url)) return '(not a URL)';
  const parsed = new URL(url);
  const query = [...parsed.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=***`).join('&');
  const path = parsed.pathname === '/' && query === '' ? '' : parsed.pathname;
  return `${parsed.protocol}//${parsed.host}${path}${query === '' ? '' : `?${query}`}`;
}
