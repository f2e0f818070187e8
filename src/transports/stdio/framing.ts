/** Octets of a stream → lines of text, one message each (specification, basic/transports, "stdio"). */
import type { Wire } from '../../jsonrpc/wire.js';

/**
 * Octets of one line, without its end. A message may have 64 MiB (as over HTTP); what the proxy itself
 * writes into one (ids, tokens, an envelope around a body) finds room beside that.
 */
export const MAX_LINE_LENGTH = 64 * 1024 * 1024 + 1024 * 1024;

/** Pieces of a line that are joined at once, so that a peer that writes single octets costs no list of millions. */
const PIECES = 1024;

const NEWLINE = 0x0a;
const BLANK = /^[ \t\r]*$/;

export interface LineReaderOptions {
  /** Takes each line that is not blank, without its end, one character per octet. */
  readonly onLine: (line: Wire) => void;
  /** Told once for a line that is longer than allowed; the whole of that line is dropped. */
  readonly onTooLong: () => void;
  /** Octets; default `MAX_LINE_LENGTH`. */
  readonly maxLength?: number;
}

/**
 * Takes octets in chunks of any size and gives lines. A line ends with `\n`, or `\r\n`. Time and memory
 * grow with the octets of a line, however they come.
 */
export class LineReader {
  readonly #onLine: (line: Wire) => void;
  readonly #onTooLong: () => void;
  readonly #maxLength: number;
  /** The line so far: pieces that were joined already, and those that came since. */
  #joined: Wire[] = [];
  #pieces: Wire[] = [];
  #length = 0;
  #dropping = false;

  constructor(options: LineReaderOptions) {
    this.#onLine = options.onLine;
    this.#onTooLong = options.onTooLong;
    this.#maxLength = options.maxLength ?? MAX_LINE_LENGTH;
  }

  push(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, at);
      if (end < 0) break;
      this.#add(chunk, at, end);
      this.#line();
      at = end + 1;
    }
    this.#add(chunk, at, chunk.length);
  }

  /** The stream has ended: what stands there without a line end is the last line. */
  end(): void {
    this.#line();
  }

  #add(chunk: Buffer, at: number, end: number): void {
    if (this.#dropping || at === end) return;
    this.#length += end - at;
    // One more, for the `\r` that may belong to the line's end.
    if (this.#length > this.#maxLength + 1) {
      this.#drop();
      return;
    }
    this.#pieces.push(chunk.toString('latin1', at, end));
    if (this.#pieces.length === PIECES) {
      this.#joined.push(this.#pieces.join(''));
      this.#pieces = [];
    }
  }

  #line(): void {
    const line = this.#take();
    if (this.#dropping) {
      this.#dropping = false;
      return;
    }
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text.length > this.#maxLength) this.#onTooLong();
    else if (!BLANK.test(text)) this.#onLine(text);
  }

  #drop(): void {
    this.#take();
    this.#dropping = true;
    this.#onTooLong();
  }

  #take(): Wire {
    if (this.#length === 0) return '';
    const pieces = this.#joined.length === 0 ? this.#pieces : [...this.#joined, ...this.#pieces];
    this.#joined = [];
    this.#pieces = [];
    this.#length = 0;
    return pieces.length === 1 ? (pieces[0] ?? '') : pieces.join('');
  }
}
