/**
 * The lines a child writes to stderr: each one handed on, the last ones kept. Octets in, plain text out,
 * with the secrets of its definition masked: here once, for all who show it.
 */
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { type ValueMask, valueMask } from '../observability/secrets.js';

/** Characters of one line that are kept: enough for a message, too few for a dump of data to fill the log. */
export const MAX_STDERR_LINE = 1000;
/** Lines that are kept for whoever asks later how a process ended: a stack trace fits. */
export const MAX_TAIL_LINES = 50;
/** Characters of all those lines together: they travel in error answers and in `/status`. */
export const MAX_TAIL_LENGTH = 8 * 1024;

const LINE_END = /\r\n|\n|\r/;
const CONTROL = /[^\P{Cc}\t]/gu;

export class StderrLines {
  readonly #onLine: (line: string) => void;
  readonly #mask: ValueMask;
  /** Characters of an open line that are kept: one more secret than are shown, so that none is cut in two. */
  readonly #limit: number;
  readonly #decoder = new StringDecoder('utf8');
  readonly #tail: string[] = [];
  #tailLength = 0;
  #open = '';

  /**
   * @param onLine takes each line that is not blank, without its end and without control characters
   * @param mask takes the secrets out of a line
   */
  constructor(onLine: (line: string) => void, mask: ValueMask = valueMask([])) {
    this.#onLine = onLine;
    this.#mask = mask;
    this.#limit = MAX_STDERR_LINE + 1 + mask.longest;
  }

  push(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk));
  }

  /** The stream has ended: what stands there without a line end is the last line. */
  end(): void {
    this.#take(`${this.#decoder.end()}\n`);
  }

  /** The last lines, oldest first. */
  tail(): readonly string[] {
    return [...this.#tail];
  }

  #take(text: string): void {
    const pieces = text.split(LINE_END);
    const open = pieces.pop() ?? '';
    for (const piece of pieces) {
      this.#line(this.#open + piece.slice(0, this.#limit));
      this.#open = '';
    }
    if (this.#open.length < this.#limit) this.#open += open.slice(0, this.#limit);
  }

  #line(raw: string): void {
    const clean = this.#mask(stripVTControlCharacters(raw).replace(CONTROL, '')).trimEnd();
    if (clean === '') return;
    // Where the line went on, its end here may be the beginning of a secret that could not be seen whole.
    const sure = raw.length < this.#limit ? clean.length : clean.length - this.#mask.longest;
    const shown = Math.min(MAX_STDERR_LINE, Math.max(0, sure));
    const line = clean.length > shown ? `${clean.slice(0, shown)}…` : clean;
    this.#tail.push(line);
    this.#tailLength += line.length;
    while (this.#tail.length > MAX_TAIL_LINES || this.#tailLength > MAX_TAIL_LENGTH) {
      this.#tailLength -= this.#tail.shift()?.length ?? 0;
    }
    this.#onLine(line);
  }
}
