import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Wire } from '../jsonrpc/wire.js';

/** Octets that a request body may have (docs: "A body may have up to 64 MiB"). */
export const MAX_BODY = 64 * 1024 * 1024;

export type Body =
  | { readonly kind: 'text'; readonly text: Wire }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'not-utf8' }
  /** The client has gone before its request was complete: nobody is there to be answered. */
  | { readonly kind: 'aborted' };

/** Reads a whole request body. A body that is too large is not read to its end. */
export function readBody(request: IncomingMessage, max: number, done: (body: Body) => void): void {
  if (Number(request.headers['content-length'] ?? 0) > max) {
    done({ kind: 'too-large' });
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  let settled = false;
  const settle = (body: Body): void => {
    if (settled) return;
    settled = true;
    done(body);
  };
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > max) {
      request.pause();
      settle({ kind: 'too-large' });
    } else if (!settled) chunks.push(chunk);
  });
  request.on('end', () => {
    const [only] = chunks;
    const whole = chunks.length === 1 && only ? only : Buffer.concat(chunks);
    settle(isUtf8(whole) ? { kind: 'text', text: whole.toString('latin1') } : { kind: 'not-utf8' });
  });
  request.on('close', () => settle({ kind: 'aborted' }));
  request.on('error', () => settle({ kind: 'aborted' }));
}
