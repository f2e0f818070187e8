import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { ConductHost } from './conduct.js';
import type { Port } from './port.js';

/** How long a question may wait, from when it was kept first, in milliseconds: the SDKs' servers wait no longer. */
export const KEPT_MS = 60_000;
/** How often it is looked whether one has waited for too long, or holds a call up, in milliseconds. */
export const LOOK_MS = 2000;
/** Questions that may wait: a server needs one. */
export const MAX_KEPT = 16;
/** The longest that may, in octets: with so few, it bounds the memory. This question says nothing but its id. */
export const MAX_KEPT_LENGTH = 4096;

export interface KeptQuestionsOptions {
  readonly host: ConductHost;
  /** The session that has had a request open for longest. */
  readonly oldest: () => Port | undefined;
  /** Answers what was kept for nothing. */
  readonly refuse: (question: Message, reason: string) => void;
}

/**
 * Questions that came while no call was open in which they could be asked, until the next one that can. Some servers
 * ask for roots right after the handshake, whatever was asked of them then.
 */
export class KeptQuestions {
  readonly #options: KeptQuestionsOptions;
  readonly #waiting = new Map<Key, Message>();
  /** Until when each may wait, in milliseconds of the clock; also of those that were asked meanwhile. */
  readonly #until = new WeakMap<Message, number>();
  /** Whose request was the oldest when it was last looked. */
  #oldest: Port | undefined;
  #disarm: (() => void) | undefined;

  constructor(options: KeptQuestionsOptions) {
    this.#options = options;
  }

  /** Returns false where it may not wait, or not any more. */
  keep(question: Message): boolean {
    const { host, oldest } = this.#options;
    const key = keyOf(question.id ?? 'null');
    const until = this.#until.get(question) ?? host.now() + KEPT_MS;
    if (this.#waiting.has(key) || this.#waiting.size >= MAX_KEPT) return false;
    if (question.text.length > MAX_KEPT_LENGTH || host.now() >= until) return false;
    this.#until.set(question, until);
    this.#waiting.set(key, question);
    if (this.#disarm === undefined) {
      this.#oldest = oldest();
      this.#arm();
    }
    return true;
  }

  /** All that wait, which they do no longer. */
  take(): Message[] {
    const questions = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#rest();
    return questions;
  }

  /** The server takes one back. Returns whether it was one of these. */
  cancelled(ref: Wire | undefined): boolean {
    if (ref === undefined || !this.#waiting.delete(keyOf(ref))) return false;
    this.#rest();
    return true;
  }

  #arm(): void {
    this.#disarm = this.#options.host.after(LOOK_MS, () => {
      this.#disarm = undefined;
      this.#look();
      if (this.#waiting.size > 0) this.#arm();
    });
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #look(): void {
    const { host, oldest, refuse } = this.#options;
    const open = oldest();
    // It may be the server that waits, with its answer to a request in which nobody can be asked.
    const holdsUp = open !== undefined && open === this.#oldest;
    this.#oldest = open;
    for (const [key, question] of [...this.#waiting]) {
      if (!holdsUp && host.now() < (this.#until.get(question) ?? 0)) continue;
      this.#waiting.delete(key);
      refuse(
        question,
        holdsUp
          ? 'a request is open in which its client cannot be asked, and seems to wait for that'
          : `no call came within ${KEPT_MS / 1000} s in which its client could be asked`,
      );
    }
  }
}
