import type { Principal } from './principal.js';

/** What was found out about who sends a request. */
export type Verdict =
  | { readonly kind: 'known'; readonly principal: Principal }
  /** Nothing was shown that anybody knows (401). `text` says what is wrong, and holds nothing of what was shown. */
  | { readonly kind: 'unknown'; readonly isGiven: boolean; readonly text: string };

/** Nothing was shown. */
export const NOTHING_SHOWN: Verdict = {
  kind: 'unknown',
  isGiven: false,
  text: 'who asks has to be known here: send a key as Authorization: Bearer KEY, or as X-API-Key',
};

export const NOT_KNOWN: Verdict = {
  kind: 'unknown',
  isGiven: true,
  text: 'what was sent to authenticate is not valid',
};
