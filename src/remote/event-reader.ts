import { createParser } from 'eventsource-parser';
import type { Wire } from '../jsonrpc/wire.js';

/** One event of an event stream (WHATWG HTML, "Server-sent events"). */
export interface ServerEvent {
  /** `message` where the stream does not say. */
  readonly type: string;
  readonly data: Wire;
  /** Absent where the event has none, or one that cannot be sent back in a header. */
  readonly id?: string;
}

export interface EventTaker {
  event(event: ServerEvent): void;
  /** The server wants this wait, in ms, before the stream is asked for again. */
  retry?(ms: number): void;
  /** An event is longer than the bound. Nothing comes after this. */
  tooLong(): void;
}

/** Longest wait that a timer can hold; the server's number is its own. */
const MAX_RETRY = 2 ** 31 - 1;

/** The byte order mark, octet by octet. */
const MARK = '\xef\xbb\xbf';

/** The reading side of one event stream. */
export class EventReader {
  readonly #feed: (chunk: string) => void;
  #over = false;
  /** The first octets, for as long as they may be the beginning of a byte order mark. */
  #start: string | undefined = '';
  /** The last octet was a CR, which has been read as the end of its line. */
  #afterCr = false;

  /** @param maxLength the most octets that one event may have */
  constructor(taker: EventTaker, maxLength: number) {
    const parser = createParser({
      maxBufferSize: maxLength,
      onEvent: ({ event, data, id }) => {
        const usable = id !== undefined && /^[\t\x20-\x7e\x80-\xff]*$/.test(id) ? { id } : {};
        taker.event({ type: event ?? 'message', data, ...usable });
      },
      onRetry: (ms) => taker.retry?.(Math.min(ms, MAX_RETRY)),
      onError: (error) => {
        if (error.type !== 'max-buffer-size-exceeded') return;
        this.#over = true;
        taker.tooLong();
      },
    });
    this.#feed = (chunk) => parser.feed(chunk);
  }

  /** Takes the next octets of the stream; they may be cut anywhere. */
  feed(chunk: Buffer): void {
    const text = this.#withoutMark(chunk.toString('latin1'));
    if (text !== '' && !this.#over) this.#feed(this.#withLf(text));
  }

  /** A stream may begin with a byte order mark. */
  #withoutMark(text: string): string {
    if (this.#start === undefined) return text;
    const start = this.#start + text;
    if (start.length < MARK.length && MARK.startsWith(start)) {
      this.#start = start;
      return '';
    }
    this.#start = undefined;
    return start.startsWith(MARK) ? start.slice(MARK.length) : start;
  }

  /** A line may end in CR alone, and the parser would wait for the next octet to see whether it is LF. */
  #withLf(text: string): string {
    const rest = this.#afterCr && text.startsWith('\n') ? text.slice(1) : text;
    this.#afterCr = text.endsWith('\r');
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest;
  }
}
