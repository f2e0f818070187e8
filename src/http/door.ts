import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '../auth/authenticator.js';
import type { Principal } from '../auth/principal.js';
import type { Emit } from '../observability/events.js';
import type { Clock } from '../relay/clock.js';
import { refuse } from './reply.js';

/** How often at most wrong keys are told of, in milliseconds: whoever tries many must not fill the log. */
const TELL_AGAIN_MS = 10_000;
const CHALLENGE = 'Bearer realm="mcp-proxy"';

interface DoorOptions {
  /** Undefined: nobody is asked who they are. */
  readonly authenticator: Authenticator | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

/**
 * Lets in whoever is known (2026-07-28, `basic/authorization`, "Error Handling"; RFC 6750, section 3). It stands
 * before the router: who is not known learns nothing of which servers, sessions and paths there are.
 */
export class Door {
  readonly #options: DoorOptions;
  #refused = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /**
   * Calls `enter`, or refuses.
   *
   * @param enter gets who it is; undefined where nobody is asked
   */
  pass(
    request: IncomingMessage,
    response: ServerResponse,
    enter: (principal: Principal | undefined) => void,
  ): void {
    const { authenticator } = this.#options;
    if (authenticator === undefined) {
      enter(undefined);
      return;
    }
    const verdict = authenticator.authenticate(request.headers);
    if (verdict.kind === 'known') {
      enter(verdict.principal);
      return;
    }
    if (verdict.isGiven) this.#tell();
    const error = verdict.isGiven ? ', error="invalid_token"' : '';
    refuse(response, 401, verdict.text, { headers: { 'www-authenticate': CHALLENGE + error } });
  }

  #tell(): void {
    const { clock, emit } = this.#options;
    this.#refused++;
    const now = clock.now();
    if (now - this.#toldAt < TELL_AGAIN_MS) return;
    const count = this.#refused === 1 ? 'a request was' : `${this.#refused} requests were`;
    emit({ level: 'warning', text: `${count} refused: what they sent to authenticate is not valid (401)` });
    this.#toldAt = now;
    this.#refused = 0;
  }
}
