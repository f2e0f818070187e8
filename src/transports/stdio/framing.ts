/** Octets of a stream → lines of text, one message each (specification, basic/transports, "stdio"). */
import { DEFAULT_LIMITS } from '../../config/limits.js';
import { END_LENGTH, type Ends } from '../../jsonrpc/salvage.js';
import { copyWire, type Wire } from '../../jsonrpc/wire.js';

/** Octets of one line, without its end, where nothing else is said. */
export const MAX_LINE_LENGTH = DEFAULT_LIMITS.maxLine;

/** Pieces of a line that are joined at once, so that a peer that writes single octets costs no list of millions. */
const PIECES = 1024;

/** Octets from which a piece is kept as it came: a smaller one would keep more memory than it has. */
const LARGE_PIECE = 16 * 1024;

const NEWLINE = 0x0a;
const BLANK = /^[ \t\r]*$/;

export interface LineReaderOptions {
  /** Takes each line that is not blank, without its end, one character per octet. */
  readonly onLine: (line: Wire) => void;
  /** Told once for a line that is longer than allowed, when that shows; the whole of that line is dropped. */
  readonly onTooLong: () => void;
  /** Told at the end of such a line: how it began and ended. */
  readonly onDropped?: (ends: Ends) => void;
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
  readonly #onDropped: ((ends: Ends) => void) | undefined;
  readonly #maxLength: number;
  /** The line so far: pieces that were joined already, and those that came since. */
  #joined: Wire[] = [];
  #pieces: (Wire | Buffer)[] = [];
  #length = 0;
  /** What is kept of a line that is dropped, with one octet more at its end, which may be the `\r`. */
  #dropping: Ends | undefined;

  constructor(options: LineReaderOptions) {
    this.#onLine = options.onLine;
    this.#onTooLong = options.onTooLong;
    this.#onDropped = options.onDropped;
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
    if (at === end) return;
    this.#length += end - at;
    if (this.#dropping !== undefined) {
      this.#drop(this.#dropping.head, this.#dropping.tail, chunk, at, end);
      return;
    }
    // One more, for the `\r` that may belong to the line's end.
    if (this.#length > this.#maxLength + 1) {
      const so = this.#take();
      this.#drop(so, so, chunk, at, end);
      this.#onTooLong();
      return;
    }
    const isLarge = this.#length > LARGE_PIECE && end - at >= LARGE_PIECE;
    this.#pieces.push(isLarge ? chunk.subarray(at, end) : chunk.toString('latin1', at, end));
    if (this.#pieces.length === PIECES) {
      this.#joined.push(wireOf(this.#pieces));
      this.#pieces = [];
    }
  }

  #line(): void {
    const length = this.#length;
    this.#length = 0;
    const line = this.#take();
    if (this.#dropping !== undefined) {
      const ends = this.#dropping;
      this.#dropping = undefined;
      this.#dropped(ends, length);
      return;
    }
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text.length > this.#maxLength) {
      this.#onTooLong();
      this.#dropped({ head: line, tail: line }, length);
    } else if (!BLANK.test(text)) this.#onLine(text);
  }

  /** Keeps the ends of a line whose next octets are those of the chunk, and nothing else of it. */
  #drop(head: Wire, tail: Wire, chunk: Buffer, at: number, end: number): void {
    const next = (from: number, to: number): Wire =>
      chunk.toString('latin1', Math.max(at, from), Math.min(to, end));
    // Copies, because a part of a text keeps the whole of it in memory.
    this.#dropping = {
      head:
        head.length < END_LENGTH
          ? head + next(at, at + END_LENGTH - head.length)
          : copyWire(head.slice(0, END_LENGTH)),
      tail: copyWire((tail + next(end - END_LENGTH - 1, end)).slice(-END_LENGTH - 1)),
    };
  }

  /** @param length octets of the line, without its `\n` */
  #dropped({ head, tail }: Ends, length: number): void {
    const hasReturn = tail.endsWith('\r');
    this.#onDropped?.({
      head: head.slice(0, Math.min(END_LENGTH, hasReturn ? length - 1 : length)),
      tail: (hasReturn ? tail.slice(0, -1) : tail).slice(-END_LENGTH),
    });
  }

  /** The pieces that came, as one text; none is kept. */
  #take(): Wire {
    const pieces = this.#joined.length === 0 ? this.#pieces : [...this.#joined, ...this.#pieces];
    this.#joined = [];
    this.#pieces = [];
    return wireOf(pieces);
  }
}

/** Pieces of a text as one. Where there are large ones, all are put together outside of the engine's heap. */
function wireOf(pieces: readonly (Wire | Buffer)[]): Wire {
  const [first = ''] = pieces;
  if (pieces.length <= 1) return typeof first === 'string' ? first : first.toString('latin1');
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)),
  ).toString('latin1');
}
