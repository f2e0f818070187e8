/** What a server writes to stdout that is no MCP message: shown a few times, then only counted. */
import { stripVTControlCharacters } from 'node:util';
import type { Wire } from '../../jsonrpc/wire.js';
import type { ValueMask } from '../../observability/secrets.js';

/** Lines that are shown: enough to see what it is, too few for a server that logs to stdout to flood the log. */
export const MAX_NOISE_SHOWN = 10;
/** Characters of a line that are shown. */
const MAX_NOISE_TEXT = 200;

const CONTROL = /\p{Cc}/gu;

const SAYS = 'wrote to stdout what is no MCP message; ignored';
const SHOWS = '. The line: ';

/** The line that a warning of this kind shows; undefined: it is of another kind. */
export function noiseIn(warning: string): string | undefined {
  return warning.startsWith(SAYS) ? warning.slice(warning.indexOf(SHOWS) + SHOWS.length) : undefined;
}

export class Noise {
  readonly #warn: (text: string) => void;
  readonly #mask: ValueMask;
  #count = 0;

  /** @param mask takes the secrets out of a line, before it is cut */
  constructor(warn: (text: string) => void, mask: ValueMask) {
    this.#warn = warn;
    this.#mask = mask;
  }

  /** @param reason why it is no message */
  add(line: Wire, reason: string): void {
    this.#count++;
    if (this.#count > MAX_NOISE_SHOWN) return;
    const last = this.#count === MAX_NOISE_SHOWN ? ' (further lines like this are only counted)' : '';
    this.#warn(`${SAYS}${last}. ${reason}${SHOWS}${excerpt(line, this.#mask)}`);
  }

  /** Nothing more will come: tells how many lines were not shown. */
  end(): void {
    const hidden = this.#count - MAX_NOISE_SHOWN;
    if (hidden > 0) this.#warn(`wrote ${hidden} more lines to stdout that are no MCP messages; all ignored`);
  }
}

function excerpt(line: Wire, mask: ValueMask): string {
  // UTF-8 has up to four octets for a character. One more secret than is shown, so that none is cut in two.
  const octets = (MAX_NOISE_TEXT + mask.longest) * 4;
  const start = Buffer.from(line.slice(0, octets), 'latin1').toString('utf8');
  const text = mask(stripVTControlCharacters(start).replace(CONTROL, ' '));
  const sure = line.length > octets ? Math.max(0, text.length - mask.longest) : text.length;
  const shown = Math.min(MAX_NOISE_TEXT, sure);
  return text.length > shown ? `${text.slice(0, shown)}…` : text;
}
