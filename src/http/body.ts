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

/** Reads a whole request body. What comes of one that is too large is passed over. */
export function readBody(request: IncomingMessage, max: number, done: (body: Body) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let settled = false;
  const settle = (body: Body): void => {
    if (settled) return;
    settled = true;
    done(body);
  };
  if (Number(request.headers['content-length'] ?? 0) > max) settle({ kind: 'too-large' });
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (settled) return;
    if (size <= max) {
      chunks.push(chunk);
      return;
    }
    chunks.length = 0;
    settle({ kind: 'too-large' });
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
