import { answerOf, asRecord, type Key, keyOf, type Message, textOf } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';
import type { Emit } from '../observability/events.js';
import { changesSince } from './changes.js';
import type { Clock } from './clock.js';
import { guarded } from './guarded.js';
import type { CloseReason, Link, Receiver } from './link.js';
import { OpenQuestions } from './open-questions.js';
import { PassingMap } from './passing.js';
import { pendingLink } from './pending.js';
import { type Restoration, RestoredLink } from './restored.js';
import { SessionMemory } from './session-memory.js';

export interface RecoveryOptions {
  /** The server definition's name, for errors and events. */
  readonly server: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** How long the server has to answer an `initialize` that is repeated, in milliseconds. */
  readonly handshakeMs: number;
  /**
   * Gives a link to the server once more; the `initialize` is sent on it next. Rejects, in words for the client,
   * where there is none to be had.
   *
   * @param isAsked a request of the client waits for it, after it was given up
   */
  readonly reopen: (initialize: Message, isAsked: boolean) => Promise<Link>;
  /** Requests begin to wait for the server to be back, or wait no longer. */
  readonly onWaiting?: (isWaiting: boolean) => void;
}

/**
 * A session's link to a server that may be lost and replaced without the session's end: the handshake is
 * repeated with what the client itself has said, and the client hears that lists may have changed.
 *
 *     live ──lost──► recovering ──► live
 *                      │    ▲
 *          no server   ▼    │ the client's next request
 *                    given up
 *
 * What the client asks meanwhile waits. What was open when the server was lost has been answered with the
 * reason, and is not sent again: it may have been done.
 */
export class RecoveringLink implements Link {
  readonly #options: RecoveryOptions;
  readonly #memory = new SessionMemory();
  readonly #questions = new OpenQuestions<Link>();
  /** Requests whose answers make the session what it is. */
  readonly #watched = new PassingMap<Key, Message>();
  /** Undefined: given up. */
  #link: Link | undefined;
  #isRecovering = false;
  /** The one on which the session is just being made again. */
  #restored: RestoredLink | undefined;
  #isHeld = false;
  #isWaiting = false;
  /** Whether the first server is gone: to others, `notifications/initialized` is sent in place of the client. */
  #isReplaced = false;
  /** Why the session cannot go on, whatever comes. */
  #end: CloseReason | undefined;
  #receiver: Receiver | undefined;
  #isOpen = true;

  constructor(first: Link, options: RecoveryOptions) {
    this.#options = options;
    this.#link = first;
    this.#use(first);
  }

  /** Whether the server was given up: only the client's next request asks for another. */
  get isDown(): boolean {
    return this.#link === undefined;
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#link?.hold?.(isHeld);
  }

  close(reason: CloseReason): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#waits(false);
    this.#link?.close(reason);
    this.#restored?.close(reason);
  }

  // ── from the client ──

  send(message: Message, about?: Key): void {
    if (!this.#isOpen) return;
    switch (message.kind) {
      case 'request':
        // A client that begins again says itself when it is ready.
        if (message.method === 'initialize') this.#isReplaced = false;
        if (SessionMemory.concerns(message)) this.#watched.set(keyOf(message.id ?? 'null'), message);
        if (this.#link === undefined) this.#recover(true);
        if (this.#isRecovering) this.#waits(true);
        this.#link?.send(message, about);
        return;
      case 'notification':
        if (this.#isReplaced && message.method === 'notifications/initialized') return;
        this.#link?.send(message, about);
        return;
      default: {
        const { message: answer, session = this.#link } = this.#questions.answered(message);
        if (session === this.#link) this.#link?.send(answer, about);
        else this.#tell('debug', 'dropped an answer to a process that has ended');
      }
    }
  }

  // ── from the server ──

  #use(link: Link): void {
    link.listen({
      message: (message, about) => {
        if (link === this.#link) this.#heard(message, about, link);
      },
      closed: (reason) => {
        if (link === this.#link && this.#isOpen) this.#lost(reason, link);
      },
    });
  }

  #heard(message: Message, about: Key | undefined, link: Link): void {
    if (message.kind === 'response' || message.kind === 'error') {
      if (this.#watched.size > 0) this.#answered(message);
      this.#receiver?.message(message, about);
    } else this.#receiver?.message(this.#questions.heard(message, link), about);
  }

  #answered(answer: Message): void {
    const key = keyOf(answer.id ?? 'null');
    const request = this.#watched.get(key);
    if (request === undefined) return;
    this.#watched.delete(key);
    this.#memory.answered(request, answer);
  }

  /** Every request that was open has been answered with the reason by now. */
  #lost(reason: CloseReason, link: Link): void {
    this.#link = undefined;
    for (const question of this.#questions.lost(link)) this.#receiver?.message(question);
    const isMeant = reason.kind === 'stopping' || reason.kind === 'idle';
    if (this.#end !== undefined || isMeant || !this.#memory.hasSession) {
      this.#isOpen = false;
      this.#receiver?.closed(this.#end ?? reason);
    } else if (this.#isRecovering) this.#ended();
    else this.#recover(false);
  }

  // ── recovery ──

  #recover(isAsked: boolean): void {
    this.#isRecovering = true;
    this.#isReplaced = true;
    const link = pendingLink(this.#restore(isAsked), this.#options.emit);
    this.#link = link;
    this.#use(link);
    if (this.#isHeld) link.hold?.(true);
  }

  async #restore(isAsked: boolean): Promise<Link> {
    const { server, clock, handshakeMs, reopen } = this.#options;
    for (let isFirst = true; ; isFirst = false) {
      const opened = await reopen(this.#memory.initialize(), isAsked && isFirst);
      const link = new RestoredLink(opened, this.#memory, clock, handshakeMs);
      if (!this.#isOpen) {
        link.close({ kind: 'ended', text: 'the client has gone' });
        throw new Error('the client has gone');
      }
      this.#restored = link;
      const outcome = await link.restoration;
      this.#restored = undefined;
      if (!this.#isOpen) throw new Error('the client has gone');
      if (outcome.kind === 'done') {
        // Behind what waited, whose answers do not depend on it.
        guarded(() => this.#done(outcome.answer), this.#options.emit, server);
        return link;
      }
      if (outcome.kind === 'lost') continue;
      const text = `server "${server}" is there again, but ${failureOf(outcome, handshakeMs)}`;
      if (outcome.kind === 'other-version') this.#end = { kind: 'failed', text };
      throw new Error(text);
    }
  }

  #done(answer: Message): void {
    this.#ended();
    this.#tell('debug', 'a session goes on with another process');
    for (const change of changesSince(answer, this.#memory.subscribed)) this.#receiver?.message(change);
  }

  #ended(): void {
    this.#isRecovering = false;
    this.#waits(false);
  }

  #waits(isWaiting: boolean): void {
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    this.#options.onWaiting?.(isWaiting);
  }

  #tell(level: 'debug', text: string): void {
    this.#options.emit({ level, text, server: this.#options.server });
  }
}

function failureOf(outcome: Exclude<Restoration, { kind: 'done' | 'lost' }>, ms: number): string {
  switch (outcome.kind) {
    case 'silent':
      return `did not answer "initialize" within ${Math.round(ms / 100) / 10} s`;
    case 'refused': {
      const { message } = asRecord(parseWire(answerOf(outcome.answer)));
      return `refused "initialize": ${textOf(message, 'it gave no reason')}`;
    }
    case 'other-version':
      return `now speaks MCP ${outcome.version ?? '(no version)'}, which the client did not agree to`;
  }
}
