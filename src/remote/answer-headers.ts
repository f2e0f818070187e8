/** The headers of an answer, by name in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/** Headers that have one value. Some servers and what stands before them add one that is there already. */
const SINGLE = new Set(['content-type', 'date', 'location', 'mcp-session-id', 'retry-after']);

/**
 * The headers as they came, where one that came several times is a list: the first of the list for those that have
 * one value, which is what browsers and Node do; all of it, joined, for others (RFC 9110, section 5.3).
 */
export function answerHeaders(
  received: Readonly<Record<string, string | readonly string[] | undefined>>,
): AnswerHeaders {
  const read = (name: string, value: string | readonly string[] | undefined): string | undefined =>
    typeof value === 'string' || value === undefined ? value : SINGLE.has(name) ? value[0] : value.join(', ');
  return Object.fromEntries(Object.entries(received).map(([name, value]) => [name, read(name, value)]));
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
