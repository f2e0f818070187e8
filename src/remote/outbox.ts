import type { Message } from '../jsonrpc/message.js';
import { PassingMap } from '../relay/passing.js';

/** How far a message that was begun has come. Both are called at most once by whoever begins messages. */
export interface Stage {
  /** It is on its way: its octets are handed to the system. */
  sent(): void;
  /** The server has taken it (for `initialize`: has answered it), or it has failed. */
  done(): void;
}

/** Messages that may wait at once; a client that writes more while nothing gets through is told so. */
export const MAX_WAITING = 4096;

/** Octets of messages that may wait at once: two of the largest. */
export const MAX_WAITING_OCTETS = 128 * 1024 * 1024;

/**
 * A request that went out this long ago (ms) has arrived before what is sent now. Each message travels on
 * a connection of its own, and on a new one it may be taken up a moment later than what follows it.
 */
const SETTLED = 25;

/** Longest time, in ms, that a notification which the server does not take holds back what follows it. */
const MAX_HOLD = 2_000;

/**
 * The order in which messages go out, where every message is an HTTP request of its own and nothing but
 * time puts one before the other.
 *
 * Requests and answers don't wait for each other. A notification waits until what came before it is on
 * its way, and holds back what follows until the server has taken it: `notifications/cancelled` must not
 * come before its request, nor a request before `notifications/initialized`. `initialize` is alone until
 * it is answered, except for answers to what the server asks meanwhile. The same holds while it is paused.
 */
export class Outbox {
  readonly #begin: (message: Message, stage: Stage) => void;
  readonly #waiting: Message[] = [];
  #octets = 0;
  #pumping = false;
  #barrier: 'none' | 'initialize' | 'notification' = 'none';
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  /** Messages that are not known to have arrived → when they went out; undefined: not yet. */
  readonly #fresh = new PassingMap<Message, number | undefined>();

  constructor(begin: (message: Message, stage: Stage) => void) {
    this.#begin = begin;
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#barrier === 'none';
  }

  /** Returns false where it is full; the message is not taken then. */
  add(message: Message): boolean {
    const isAnswer = message.kind === 'response' || message.kind === 'error';
    if (isAnswer && (this.#paused || this.#barrier === 'initialize')) {
      this.#start(message);
      return true;
    }
    if (this.#waiting.length >= MAX_WAITING) return false;
    if (this.#octets + message.text.length > MAX_WAITING_OCTETS) return false;
    this.#waiting.push(message);
    this.#octets += message.text.length;
    this.#pump();
    return true;
  }

  /** Lets nothing out until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /** Puts messages that were begun before, and have come to nothing, in front of all that wait. */
  again(messages: readonly Message[]): void {
    this.#waiting.unshift(...messages);
    for (const message of messages) this.#octets += message.text.length;
    // Later, because the end of their first try is not known here yet.
    queueMicrotask(() => this.#pump());
  }

  /** Takes out what waits. */
  take(): Message[] {
    this.#octets = 0;
    return this.#waiting.splice(0);
  }

  /** Forgets what waits. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.length = 0;
    this.#octets = 0;
    this.#barrier = 'none';
    this.#fresh.clear();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      const [message] = this.#waiting;
      if (message === undefined || this.#paused || this.#barrier !== 'none') break;
      if (message.kind === 'notification' && !this.#allArrived()) break;
      this.#waiting.shift();
      this.#octets -= message.text.length;
      this.#start(message);
    }
    this.#pumping = false;
  }

  #start(message: Message): void {
    if (message.method === 'initialize') this.#barrier = 'initialize';
    else if (message.kind === 'notification') this.#hold(message);
    else this.#fresh.set(message, undefined);
    this.#begin(message, {
      sent: () => {
        if (!this.#fresh.has(message)) return;
        this.#fresh.set(message, performance.now());
        // After the octets are written, which happens right after this call.
        if (this.#waiting.length > 0) queueMicrotask(() => this.#pump());
      },
      done: () => this.#done(message),
    });
  }

  #hold(message: Message): void {
    this.#barrier = 'notification';
    this.#fresh.set(message, undefined);
    this.#timer = setTimeout(() => this.#done(message), MAX_HOLD);
  }

  #done(message: Message): void {
    const wasFresh = this.#fresh.delete(message);
    if (message.method === 'initialize') {
      if (this.#barrier === 'initialize') this.#barrier = 'none';
    } else if (message.kind === 'notification' && wasFresh) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#barrier = 'none';
    }
    if (this.#waiting.length > 0) this.#pump();
  }

  /** Whether a notification may go out now; else sees to it that it is asked again. */
  #allArrived(): boolean {
    const now = performance.now();
    let wait = 0;
    let unsent = false;
    for (const [message, sentAt] of this.#fresh) {
      if (sentAt === undefined) unsent = true;
      else if (now - sentAt >= SETTLED) this.#fresh.delete(message);
      else wait = Math.max(wait, SETTLED - (now - sentAt));
    }
    if (unsent) return false;
    if (wait === 0) return true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, wait);
    return false;
  }
}
