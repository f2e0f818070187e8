import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError, makeResponse } from '../jsonrpc/make.js';
import {
  answerOf,
  asRecord,
  type Key,
  keyOf,
  type Message,
  metaOf,
  paramsOf,
  refOf,
} from '../jsonrpc/message.js';
import { withParams } from '../jsonrpc/rewrite.js';
import { parseWire, toWire, type Wire } from '../jsonrpc/wire.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { Hook, HookMessage, Verdict } from './hook.js';
import type { CloseReason, Link, Receiver } from './link.js';
import { PassingMap } from './passing.js';

/** Messages of one conversation that may wait for its hook; each may be as large as a message may be. */
const MAX_WAITING = 1000;
/** Messages that wait for the hook from which on the server is held back, and down to which it is. */
const HOLD = 64;

/**
 * A link to a server whose messages go through a hook, both ways. While the hook is at work on a request or an answer,
 * others go on; behind a notification all wait, because what follows may be about it. What the hook fails on goes no
 * further: it may be there to keep something back.
 */
export function hooked(link: Link, hook: Hook, emit: Emit): Link {
  return new HookedLink(link, hook, emit);
}

interface Arrival {
  readonly message: Message;
  readonly about: Key | undefined;
}

type Side = 'client' | 'server';

class HookedLink implements Link {
  readonly #link: Link;
  readonly #hook: Hook;
  readonly #emit: Emit;
  readonly #lanes = { client: new Lane(), server: new Lane() };
  #receiver: Receiver | undefined;
  #isClosed = false;
  #isHeld = false;
  #isSlow = false;

  constructor(link: Link, hook: Hook, emit: Emit) {
    this.#link = link;
    this.#hook = hook;
    this.#emit = emit;
  }

  send(message: Message, about?: Key): void {
    this.#take('client', { message, about });
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#link.listen({
      message: (message, about) => this.#take('server', { message, about }),
      slow: (isSlow) => receiver.slow?.(isSlow),
      closed: (reason) => {
        this.#isClosed = true;
        receiver.closed(reason);
      },
    });
  }

  hold(isHeld: boolean): void {
    this.#isSlow = isHeld;
    this.#holdBack();
  }

  close(reason: CloseReason): void {
    this.#isClosed = true;
    this.#link.close(reason);
  }

  /** One message comes from that side. */
  #take(from: Side, arrival: Arrival): void {
    const lane = this.#lanes[from];
    const { message } = arrival;
    if (message.method === 'notifications/cancelled' && lane.giveUp(refOf(message))) return;
    if (lane.size >= MAX_WAITING)
      this.#refuse(from, arrival, `${MAX_WAITING} messages wait for a hook already`);
    else if (lane.isBlocked) lane.queue.push(arrival);
    else this.#ask(from, arrival);
    this.#holdBack();
  }

  #ask(from: Side, arrival: Arrival): void {
    const { message } = arrival;
    let verdict: ReturnType<Hook>;
    try {
      verdict = this.#hook(new Seen(message), from);
    } catch (error) {
      this.#failed(from, arrival, error);
      return;
    }
    if (!(verdict instanceof Promise)) {
      this.#apply(from, arrival, verdict ?? undefined);
      return;
    }
    const lane = this.#lanes[from];
    const isWanted = lane.wait(message);
    const settle = (act: () => void): void => {
      const wanted = isWanted();
      if (!this.#isClosed && wanted) act();
      this.#goOn(from);
    };
    verdict.then(
      (settled) => settle(() => this.#apply(from, arrival, settled ?? undefined)),
      (error: unknown) => settle(() => this.#failed(from, arrival, error)),
    );
  }

  #goOn(from: Side): void {
    const lane = this.#lanes[from];
    while (!this.#isClosed && !lane.isBlocked) {
      const next = lane.queue.shift();
      if (next === undefined) break;
      this.#ask(from, next);
    }
    this.#holdBack();
  }

  #apply(from: Side, arrival: Arrival, verdict: Verdict): void {
    if (verdict === undefined) {
      this.#pass(from, arrival.message, arrival.about);
      return;
    }
    try {
      const { message, about } = arrival;
      if ('drop' in verdict) {
        if (message.kind !== 'notification') throw new TypeError('only a notification can be dropped');
      } else if ('params' in verdict) this.#pass(from, changed(message, verdict.params), about);
      else if (message.kind === 'request') this.#answer(from, answer(message, verdict));
      else if (message.kind === 'notification') throw new TypeError('a notification cannot be answered');
      else this.#pass(from, answer(message, verdict), about);
    } catch (error) {
      this.#failed(from, arrival, error);
    }
  }

  #failed(from: Side, arrival: Arrival, error: unknown): void {
    const what = arrival.message.method ?? 'an answer';
    this.#emit({ level: 'error', text: `a hook failed on ${what} of the ${from}: ${wordsOf(error)}` });
    this.#refuse(from, arrival, 'the proxy could not deal with this message: a hook of it failed');
  }

  /** The message goes no further, and whoever waits for an answer gets one that says why. */
  #refuse(from: Side, { message, about }: Arrival, text: string): void {
    if (message.kind === 'notification') return;
    const error = makeError(message.id ?? 'null', ErrorCode.InternalError, text);
    if (message.kind === 'request') this.#answer(from, error);
    else this.#pass(from, error, about);
  }

  /** @param to who has asked */
  #answer(to: Side, message: Message): void {
    if (to === 'client') this.#receiver?.message(message, keyOf(message.id ?? 'null'));
    else this.#link.send(message);
  }

  #pass(from: Side, message: Message, about: Key | undefined): void {
    if (from === 'client') this.#link.send(message, about);
    else this.#receiver?.message(message, about);
  }

  #holdBack(): void {
    const isHeld = this.#isSlow || this.#lanes.server.size > HOLD;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#link.hold?.(isHeld);
  }
}

/** What comes from one side and waits for the hook. */
class Lane {
  /** Behind a notification that the hook is at work on. */
  readonly queue: Arrival[] = [];
  readonly #requests = new PassingMap<Key, { isWanted: boolean }>();
  #waiting = 0;
  #blocked = 0;

  get isBlocked(): boolean {
    return this.#blocked > 0;
  }

  get size(): number {
    return this.#waiting + this.queue.length;
  }

  /** The hook is at work on it. Returns what ends that, and says whether somebody still waits for the message. */
  wait({ kind, id }: Message): () => boolean {
    this.#waiting++;
    if (kind === 'notification') {
      this.#blocked++;
      return () => {
        this.#waiting--;
        this.#blocked--;
        return true;
      };
    }
    const key = kind === 'request' ? keyOf(id ?? 'null') : undefined;
    const request = { isWanted: true };
    if (key !== undefined) this.#requests.set(key, request);
    return () => {
      this.#waiting--;
      if (key !== undefined && this.#requests.get(key) === request) this.#requests.delete(key);
      return request.isWanted;
    };
  }

  /** A request was cancelled. Returns whether nobody but its sender knows of it yet, so that it need not be said. */
  giveUp(ref: Wire | undefined): boolean {
    if (ref === undefined) return false;
    const key = keyOf(ref);
    const queued = this.queue.findIndex(
      ({ message }) => message.kind === 'request' && keyOf(message.id ?? 'null') === key,
    );
    if (queued >= 0) this.queue.splice(queued, 1);
    const request = this.#requests.get(key);
    if (request !== undefined) request.isWanted = false;
    return queued >= 0 || request !== undefined;
  }
}

class Seen implements HookMessage {
  readonly #message: Message;

  constructor(message: Message) {
    this.#message = message;
  }

  get kind(): HookMessage['kind'] {
    return this.#message.kind;
  }

  get method(): string | undefined {
    return this.#message.method;
  }

  get id(): HookMessage['id'] {
    const { id } = this.#message;
    const value = id === undefined ? undefined : parseWire(id);
    return typeof value === 'string' || typeof value === 'number' || value === null ? value : undefined;
  }

  get params(): HookMessage['params'] {
    return paramsOf(this.#message);
  }

  get result(): unknown {
    return this.kind === 'response' ? parseWire(answerOf(this.#message)) : undefined;
  }

  get error(): unknown {
    return this.kind === 'error' ? parseWire(answerOf(this.#message)) : undefined;
  }
}

/** With other params; what the message says of itself in `_meta` stays, unless they have one. */
function changed(message: Message, params: object): Message {
  if (message.kind !== 'request' && message.kind !== 'notification') {
    throw new TypeError('an answer has no params');
  }
  const meta = metaOf(message);
  const own = asRecord(params)._meta === undefined && meta !== undefined ? { _meta: parseWire(meta) } : {};
  const made = withParams(message, toWire({ ...params, ...own }));
  if (made === undefined) throw new TypeError('these params make no message');
  return made;
}

function answer({ id = 'null' }: Message, verdict: Exclude<Verdict, undefined>): Message {
  if ('result' in verdict) return makeResponse(id, toWire(verdict.result));
  if (!('error' in verdict)) throw new TypeError('a verdict has params, result, error or drop');
  const { code, message, data } = verdict.error;
  return makeError(id, code, message, data);
}
