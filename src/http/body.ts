import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Wire } from '../jsonrpc/wire.js';

/** Octets that a request body may have (docs: "A body may have up to 64 MiB"). */
const MAX_BODY = 64 * 1024 * 1024;

/**
 * Octets that are kept of all bodies together whose end has not come: each may take 300 s for that, and there may be as
 * many as there are connections. Four of the largest fit at once, which is more than any use needs; a body that comes in
 * one piece, as nearly all do, needs none of it, so that those who fill it up do not keep small messages out.
 */
const MAX_UNFINISHED = 256 * 1024 * 1024;

export type Body =
  | { readonly kind: 'text'; readonly text: Wire }
  | { readonly kind: 'too-large' }
  /** Too much is kept already of bodies whose end has not come. */
  | { readonly kind: 'no-room' }
  | { readonly kind: 'not-utf8' }
  /** The client has gone before its request was complete: nobody is there to be answered. */
  | { readonly kind: 'aborted' };

/** Reads request bodies, within a bound for each and one for all that are under way. */
export class Bodies {
  /** Octets that each may have. */
  readonly max: number;
  readonly #maxUnfinished: number;
  #unfinished = 0;

  /** @param maxUnfinished at least one of the largest fits */
  constructor(max = MAX_BODY, maxUnfinished = MAX_UNFINISHED) {
    this.max = max;
    this.#maxUnfinished = Math.max(max, maxUnfinished);
  }

  /** Reads a whole body. What comes of one that is too large, or for which there is no room, is passed over. */
  read(request: IncomingMessage, done: (body: Body) => void): void {
    const declared = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
    const chunks: Buffer[] = [];
    let size = 0;
    let kept = 0;
    let settled = false;
    const settle = (body: Body): void => {
      if (settled) return;
      settled = true;
      chunks.length = 0;
      this.#unfinished -= kept;
      done(body);
    };
    if (declared > this.max && declared !== Number.POSITIVE_INFINITY) settle({ kind: 'too-large' });
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (settled) return;
      const isWhole = size === declared;
      if (size > this.max) settle({ kind: 'too-large' });
      else if (!isWhole && this.#unfinished + chunk.length > this.#maxUnfinished) settle({ kind: 'no-room' });
      else {
        chunks.push(chunk);
        if (isWhole) return;
        kept += chunk.length;
        this.#unfinished += chunk.length;
      }
    });
    request.on('end', () => {
      if (settled) return;
      const [only] = chunks;
      const whole = chunks.length === 1 && only ? only : Buffer.concat(chunks);
      settle(isUtf8(whole) ? { kind: 'text', text: whole.toString('latin1') } : { kind: 'not-utf8' });
    });
    request.on('close', () => settle({ kind: 'aborted' }));
    request.on('error', () => settle({ kind: 'aborted' }));
  }
}
