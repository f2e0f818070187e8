/** The link to a server that runs as a child process and speaks MCP on its stdin and stdout. */
import type { ServerDefinition } from '../../config/definition.js';
import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import type { Message } from '../../jsonrpc/message.js';
import { brokenAnswer, type Ends, endsOf } from '../../jsonrpc/salvage.js';
import { scan } from '../../jsonrpc/scan.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { Emit } from '../../observability/events.js';
import type { Child } from '../../process/child.js';
import { type ChildExit, describeExit, exitData } from '../../process/child-exit.js';
import { maskOf } from '../../process/secrets.js';
import { guarded } from '../../relay/guarded.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { LineReader, MAX_LINE_LENGTH } from './framing.js';
import { Gathered } from './gathered.js';
import { lineOf } from './line.js';
import { Noise } from './noise.js';

/**
 * Octets that may wait for a child that does not read, beside the message that goes over it: room for one
 * of the largest messages in front of others, and an end to it before memory is what ends everything.
 */
const MAX_WAITING = 64 * 1024 * 1024;
/** Once the child has ended, how long to wait for the rest of its output that was not read yet. */
const REST_MS = 250;
/** Lines of stderr in the text of the reason; its data holds all that are kept. */
const STDERR_LINES_IN_TEXT = 5;

/** Reads nothing before `listen`. Closing it stops the child, in steps. */
export class StdioUpstream implements Link {
  readonly #child: Child;
  readonly #definition: ServerDefinition;
  readonly #emit: Emit;
  readonly #noise: Noise;
  readonly #reader: LineReader;
  readonly #out: Gathered;
  readonly #tooLong: string;
  #receiver: Receiver | undefined;
  #shared = false;
  #closed = false;
  /** Whether the output has ended: what is left to be read is a line without its end. */
  #isOver = false;
  #hasExited = false;
  /** Whether the child was already told to be too slow, since what waited was last written. */
  #overflowing = false;

  /**
   * @param definition of the server that the child runs
   * @param maxLine octets that one line of its stdout may have
   */
  constructor(child: Child, definition: ServerDefinition, emit: Emit, maxLine = MAX_LINE_LENGTH) {
    this.#child = child;
    this.#out = new Gathered(child.stdin);
    this.#definition = definition;
    this.#emit = emit;
    this.#noise = new Noise((text) => this.#warn(text), maskOf(definition));
    this.#tooLong = `a line of more than ${maxLine} octets`;
    this.#reader = new LineReader({
      maxLength: maxLine,
      onLine: (line) => this.#guarded(() => this.#line(line)),
      onTooLong: () => this.#warn(`wrote ${this.#tooLong} to stdout; it is dropped`),
      onDropped: (ends) => this.#guarded(() => this.#dropped(ends)),
    });
  }

  /** Says that several sessions use it: nothing that may be a line of a log fails a request of theirs. */
  share(): void {
    this.#shared = true;
  }

  listen(receiver: Receiver): void {
    const { stdin, stdout, exit } = this.#child;
    this.#receiver = receiver;
    const ended = new Promise<void>((resolve) => {
      if (stdout.closed) resolve();
      else stdout.once('close', resolve);
    });
    stdout.on('data', this.#data);
    stdout.once('end', () => {
      this.#outputEnded();
      // A server ends a conversation by closing its output (basic/lifecycle, "Shutdown"); mostly it has
      // ended by itself already, and this does nothing.
      this.#stop();
    });
    // Nothing can be said to it any more, so its requests would wait for ever.
    stdin.once('error', () => this.#stop());
    stdin.on('drain', () => {
      this.#overflowing = false;
    });
    void exit.then(async (how) => {
      // Nobody waits any more, and the little that is left is wanted.
      this.#hasExited = true;
      stdout.resume();
      let timer: NodeJS.Timeout | undefined;
      const bound = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, REST_MS);
      });
      await Promise.race([ended, bound]);
      clearTimeout(timer);
      this.#ended(how);
    });
  }

  send(message: Message): void {
    const { stdin } = this.#child;
    if (this.#closed || !stdin.writable) return;
    if (stdin.writableLength > MAX_WAITING) {
      this.#refuse(message);
      return;
    }
    this.#out.write(lineOf(message));
  }

  /** What the child writes meanwhile fills its pipe, and then it waits. */
  hold(isHeld: boolean): void {
    if (this.#closed || this.#hasExited) return;
    if (isHeld) this.#child.stdout.pause();
    else this.#child.stdout.resume();
  }

  close(_reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#noise.end();
    // What it still writes is read and forgotten, so that a full pipe does not keep it from ending.
    this.#child.stdout.off('data', this.#data);
    this.#child.stdout.resume();
    this.#stop();
  }

  readonly #data = (chunk: Buffer): void => {
    this.#child.active();
    this.#reader.push(chunk);
  };

  #outputEnded(): void {
    this.#isOver = true;
    this.#reader.end();
  }

  #line(line: Wire): void {
    const scanned = scan(line);
    if (scanned.kind === 'malformed') {
      this.#noise.add(line, scanned.reason);
      // Whose line was cut by the end is told the end, which says why.
      if (this.#isOver) return;
      this.#answerFor(endsOf(line), `gave an answer that is no JSON-RPC message: ${scanned.reason}`);
    } else if (scanned.kind === 'batch') {
      for (const item of scanned.items) {
        if (item.kind === 'malformed') this.#noise.add(line, item.reason);
        else this.#deliver(item);
      }
    } else {
      this.#deliver(scanned);
    }
  }

  #dropped(ends: Ends): void {
    const what = `gave its answer as ${this.#tooLong}, which is the limit: the answer was dropped`;
    if (this.#answerFor(ends, what)) return;
    this.#warn(
      'did not say in the line that was dropped what it answers: whoever waits for it gets no answer',
    );
  }

  /**
   * What was meant as an answer and is none must not leave its request open for ever. Returns whether it was
   * meant as one.
   *
   * @param what is wrong with it, in words that follow the server's name
   */
  #answerFor(ends: Ends, what: string): boolean {
    const broken = brokenAnswer(ends);
    // The ids that several sessions share are small numbers, as those in many a log.
    if (broken === undefined || (this.#shared && !broken.versioned)) return false;
    const { name } = this.#definition;
    const text = `server "${name}" ${what}`;
    this.#deliver(makeError(broken.id, ErrorCode.InternalError, text, { server: name }));
    return true;
  }

  #deliver(message: Message): void {
    // Its receiver may close the link while a chunk of several lines is taken apart.
    if (!this.#closed) this.#receiver?.message(message);
  }

  #refuse(message: Message): void {
    const text = `server "${this.#definition.name}" does not read what it is sent: more than ${MAX_WAITING} octets wait`;
    if (!this.#overflowing) this.#warn(`does not read its stdin: more than ${MAX_WAITING} octets wait`);
    this.#overflowing = true;
    const { kind, id } = message;
    if (kind !== 'request' || id === undefined) return;
    // Later, so that nobody is called back from within the `send` that he is just doing.
    const error = makeError(id, ErrorCode.InternalError, text, { server: this.#definition.name });
    queueMicrotask(() => this.#guarded(() => this.#deliver(error)));
  }

  #ended(exit: ChildExit): void {
    this.#child.stdout.off('data', this.#data);
    if (!this.#child.stdout.readableEnded) this.#outputEnded();
    this.#child.stdout.destroy();
    if (this.#closed) return;
    this.#closed = true;
    this.#noise.end();
    const stderr = this.#child.stderrTail();
    const reason: CloseReason = {
      kind: exit.kind === 'exited' && exit.code === 0 ? 'ended' : 'failed',
      text: describeExit(this.#definition, exit, stderr.slice(-STDERR_LINES_IN_TEXT)),
      data: exitData(this.#definition, exit, stderr),
    };
    this.#guarded(() => this.#receiver?.closed(reason));
  }

  #guarded(take: () => void): void {
    guarded(take, this.#emit, this.#definition.name);
  }

  #stop(): void {
    void this.#child.stop();
  }

  #warn(text: string): void {
    this.#emit({ level: 'warning', server: this.#definition.name, text });
  }
}
