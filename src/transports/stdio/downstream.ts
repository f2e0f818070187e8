/** The link to the client that started this process and speaks MCP on our stdin and stdout. */
import type { Readable, Writable } from 'node:stream';
import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import type { Message } from '../../jsonrpc/message.js';
import { type Malformed, scan } from '../../jsonrpc/scan.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { taken } from '../../observability/taken.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { LineReader, MAX_LINE_LENGTH } from './framing.js';
import { Gathered } from './gathered.js';
import { lineOf } from './line.js';

/**
 * Octets that may wait for a client that does not read, beside the message that goes over it. Nothing
 * that it is sent may be lost, so beyond this the conversation ends.
 */
const MAX_WAITING = 256 * 1024 * 1024;
/** For the last messages to be taken by a client that is about to leave. */
const DRAIN_MS = 2000;

export interface StdioDownstreamOptions {
  /** `process.stdin` in earnest. Octets, no encoding set. */
  readonly input: Readable;
  /** `process.stdout` in earnest. */
  readonly output: Writable;
}

/**
 * Reads nothing before `listen`. After the end of stdin what is sent is still written, until the link is
 * closed: a client may close stdin and read the answers to what it asked. Closing it ends both streams.
 */
export class StdioDownstream implements Link {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #out: Gathered;
  readonly #reader: LineReader;
  #receiver: Receiver | undefined;
  /** Nothing comes any more, and the receiver has been told. */
  #ended = false;
  /** Nothing is sent any more. */
  #closed = false;

  constructor(options: StdioDownstreamOptions) {
    this.#input = options.input;
    this.#output = options.output;
    this.#out = new Gathered(options.output);
    this.#reader = new LineReader({
      onLine: (line) => this.#line(line),
      onTooLong: () =>
        this.#complain({
          kind: 'malformed',
          code: ErrorCode.InvalidRequest,
          reason: `a message may have up to ${MAX_LINE_LENGTH} octets`,
        }),
    });
    // The client may be gone at any time, also while what was sent last is written.
    this.#output.on('error', () => this.#end({ kind: 'ended', text: 'the client no longer reads stdout' }));
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    const gone = (): void => {
      if (this.#closed || this.#ended) return;
      this.#reader.end();
      this.#end({ kind: 'ended', text: 'the client closed stdin' });
    };
    this.#input.on('data', this.#data);
    this.#input.once('end', gone);
    // A terminal or a pipe that was torn down says so with an error: an end as well.
    this.#input.on('error', gone);
    this.#input.once('close', gone);
  }

  send(message: Message): void {
    if (this.#closed || !this.#output.writable) return;
    if (this.#output.writableLength > MAX_WAITING) {
      this.#end({
        kind: 'failed',
        text: `the client does not read stdout: more than ${MAX_WAITING} octets wait`,
      });
      return;
    }
    this.#out.write(lineOf(message));
  }

  close(_reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.off('data', this.#data);
    this.#input.destroy();
    this.#output.end();
  }

  /**
   * Settles when all that was sent is written, or can't be any more, after `ms` milliseconds at the latest, which are
   * `DRAIN_MS` at least. For the moment before the process exits, which would cut off what still waits.
   */
  drained(ms = 0): Promise<void> {
    return taken(this.#output, Math.max(ms, DRAIN_MS));
  }

  readonly #data = (chunk: Buffer): void => this.#reader.push(chunk);

  #line(line: Wire): void {
    const scanned = scan(line);
    const items = scanned.kind === 'batch' ? scanned.items : [scanned];
    for (const item of items) {
      if (item.kind === 'malformed') this.#complain(item);
      else if (!this.#closed && !this.#ended) this.#receiver?.message(item);
    }
  }

  /** JSON-RPC 2.0, section 5: what can't be read is answered with the id null. */
  #complain(malformed: Malformed): void {
    this.send(makeError('null', malformed.code, malformed.reason));
  }

  #end(reason: CloseReason): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    this.#input.off('data', this.#data);
    // Let go of it without a word, so that it does not keep the process from exiting.
    this.#input.destroy();
    this.#receiver?.closed(reason);
  }
}
