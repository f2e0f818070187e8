import { toWire } from '../jsonrpc/wire.js';
import type { Emit, LogLevel, ProxyEvent } from './events.js';

/** How an event is written: for people, or for programs. */
export type LogFormat = 'text' | 'json';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };
const LABEL: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warning: 'WARNING',
  error: 'ERROR',
};
/** Longer texts are cut: one event must not fill a disk. */
const MAX_TEXT = 4000;

/** Writes events, those below `level` left out. */
export function createLog(level: LogLevel, format: LogFormat, write: (line: string) => void): Emit {
  return (event) => {
    if (RANK[event.level] >= RANK[level]) write(entryOf(event, format));
  };
}

/** An event as the log has it, with its line end. */
export function entryOf(event: ProxyEvent, format: LogFormat): string {
  return format === 'json' ? jsonOf(event) : linesOf(event);
}

/**
 * One line, JSON in plain ASCII, so that no reader takes anything in it for the end of a line: `time` (ISO 8601),
 * `level`, `server`, `msg`, and what else is known of the event by names of its own.
 */
function jsonOf({ level, text, server, fields }: ProxyEvent): string {
  return `${toWire({ time: new Date().toISOString(), level, server, msg: cut(text), ...fields })}\n`;
}

/**
 * Lines of text. Control characters are escaped, so that nothing a peer sends can look like a line of its own, move a
 * terminal's cursor, or turn the text around it.
 */
function linesOf({ level, text, server }: ProxyEvent): string {
  const of = server === undefined ? '' : ` [${visible(server)}]`;
  const lines = cut(text).split('\n').map(visible).join('\n    ');
  return `${new Date().toISOString()} ${LABEL[level]}${of} ${lines}\n`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
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
