import type { ServerResponse } from 'node:http';
import type { Credential } from '../auth/credential.js';
import type { Clock } from '../relay/clock.js';
import { PassingSet } from '../relay/passing.js';

/** How often is looked whether those who are being answered may still be, in milliseconds. */
const LOOK_MS = 1000;

/** An answer that is not yet at its end, and by what its client was let in. */
export interface Stay {
  readonly response: ServerResponse;
  /** What the client has shown last, where it shows something with more than one request. */
  credential: Credential;
  /** Whether it was told to end, and has not yet. */
  ended: boolean;
}

export interface OpenAnswersOptions {
  readonly clock: Clock;
  /** Finds out what has changed. */
  readonly look: () => void;
  /** Says that it is not known any more who asks; nothing of an answer has been sent. */
  readonly refuse: (response: ServerResponse) => void;
}

/**
 * Ends answers once who opened them may no more: streams that would last for ever, and where a key was taken back the
 * answers to requests, too.
 */
export class OpenAnswers {
  readonly #options: OpenAnswersOptions;
  readonly #stays = new PassingSet<Stay>();
  #disarm: () => void;

  constructor(options: OpenAnswersOptions) {
    this.#options = options;
    this.#disarm = this.#arm();
  }

  add(response: ServerResponse, credential: Credential): Stay {
    const stay: Stay = { response, credential, ended: false };
    this.#stays.add(stay);
    response.once('close', () => this.#stays.delete(stay));
    return stay;
  }

  close(): void {
    this.#disarm();
  }

  #arm(): () => void {
    return this.#options.clock.after(LOOK_MS, () => {
      this.#look();
      this.#disarm = this.#arm();
    });
  }

  #look(): void {
    this.#options.look();
    const now = Date.now();
    for (const stay of this.#stays) {
      const { response, credential, ended } = stay;
      // It does not read what is left for it.
      if (ended) response.destroy();
      else if (!credential.isGood(now) && (!credential.mayFinish || lastsForEver(response))) this.#end(stay);
    }
  }

  #end(stay: Stay): void {
    const { response } = stay;
    stay.ended = true;
    if (response.headersSent) response.end();
    else this.#options.refuse(response);
  }
}

/** Whether it is a stream that no request ends: what a session listens to, or a subscription. */
function lastsForEver({ req: { method, headers } }: ServerResponse): boolean {
  return method === 'GET' || headers['mcp-method'] === 'subscriptions/listen';
}
