import { crypto } from './builtins.js';
import type { Seal } from './eras/modern-client/seal.js';

/** Octets of the key and of ids. */
const KEY_LENGTH = 32;
const ID_LENGTH = 16;

/** Signs what leaves the proxy and comes back. Its key is new with every start: what was signed before is worthless. */
export function newSeal(): Seal {
  let made: Buffer | undefined;
  const key = (): Buffer => {
    made ??= crypto().randomBytes(KEY_LENGTH);
    return made;
  };
  const sign = (text: string): string =>
    crypto().createHmac('sha256', key()).update(text).digest('base64url');
  return {
    sign,
    verify: (text, mac) => {
      const [own, given] = [Buffer.from(sign(text)), Buffer.from(mac)];
      return own.length === given.length && crypto().timingSafeEqual(own, given);
    },
    digest: (text) => crypto().createHash('sha256').update(text).digest('base64url'),
    newId: () => crypto().randomBytes(ID_LENGTH).toString('base64url'),
  };
}
