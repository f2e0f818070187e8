import type { Key, Message } from '../../../src/jsonrpc/message.js';
import { scan } from '../../../src/jsonrpc/scan.js';
import type { CloseReason, Link, Receiver } from '../../../src/relay/link.js';

/** JSON text as the one message that it is. */
export function message(text: string): Message {
  const scanned = scan(text);
  if (scanned.kind === 'batch' || scanned.kind === 'malformed') throw new TypeError(`no message: ${text}`);
  return scanned;
}

/** A link whose peer is the test: it records what is sent, and says what comes. */
export class MemoryLink implements Link {
  /** What was sent since `take` was last called. */
  #sent: { text: string; about: Key | undefined }[] = [];
  #receiver: Receiver | undefined;
  /** Why the other side closed it, each time it did. */
  readonly closings: CloseReason[] = [];
  /** What was sent although the link had ended. */
  readonly sentTooLate: string[] = [];
  /** When it was held back, and no longer. */
  readonly holds: boolean[] = [];
  #ended = false;

  send(sent: Message, about?: Key): void {
    // The offsets must fit the text, or the next one to read them cuts it in the wrong place.
    const { kind, id, method } = message(sent.text);
    if (kind !== sent.kind || id !== sent.id || method !== sent.method) throw new Error(`torn: ${sent.text}`);
    if (this.#ended) this.sentTooLate.push(sent.text);
    else this.#sent.push({ text: sent.text, about });
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  hold(isHeld: boolean): void {
    this.holds.push(isHeld);
  }

  close(reason: CloseReason): void {
    this.closings.push(reason);
    this.#ended = true;
  }

  /** What was sent since the last call, as text. */
  take(): string[] {
    return this.takeAll().map(({ text }) => text);
  }

  takeAll(): { text: string; about: Key | undefined }[] {
    return this.#sent.splice(0);
  }

  /** The only message sent since the last call. */
  takeOne(): string {
    const [text, ...more] = this.take();
    if (text === undefined || more.length > 0) throw new Error(`not one message: ${[text, ...more]}`);
    return text;
  }

  /** The peer sends something. */
  says(text: string, about?: Key): void {
    this.#receiver?.message(message(text), about);
  }

  /** The peer is gone. */
  goes(reason: CloseReason): void {
    this.#ended = true;
    this.#receiver?.closed(reason);
  }
}
