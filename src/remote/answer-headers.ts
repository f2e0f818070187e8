/** The headers of an answer, by name in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/** Headers that have one value. Some servers and what stands before them add one that is there already. */
const SINGLE = new Set(['content-type', 'date', 'location', 'mcp-session-id', 'retry-after']);

/**
 * Names and values as they came, in turn. Of a header that came several times: the first for those that have one value,
 * which is what browsers do; all of them, joined, for others (RFC 9110, section 5.3).
 */
export function answerHeaders(received: readonly string[]): AnswerHeaders {
  // Without a prototype: a name is whatever the server likes.
  const headers: Record<string, string> = Object.create(null);
  for (let at = 0; at + 1 < received.length; at += 2) {
    const name = received[at]?.toLowerCase() ?? '';
    const value = received[at + 1] ?? '';
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = `${before}, ${value}`;
  }
  return headers;
}

/** The type of the body, in lower case and without parameters; empty where none is given. */
export function contentType(headers: AnswerHeaders): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

export function isEventStream(headers: AnswerHeaders): boolean {
  return contentType(headers) === 'text/event-stream';
}

/** An encoding of the body that it was not asked for, as it is named; undefined where there is none. */
export function foreignEncoding(headers: AnswerHeaders): string | undefined {
  const encoding = headers['content-encoding'];
  const isPlain = encoding?.split(',').every((name) => /^\s*(identity)?\s*$/i.test(name)) ?? true;
  return isPlain ? undefined : encoding;
}
