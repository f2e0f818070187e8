import { stripVTControlCharacters } from 'node:util';
import { visible } from '../observability/log.js';

/** Characters of a text of somebody else's that are shown: enough for a message, too few to fill a screen. */
const MAX_TEXT = 1000;
/** The same for a name. */
const MAX_NAME = 200;

/**
 * A text of a server's as it may be shown, on one line: without colours, its control characters escaped, its secrets
 * masked, cut.
 *
 * @param mask takes secrets out of a text
 */
export function shown(text: string, mask: (text: string) => string, most = MAX_TEXT): string {
  const line = visible(mask(stripVTControlCharacters(text)).replace(/\s+/g, ' ').trim());
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** The same for a name; undefined where it is no text. */
export function shownName(name: unknown, mask: (text: string) => string): string | undefined {
  return typeof name === 'string' ? shown(name, mask, MAX_NAME) : undefined;
}
