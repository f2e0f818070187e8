/** The lines a child writes to stderr: each one handed on, the last ones kept. Octets in, plain text out. */
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

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
  readonly #decoder = new StringDecoder('utf8');
  readonly #tail: string[] = [];
  #tailLength = 0;
  #open = '';

  /** @param onLine takes each line that is not blank, without its end and without control characters */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
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
      this.#line(this.#open + piece.slice(0, MAX_STDERR_LINE + 1));
      this.#open = '';
    }
    if (this.#open.length <= MAX_STDERR_LINE) this.#open += open.slice(0, MAX_STDERR_LINE + 1);
  }

  #line(raw: string): void {
    const clean = stripVTControlCharacters(raw).replace(CONTROL, '').trimEnd();
    if (clean === '') return;
    const line = clean.length > MAX_STDERR_LINE ? `${clean.slice(0, MAX_STDERR_LINE)}…` : clean;
    this.#tail.push(line);
    this.#tailLength += line.length;
    while (this.#tail.length > MAX_TAIL_LINES || this.#tailLength > MAX_TAIL_LENGTH) {
      this.#tailLength -= this.#tail.shift()?.length ?? 0;
    }
    this.#onLine(line);
  }
}
