import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '../auth/authenticator.js';
import type { Principal } from '../auth/principal.js';
import type { Resource } from '../auth/resources.js';
import { NOT_KNOWN, type Verdict } from '../auth/verdict.js';
import { ErrorCode } from '../jsonrpc/errors.js';
import type { Emit } from '../observability/events.js';
import { Seldom } from '../observability/seldom.js';
import type { Clock } from '../relay/clock.js';
import { answerFaults } from './fault.js';
import { OpenAnswers, type Stay } from './open-answers.js';
import { refuse } from './reply.js';

/** How often at most wrong keys are told of, in milliseconds: whoever tries many must not fill the log. */
const TELL_AGAIN_MS = 10_000;
/** How long a client should wait where it can't be found out who it is, in seconds. */
const RETRY_AFTER = '5';

export interface DoorOptions {
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
  /** Undefined where nobody is asked who they are. */
  readonly #answers: OpenAnswers | undefined;
  readonly #refusals: Seldom;

  constructor(options: DoorOptions) {
    this.#options = options;
    const { authenticator, clock } = options;
    this.#refusals = new Seldom(TELL_AGAIN_MS, clock);
    if (authenticator === undefined) return;
    this.#answers = new OpenAnswers({
      clock,
      look: () => authenticator.look(),
      refuse: (response) => refuse(response, 401, NOT_KNOWN.text),
    });
  }

  close(): void {
    this.#answers?.close();
  }

  /**
   * Calls `enter`, or refuses: at once where it is known at once.
   *
   * @param resource what is asked for
   * @param enter gets who it is, and what lasts until the answer is over; undefined where nobody is asked
   */
  pass(
    request: IncomingMessage,
    response: ServerResponse,
    resource: Resource,
    enter: (principal: Principal | undefined, stay: Stay | undefined) => void,
  ): void {
    const { authenticator, emit } = this.#options;
    if (authenticator === undefined) {
      enter(undefined, undefined);
      return;
    }
    const settle = (verdict: Verdict): void => {
      if (verdict.kind === 'known') {
        enter(verdict.principal, this.#answers?.add(response, verdict.credential));
      } else this.#refuse(verdict, response, resource);
    };
    const verdict = authenticator.authenticate(request, resource);
    if (!(verdict instanceof Promise)) {
      settle(verdict);
      return;
    }
    verdict.then(
      (one) => {
        if (!response.destroyed) answerFaults(response, emit, () => settle(one));
      },
      (error: unknown) =>
        answerFaults(response, emit, () => {
          throw error;
        }),
    );
  }

  #refuse(verdict: Exclude<Verdict, { kind: 'known' }>, response: ServerResponse, resource: Resource): void {
    switch (verdict.kind) {
      case 'unknown': {
        if (verdict.isGiven) this.#tell();
        const scopes = this.#options.authenticator?.tokens?.scopes ?? [];
        const error = verdict.isGiven ? { error: 'invalid_token' } : {};
        const headers = this.#challenge(response.req, resource, { ...error, ...scopeOf(scopes) });
        refuse(response, 401, verdict.text, { headers });
        return;
      }
      case 'insufficient': {
        const scopes = this.#options.authenticator?.tokens?.scopes ?? [];
        const params = { error: 'insufficient_scope', ...scopeOf(scopes) };
        const text = `the access token was not granted what is asked for here: ${verdict.missing.join(' ')}`;
        refuse(response, 403, text, { headers: this.#challenge(response.req, resource, params) });
        return;
      }
      case 'unavailable':
        refuse(response, 503, verdict.text, {
          code: ErrorCode.InternalError,
          headers: { 'retry-after': RETRY_AFTER },
        });
    }
  }

  /** What to come back with, and where to get it (RFC 9728, section 5.1). */
  #challenge(
    request: IncomingMessage,
    resource: Resource,
    params: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    const resources = this.#options.authenticator?.tokens?.resources;
    const metadata = resources && {
      resource_metadata: resources.metadataUrl(resource, request.headers.host),
    };
    const all = Object.entries({ realm: 'mcp-proxy', ...params, ...metadata });
    return { 'www-authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(', ')}` };
  }

  #tell(): void {
    const count = this.#refusals.due();
    if (count === 0) return;
    const what = count === 1 ? 'a request was' : `${count} requests were`;
    const text = `${what} refused: what they sent to authenticate is not good (401)`;
    this.#options.emit({ level: 'warning', text });
  }
}

/** All that are asked for, so that a client need not come back once for each. */
function scopeOf(scopes: readonly string[]): Readonly<Record<string, string>> {
  return scopes.length === 0 ? {} : { scope: scopes.join(' ') };
}
