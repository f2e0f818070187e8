import type { Credential } from './credential.js';
import type { Principal } from './principal.js';

/** What was found out about who sends a request. */
export type Verdict =
  | { readonly kind: 'known'; readonly principal: Principal; readonly credential: Credential }
  /** Nothing was shown that is good here (401). `text` says what is wrong, and holds nothing of what was shown. */
  | { readonly kind: 'unknown'; readonly isGiven: boolean; readonly text: string }
  /** It is known who asks, but not all of the scopes were granted that are asked for here (403). */
  | { readonly kind: 'insufficient'; readonly missing: readonly string[] }
  /** It can't be found out now (503): the authorization server is not there, or not well. */
  | { readonly kind: 'unavailable'; readonly text: string };

export const NOTHING_SHOWN: Verdict = {
  kind: 'unknown',
  isGiven: false,
  text: 'who asks has to be known here: send a key or an access token as Authorization: Bearer …, or a key as X-API-Key',
};

export const NOT_KNOWN: Extract<Verdict, { kind: 'unknown' }> = {
  kind: 'unknown',
  isGiven: true,
  text: 'what was sent to authenticate is not good here, or not any more',
};
