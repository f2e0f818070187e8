/** Tokens that are bound to a key (RFC 9449), by the client SDK's functions, whose keys do not outlast a run. */
import { webcrypto } from 'node:crypto';
import { DpopSession } from '@modelcontextprotocol/client';
import type { DpopKey } from './grant.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** A key that nobody has yet. */
export async function newDpopKey(): Promise<DpopKey> {
  const { privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const { x, y, d } = await webcrypto.subtle.exportKey('jwk', privateKey);
  if (x === undefined || y === undefined || d === undefined) throw new TypeError('a key has no coordinates');
  return { kty: 'EC', crv: 'P-256', x, y, d };
}

/** What signs with a key, and remembers what each server wants in the next proof (nonces). */
export async function dpopSession(key: DpopKey): Promise<DpopSession> {
  const { d, ...publicJwk } = key;
  const { subtle } = webcrypto;
  return DpopSession.create({
    keyPair: {
      privateKey: await subtle.importKey('jwk', { ...publicJwk, d }, ALGORITHM, false, ['sign']),
      publicKey: await subtle.importKey('jwk', publicJwk, ALGORITHM, true, ['verify']),
      publicJwk,
      thumbprint: await thumbprint(publicJwk),
      alg: 'ES256',
    },
  });
}

/** RFC 7638: the members in their order, without spaces. */
async function thumbprint({ crv, kty, x, y }: Omit<DpopKey, 'd'>): Promise<string> {
  const digest = await webcrypto.subtle.digest('SHA-256', Buffer.from(JSON.stringify({ crv, kty, x, y })));
  return Buffer.from(digest).toString('base64url');
}
