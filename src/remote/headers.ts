/** The headers that the user adds to every request to the remote server. */
export type Header = readonly [name: string, value: string];

/**
 * Headers that the transport itself says something with, or that frame the message on the wire: another
 * value in them would break the conversation.
 */
const OWN = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that say what is in the arguments of a call (2026-07-28, `Mcp-Param-*`). */
const OWN_PREFIX = 'mcp-param-';

export interface CheckedHeaders {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that are left out, because they are the transport's own. */
  readonly dropped: readonly string[];
}

/**
 * Throws an `Error` in words, without the value, for what cannot stand in a header. Of two with the same
 * name the last one holds. The user part of the URL becomes an `Authorization` where none is given.
 */
export function checkHeaders(given: readonly Header[], url: URL): CheckedHeaders {
  const headers: Record<string, string> = {};
  const dropped: string[] = [];
  for (const [name, value] of given) {
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) throw new Error(`"${name}" cannot be the name of a header.`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new Error(`The value of the header "${name}" has characters that cannot stand in a header.`);
    }
    const key = name.toLowerCase();
    if (OWN.has(key) || key.startsWith(OWN_PREFIX)) dropped.push(name);
    else headers[key] = value;
  }
  if (url.username !== '' && headers.authorization === undefined) {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  return { headers, dropped };
}
