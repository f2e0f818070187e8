/**
 * What a legacy client is told unasked: list changes and updates of resources, from one stream of the modern
 * era (2026-07-28, `basic/patterns/subscriptions`) that is replaced when the client's wishes change, and opened
 * again when it ends. Longer than most files: what a stream can come to stands beside what is done about it.
 */
import { ErrorCode } from '../../jsonrpc/errors.js';
import {
  type Key,
  keyOf,
  type Message,
  paramsOf,
  refOf,
  subscriptionOf,
  textOf,
} from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { Emit } from '../../observability/events.js';
import type { Clock } from '../../relay/clock.js';
import { readError } from './errors.js';
import type { List } from './initialize.js';
import { Missed } from './missed.js';
import { filterOf, honour, type Reply, type Stream, type Wish } from './stream.js';
import { untagged } from './untag.js';

/** Resources that one client may be subscribed to: every change names all of them to the server again. */
export const MAX_URIS = 1000;
/** Longest URI in octets, so that the whole list stays within a few MiB. Browsers and servers take about as much. */
export const MAX_URI_LENGTH = 8192;
/** Wait before a stream that has ended is opened again, in milliseconds; twice as long each time, up to the longest. */
export const FIRST_PAUSE_MS = 1000;
export const LONGEST_PAUSE_MS = 30_000;
/** A stream that was there for so long, in milliseconds, was a good one: the next pause is a short one again. */
export const STEADY_MS = 30_000;
/** Longest wait for an acknowledgement, in milliseconds: half of what clients give a request. */
export const ACKNOWLEDGE_MS = 30_000;

/** What the stream needs of the translator. */
export interface ListenHost {
  /** The server definition's name. */
  readonly server: string;
  readonly clock: Clock;
  readonly emit: Emit;
  newId(): Wire;
  /** Sends `subscriptions/listen` under this id. */
  listen(id: Wire, filter: object, onEnd: (answer: Message) => void): void;
  /** Tells the server that a stream is not wanted any more. */
  retire(id: Wire, reason: string): void;
  /** The server has ended a stream: its answer is not waited for. */
  forget(id: Wire): void;
  /** Towards the client. */
  deliver(message: Message): void;
  /** Runs what a timer has started, so that a defect ends no more than itself. */
  guard(action: () => void): void;
}

const NONE: ReadonlySet<never> = new Set();

export class Listen {
  readonly #host: ListenHost;
  /** Lists whose changes the server tells of. */
  #lists: ReadonlySet<List> = NONE;
  #started = false;
  /** What the client is subscribed to, or asks to be. */
  readonly #uris = new Set<string>();
  /** The stream whose notifications the client hears. */
  #current: Stream | undefined;
  /** The one that is to take its place, once acknowledged. */
  #opening: Stream | undefined;
  /** Wishes that came while a stream was being opened, and whether the lists have changed since then. */
  #wishes: Wish[] = [];
  #outdated = false;
  /** Of what the client may have missed changes. */
  readonly #missed = new Missed();
  #failures = 0;
  #disarm: (() => void) | undefined;
  #closed = false;

  constructor(host: ListenHost) {
    this.#host = host;
  }

  /** The server has said which lists it tells of. */
  declare(lists: ReadonlySet<List>): void {
    this.#lists = lists;
    this.#adapt();
  }

  /** The client is ready for notifications. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#adapt();
  }

  #adapt(): void {
    const stream = this.#opening ?? this.#current;
    if (!this.#started || [...this.#lists].every((list) => stream?.lists.has(list))) return;
    this.#outdated = true;
    if (!this.#opening) this.#open();
  }

  subscribe(uri: string, reply: Reply): void {
    if (!this.#uris.has(uri)) {
      if (this.#uris.size >= MAX_URIS || uri.length > MAX_URI_LENGTH) {
        const text =
          uri.length > MAX_URI_LENGTH
            ? `a URI has at most ${MAX_URI_LENGTH} characters`
            : `a session has at most ${MAX_URIS} subscriptions; end one first (resources/unsubscribe)`;
        reply({ code: ErrorCode.InvalidRequest, text });
        return;
      }
      this.#uris.add(uri);
    } else if (this.#current?.uris.has(uri) && !this.#opening) {
      reply();
      return;
    }
    this.#wish({ uri, wanted: true, reply });
  }

  unsubscribe(uri: string, reply: Reply): void {
    if (this.#uris.delete(uri)) this.#wish({ uri, wanted: false, reply });
    else reply();
  }

  #wish(wish: Wish): void {
    this.#wishes.push(wish);
    if (!this.#opening) this.#open();
  }

  /** Opens a stream for what is wanted now. Nothing else is being opened. */
  #open(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#outdated = false;
    const wishes = this.#wishes;
    this.#wishes = [];
    // A stream that failed meanwhile may have taken back what a later wish asks for again.
    for (const { uri, wanted } of wishes) {
      if (wanted) this.#uris.add(uri);
      else this.#uris.delete(uri);
    }
    const host = this.#host;
    const lists = this.#wantedLists();
    const uris = new Set(this.#uris);
    if (lists.size === 0 && uris.size === 0) {
      this.#drop('nothing is listened for any more');
      for (const { reply } of wishes) reply();
      return;
    }
    const id = host.newId();
    const disarm = host.clock.after(ACKNOWLEDGE_MS, () =>
      host.guard(() => {
        host.retire(id, 'it was not acknowledged in time');
        this.#ended(stream, { text: `it did not acknowledge within ${ACKNOWLEDGE_MS / 1000} s` });
      }),
    );
    const stream: Stream = { id, key: keyOf(id), lists, uris, wishes, since: 0, disarm };
    this.#opening = stream;
    host.listen(id, filterOf(stream), (answer) => {
      if (answer.kind === 'response') this.#ended(stream, { text: 'it ended the stream' });
      else {
        const { code, message } = readError(answer);
        this.#ended(stream, { text: message, forGood: code === ErrorCode.MethodNotFound });
      }
    });
  }

  #wantedLists(): ReadonlySet<List> {
    return this.#started ? this.#lists : NONE;
  }

  /** Takes a notification of the server that belongs to a stream, or might. Returns false for all others. */
  notification(message: Message, about: Key | undefined): boolean {
    const tag = subscriptionOf(message);
    const key = tag === undefined ? about : keyOf(tag);
    if (message.method === 'notifications/subscriptions/acknowledged') {
      if (key !== undefined && this.#opening?.key === key) this.#acknowledged(this.#opening, message);
      else
        this.#tell('debug', `dropped an acknowledgement of ${tag ?? 'nothing'}, which is not being opened`);
      return true;
    }
    if (message.method === 'notifications/cancelled') {
      this.#cancelled(refOf(message), textOf(paramsOf(message).reason, 'it ended the stream'));
      return true;
    }
    const isChange =
      message.method === 'notifications/resources/updated' || /\/list_changed$/.test(message.method ?? '');
    if (tag === undefined && !isChange) return false;
    if (key !== undefined && this.#current?.key === key) this.#host.deliver(untagged(message));
    else this.#tell('debug', `dropped ${message.method}: it belongs to no stream that is listened to`);
    return true;
  }

  #acknowledged(stream: Stream, message: Message): void {
    stream.disarm();
    const refused = honour(stream, message);
    const host = this.#host;
    stream.since = host.clock.now();
    this.#opening = undefined;
    this.#drop('another stream has taken its place');
    this.#current = stream;
    for (const uri of refused) {
      if (stream.wishes.some((wish) => wish.uri === uri)) this.#uris.delete(uri);
      else this.#tell('warning', `it does not tell of updates of ${uri} any more`);
    }
    for (const { uri, wanted, reply } of stream.wishes) {
      const isRefused = wanted && refused.includes(uri);
      reply(isRefused ? this.#refusal(uri, 'it does not tell of updates of that resource') : undefined);
    }
    for (const notification of this.#missed.take(stream, this.#uris)) host.deliver(notification);
    this.#openNext();
  }

  /** The server ends a stream (2026-07-28, `basic/patterns/cancellation`). */
  #cancelled(ref: Wire | undefined, text: string): void {
    const key = ref === undefined ? undefined : keyOf(ref);
    const stream = [this.#opening, this.#current].find((one) => one !== undefined && one.key === key);
    if (!stream) {
      this.#tell('debug', `the server cancelled ${ref ?? 'nothing'}, which is no open stream`);
      return;
    }
    this.#host.forget(stream.id);
    this.#ended(stream, { text });
  }

  #ended(stream: Stream, why: { readonly text: string; readonly forGood?: boolean }): void {
    stream.disarm();
    if (this.#closed) return;
    if (stream === this.#opening) {
      this.#opening = undefined;
      this.#tell('warning', `subscriptions/listen failed: ${why.text}`);
      this.#failed(stream, why.text);
    } else if (stream === this.#current) {
      this.#current = undefined;
      this.#tell('warning', `the stream of notifications is lost: ${why.text}`);
      if (this.#host.clock.now() - stream.since >= STEADY_MS) this.#failures = 0;
      this.#missed.add(stream);
    } else return;
    this.#openNext();
    if (why.forGood !== true) this.#openLater();
  }

  #failed(stream: Stream, why: string): void {
    for (const { uri, wanted, reply } of stream.wishes) {
      if (!wanted) {
        reply();
        continue;
      }
      this.#uris.delete(uri);
      reply(this.#refusal(uri, why));
    }
    // The old stream may tell of what the client has just unsubscribed from.
    if (stream.wishes.some(({ wanted }) => !wanted) && this.#current) {
      this.#missed.add(this.#current);
      this.#drop('a change of it failed');
    }
    if (!this.#current) this.#missed.add(stream);
  }

  /** Opens what was asked for in the meantime. */
  #openNext(): void {
    if (!this.#opening && (this.#wishes.length > 0 || this.#outdated)) this.#open();
  }

  #openLater(): void {
    const isWanted = this.#wantedLists().size > 0 || this.#uris.size > 0;
    if (this.#opening || this.#current || this.#disarm || !isWanted) return;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures++;
    this.#disarm = this.#host.clock.after(pause, () => {
      this.#disarm = undefined;
      this.#host.guard(() => {
        if (!this.#opening && !this.#current) this.#open();
      });
    });
  }

  #drop(reason: string): void {
    const stream = this.#current;
    this.#current = undefined;
    if (stream) this.#host.retire(stream.id, reason);
  }

  #refusal(uri: string, why: string): { code: number; text: string } {
    const text = `server "${this.#host.server}" was asked to tell of updates of ${uri}: ${why}`;
    return { code: ErrorCode.InvalidParams, text };
  }

  #tell(level: 'debug' | 'warning', text: string): void {
    this.#host.emit({ level, text, server: this.#host.server });
  }

  /** Ends it; the link upstream is closed along with it, so nothing is sent. */
  close(): void {
    this.#closed = true;
    this.#disarm?.();
    this.#opening?.disarm();
    this.#opening = undefined;
    this.#current = undefined;
    this.#wishes = [];
  }
}
