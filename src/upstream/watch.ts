import type { Era } from '../eras/versions.js';
import type { Failure } from '../remote/failure.js';

/** Hears what is found out about a remote server. It is told, and decides nothing. */
export interface Watch {
  /** What the server speaks; `version`: what a modern one supports, as it is shown, where it has said that. */
  readonly spoken?: (era: Era, version: string | undefined) => void;
  /** It has answered over this transport. */
  readonly connected?: (transport: 'sse' | 'streamablehttp') => void;
  /** A request came to nothing, which its client is told next. */
  readonly failed?: (failure: Failure) => void;
}
