import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { type Claims, readClaims } from './claims.js';
import type { Issuer } from './issuer.js';

/** Those whose signatures nobody can make who can check them. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Types that access tokens have (RFC 9068, section 2.1), beside none; another one is of something else. */
const TYPES = ['jwt', 'at+jwt'];
/** Seconds by which the clocks of the two may differ. */
export const TOLERANCE = 30;

/**
 * Checks a JWT by the keys of its issuer (RFC 9068, section 4). Undefined where it is not good. Rejects with
 * `Unavailable` where that can't be found out. For whom it is meant is the caller's to check.
 */
export async function verifyJwt(token: string, issuer: Issuer): Promise<Claims | undefined> {
  try {
    // What is not even meant to be good makes no work for the issuer.
    const { alg, typ } = decodeProtectedHeader(token);
    if (alg === undefined || !ALGORITHMS.includes(alg) || !isType(typ)) return undefined;
    if (decodeJwt(token).iss !== issuer.url) return undefined;
    const options = { issuer: issuer.url, algorithms: ALGORITHMS, clockTolerance: TOLERANCE };
    return readClaims(await payloadOf(token, issuer, { ...options, requiredClaims: ['exp', 'aud'] }));
  } catch (error) {
    // For a token that is not even one, jose has errors of the platform, too.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** @param typ whatever the token says */
function isType(typ: unknown): boolean {
  if (typ === undefined) return true;
  return typeof typ === 'string' && TYPES.includes(typ.toLowerCase().replace(/^application\//, ''));
}

/** Rejects as `jwtVerify`. A token need not say which of its issuer's keys it is signed with: then each is tried. */
async function payloadOf(token: string, { keyFor }: Issuer, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keyFor, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (refusal) {
        if (!(refusal instanceof errors.JWSSignatureVerificationFailed)) throw refusal;
      }
    }
    throw error;
  }
}
