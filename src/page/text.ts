/** How values of others and numbers are written on the page. */

/** Controls, but for tab and line end; other ends of a line; and what turns the direction of the text around it. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Characters that are shown of a text, unless it is said otherwise. */
const MAX_SHOWN = 400;

/** A text that somebody else wrote, so that one sees what is in it; its head where it is long. */
export function shown(text: string, max: number = MAX_SHOWN): string {
  const head = text.length > max ? `${text.slice(0, max)}…` : text;
  return head.replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 B`, `1.5 KiB`. */
export function sizeOf(octets: number): string {
  let value = octets;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `0.4 ms`, `12 ms`, `1.2 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function timeOf(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, 'h', minutes % 60, 'min');
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** How long ago that was; both are ISO 8601. */
export function since(at: string, now: string): string {
  return timeOf(Math.max(0, Math.floor((Date.parse(now) - Date.parse(at)) / 1000) * 1000) || 0).replace(
    /^0 ms$/,
    '0 s',
  );
}

/** `1 request`, `2 requests`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
