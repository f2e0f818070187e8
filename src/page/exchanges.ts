import type { TrafficMessage } from './live.js';

/** A message with what came of it: a request and its answer are one. */
export interface Row {
  readonly first: TrafficMessage;
  readonly end: TrafficMessage | undefined;
}

/** What of the messages somebody wants to see; empty texts are everything. */
export interface Wanted {
  readonly server: string;
  /** A part of the client's name, or of the session's. */
  readonly who: string;
  readonly method: string;
  /** A part of the text of either message. */
  readonly text: string;
  readonly onlyErrors: boolean;
}

/** Pairs requests with their answers, the newest first. An answer whose request is not there any more stands alone. */
export function rowsOf(messages: readonly TrafficMessage[]): Row[] {
  const ends = new Map(messages.flatMap((one) => (one.of === null ? [] : [[one.of, one] as const])));
  const numbers = new Set(messages.map(({ number }) => number));
  return messages
    .filter(({ of }) => of === null || !numbers.has(of))
    .map((first) => ({ first, end: first.kind === 'request' ? ends.get(first.number) : undefined }))
    .reverse();
}

export function isWanted({ first, end }: Row, wanted: Wanted): boolean {
  const has = (text: string | null | undefined, part: string): boolean =>
    text?.toLowerCase().includes(part.toLowerCase()) ?? false;
  return (
    (wanted.server === '' || first.server === wanted.server) &&
    (wanted.who === '' || has(first.client, wanted.who) || has(first.session, wanted.who)) &&
    has(first.method, wanted.method) &&
    (wanted.text === '' || has(first.text, wanted.text) || has(end?.text, wanted.text)) &&
    (!wanted.onlyErrors || outcomeOf({ first, end }) === 'failed')
  );
}

export type Outcome = 'open' | 'answered' | 'failed' | 'given up' | 'sent';

/** What came of it: a tool that failed says so in its result. */
export function outcomeOf({ first, end }: Row): Outcome {
  const last = end ?? first;
  if (last.kind === 'given-up') return 'given up';
  if (last.kind === 'error' || (last.kind === 'response' && /"isError"\s*:\s*true/.test(last.text)))
    return 'failed';
  if (last.kind === 'response') return 'answered';
  return last.kind === 'request' ? 'open' : 'sent';
}

/** A line of JSON for each message, the oldest first. */
export function jsonLines(rows: readonly Row[]): string {
  const messages = rows.flatMap(({ first, end }) => (end === undefined ? [first] : [first, end]));
  messages.sort((a, b) => a.number - b.number);
  return messages.map((message) => `${JSON.stringify(message)}\n`).join('');
}
