import type { Emit, LogLevel, ProxyEvent } from './events.js';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };
const LABEL: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warning: 'WARNING',
  error: 'ERROR',
};
/** Longer texts are cut: one event must not fill a disk. */
const MAX_TEXT = 4000;

/**
 * Writes events as lines of text, those below `level` left out. Control characters are escaped, so that
 * nothing a peer sends can look like a line of its own, move a terminal's cursor, or turn the text around it.
 */
export function createLog(level: LogLevel, write: (line: string) => void): Emit {
  return (event) => {
    if (RANK[event.level] >= RANK[level]) write(lineOf(event));
  };
}

/** An event as the log has it, with its line end. */
export function lineOf(event: ProxyEvent): string {
  const server = event.server === undefined ? '' : ` [${visible(event.server)}]`;
  const text = event.text.length > MAX_TEXT ? `${event.text.slice(0, MAX_TEXT)}…` : event.text;
  const lines = text.split('\n').map(visible).join('\n    ');
  return `${new Date().toISOString()} ${LABEL[event.level]}${server} ${lines}\n`;
}

/** Controls, but for the tab; the two other ends of a line; and what turns the direction of the text around it. */
const INVISIBLE = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A line of somebody else's as it may be shown. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (c) => {
    const code = c.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}
