import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Seal } from './eras/modern-client/seal.js';

/** Octets of the key and of ids. */
const KEY_LENGTH = 32;
const ID_LENGTH = 16;

/** Signs what leaves the proxy and comes back. Its key is new with every start: what was signed before is worthless. */
export function newSeal(): Seal {
  const key = randomBytes(KEY_LENGTH);
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  return {
    sign,
    verify: (text, mac) => {
      const [own, given] = [Buffer.from(sign(text)), Buffer.from(mac)];
      return own.length === given.length && timingSafeEqual(own, given);
    },
    digest: (text) => createHash('sha256').update(text).digest('base64url'),
    newId: () => randomBytes(ID_LENGTH).toString('base64url'),
  };
}
