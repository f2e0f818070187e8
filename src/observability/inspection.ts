import type { Message } from '../jsonrpc/message.js';
import type { TrafficMessage } from '../page/live.js';
import type { Conversation } from './conversation.js';
import type { Exchange, Observer, Side } from './exchanges.js';
import { maskJson } from './masked-json.js';
import type { ValueMask } from './secrets.js';

/** Messages that are kept, and octets of their texts; the oldest are forgotten first. */
const MAX_MESSAGES = 1000;
const MAX_OCTETS = 8 * 1024 * 1024;
/** Octets that are kept of one message: its head, where it is larger. */
const MAX_HEAD = 16_384;
/** Octets that are kept beyond the head, so that a secret that stands across its end is known: few are longer. */
const MAX_BEYOND = 16_384;
/** Messages that are shown at once, and characters of their texts. */
const MAX_SHOWN = 200;
const MAX_SHOWN_TEXT = 1024 * 1024;
/** Characters of a method. */
const MAX_METHOD = 200;

interface Kept {
  readonly conversation: Conversation;
  readonly from: Side;
  readonly kind: TrafficMessage['kind'];
  readonly method: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly of: number | null;
  readonly ms: number | null;
  readonly octets: number;
  /** Octets that it holds. */
  readonly held: number;
  /** As it passed, until somebody looks: masking costs more than keeping. */
  raw: Buffer | undefined;
  text: string;
}

/** What somebody sees who looks: see `Traffic`. */
export interface Seen {
  readonly next: number;
  readonly hasMore: boolean;
  readonly oldest: number;
  readonly messages: readonly TrafficMessage[];
}

/** Keeps the messages that passed last, in memory only, and shows them masked. */
export class Inspection implements Observer {
  readonly #maskOf: (conversation: Conversation) => ValueMask;
  readonly #numbers = new WeakMap<Exchange, number>();
  /** By number, which is where it stands but for a multiple of the length. */
  readonly #ring: (Kept | undefined)[] = new Array(MAX_MESSAGES).fill(undefined);
  /** The number of the first that is kept, and that of the next. */
  #oldest = 0;
  #next = 0;
  #octets = 0;

  /** @param maskOf takes the secrets of a conversation's server out of a text */
  constructor(maskOf: (conversation: Conversation) => ValueMask) {
    this.#maskOf = maskOf;
  }

  passed(
    conversation: Conversation,
    from: Side,
    { kind, method, text }: Message,
    exchange: Exchange | undefined,
  ): void {
    const isRequest = kind === 'request';
    if (isRequest && exchange !== undefined) this.#numbers.set(exchange, this.#next);
    const beyond = Math.min(this.#maskOf(conversation).longest, MAX_BEYOND);
    const raw = Buffer.from(text.slice(0, MAX_HEAD + beyond), 'latin1');
    const asked = isRequest ? undefined : exchange;
    this.#keep({
      conversation,
      from,
      kind,
      method: method ?? asked?.method ?? '',
      at: Date.now(),
      of: this.#numberOf(asked),
      ms: asked === undefined ? null : performance.now() - asked.at,
      octets: text.length,
      held: raw.length,
      raw,
      text: '',
    });
  }

  over(exchange: Exchange, answer: Message | undefined, ms: number): void {
    if (answer !== undefined) return;
    const { conversation, asker, method } = exchange;
    this.#keep({
      conversation,
      from: asker === 'client' ? 'server' : 'client',
      kind: 'given-up',
      method,
      at: Date.now(),
      of: this.#numberOf(exchange),
      ms,
      octets: 0,
      held: 0,
      raw: undefined,
      text: '',
    });
  }

  /**
   * @param from the number of the first that is wanted
   * @param isShown whether whoever looks may see what passes there
   */
  see(from: number, isShown: (conversation: Conversation) => boolean): Seen {
    const messages: TrafficMessage[] = [];
    let next = Math.max(from, this.#oldest);
    let size = 0;
    for (; next < this.#next; next++) {
      if (messages.length >= MAX_SHOWN || size >= MAX_SHOWN_TEXT) break;
      const kept = this.#ring[next % MAX_MESSAGES];
      if (kept === undefined || !isShown(kept.conversation)) continue;
      const shown = this.#shown(next, kept);
      size += shown.text.length;
      messages.push(shown);
    }
    const hasMore = next < this.#next;
    return { next, hasMore, oldest: this.#oldest, messages };
  }

  #numberOf(exchange: Exchange | undefined): number | null {
    return (exchange && this.#numbers.get(exchange)) ?? null;
  }

  #keep(kept: Kept): void {
    if (this.#next - this.#oldest === MAX_MESSAGES) this.#forgetOldest();
    this.#ring[this.#next % MAX_MESSAGES] = kept;
    this.#next++;
    this.#octets += kept.held;
    while (this.#octets > MAX_OCTETS) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const place = this.#oldest % MAX_MESSAGES;
    this.#octets -= this.#ring[place]?.held ?? 0;
    this.#ring[place] = undefined;
    this.#oldest++;
  }

  #shown(number: number, kept: Kept): TrafficMessage {
    const { conversation, from, kind, method, at, of, ms, octets } = kept;
    const mask = this.#maskOf(conversation);
    if (kept.raw !== undefined) {
      kept.text = maskJson(maskedHead(kept.raw.toString(), octets > MAX_HEAD, mask));
      kept.raw = undefined;
    }
    return {
      number,
      at: new Date(at).toISOString(),
      server: conversation.server,
      session: conversation.shownId ?? null,
      client: conversation.client?.name ?? null,
      era: conversation.era,
      transport: conversation.transport,
      from,
      kind,
      method: mask(method).slice(0, MAX_METHOD),
      of,
      ms,
      octets,
      text: kept.text,
      isCut: octets > MAX_HEAD,
    };
  }
}

/** The head with its secrets masked: at its end a part of one may stand, which is not known as such. */
function maskedHead(text: string, isCut: boolean, mask: ValueMask): string {
  const masked = mask(text);
  return isCut ? masked.slice(0, Math.max(0, masked.length - mask.longest)).slice(0, MAX_HEAD) : masked;
}
