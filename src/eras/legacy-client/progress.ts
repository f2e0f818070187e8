/** The progress of one call of the client, over all the requests that it takes upstream. */
import { membersOf, objectOf } from '../../jsonrpc/members.js';
import { type Message, paramsOf } from '../../jsonrpc/message.js';
import { withParams } from '../../jsonrpc/rewrite.js';
import { toWire } from '../../jsonrpc/wire.js';

/**
 * Keeps the progress of a token increasing when its call is asked again (2025-11-25,
 * `basic/utilities/progress`: the value MUST increase). A server that begins again at or below what was
 * reached counts on from there; one that counts on by itself is passed on as it is.
 */
export class Progress {
  /** The most that the client was told; undefined: nothing yet. */
  #reached: number | undefined;
  /** What is added in this round; undefined as long as its first value is not known. */
  #offset: number | undefined = 0;

  /** The call is asked again. */
  nextRound(): void {
    this.#offset = undefined;
  }

  /** What the client is told; undefined: nothing, because it would not increase. */
  take(message: Message): Message | undefined {
    const { progress, total } = paramsOf(message);
    if (typeof progress !== 'number' || !Number.isFinite(progress)) return message;
    this.#offset ??= offsetFor(progress, this.#reached);
    if (this.#offset === 0) {
      this.#reached = Math.max(progress, this.#reached ?? progress);
      return message;
    }
    const sum = progress + this.#offset;
    if (!Number.isFinite(sum) || sum <= (this.#reached ?? sum)) return undefined;
    this.#reached = sum;
    const params = membersOf(message.text.slice(message.paramsAt, message.paramsEnd)).map((member) => {
      if (member.key === 'progress') return { ...member, value: toWire(sum) };
      const isTotal = member.key === 'total' && typeof total === 'number';
      return isTotal ? { ...member, value: toWire(total + (this.#offset ?? 0)) } : member;
    });
    return withParams(message, objectOf(params));
  }
}

function offsetFor(first: number, reached: number | undefined): number {
  if (reached === undefined || first > reached) return 0;
  return first > 0 ? reached : reached - first + 1;
}
