import { createHash } from 'node:crypto';
import type { Emit } from '../observability/events.js';
import { Seldom } from '../observability/seldom.js';
import type { Clock } from '../relay/clock.js';
import type { Claims } from './claims.js';
import { goodUntil } from './credential.js';
import { Introspection } from './introspection.js';
import { Issuer } from './issuer.js';
import { JsonClient } from './json-client.js';
import { TOLERANCE, verifyJwt } from './jwt.js';
import type { Resource, Resources } from './resources.js';
import { Unavailable } from './unavailable.js';
import { NOT_KNOWN, type Verdict } from './verdict.js';

/** How long what was found out about a token holds, in milliseconds: one that is taken back is good for so long. */
const HOLDS_MS = 60_000;
/** The same where the authorization server was asked itself, who knows at once. */
const HOLDS_ASKED_MS = 10_000;
/** Tokens that are remembered. Past it the oldest are forgotten, and checked again. */
const MAX_REMEMBERED = 10_000;
/** How often it is told at most that the authorization server is not there, in milliseconds. */
const TELL_AGAIN_MS = 10_000;

export interface TokensOptions {
  readonly issuer: string;
  readonly requiredScopes: readonly string[];
  readonly resources: Resources;
  readonly introspection:
    | { readonly url: URL; readonly client: { readonly id: string; readonly secret: string } | undefined }
    | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

interface Known {
  readonly claims: Claims;
  readonly until: number;
}

/** Access tokens of one authorization server (OAuth 2.1, section 5.2; 2026-07-28 `basic/authorization`). */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #http = new JsonClient();
  readonly #claimsOf: (token: string) => Promise<Claims | undefined>;
  readonly #holds: number;
  /** Milliseconds after its end in which a token is still good. */
  readonly #grace: number;
  readonly #known = new Map<string, Known>();
  /** Tokens that are being checked: who comes with the same one waits for the same answer. */
  readonly #checking = new Map<string, Promise<Claims | undefined>>();
  readonly #failures: Seldom;

  constructor(options: TokensOptions) {
    const { issuer, introspection, clock } = options;
    this.#options = options;
    this.#failures = new Seldom(TELL_AGAIN_MS, clock);
    if (introspection === undefined) {
      const keys = new Issuer(issuer, clock, this.#http);
      this.#claimsOf = (token) => verifyJwt(token, keys);
      this.#holds = HOLDS_MS;
      this.#grace = TOLERANCE * 1000;
    } else {
      const asked = new Introspection({ ...introspection, issuer, http: this.#http });
      this.#claimsOf = (token) => asked.claimsOf(token);
      this.#holds = HOLDS_ASKED_MS;
      this.#grace = 0;
    }
  }

  /** Who has this token, and whether it is good for that resource. Never rejects. */
  async verdict(token: string, resource: Resource): Promise<Verdict> {
    let claims: Claims | undefined;
    try {
      claims = await this.#checked(token);
    } catch (error) {
      this.#tell(error);
      return {
        kind: 'unavailable',
        text: 'whether this token is good can not be found out now; try again',
      };
    }
    const { issuer, requiredScopes, resources } = this.#options;
    if (claims === undefined || !resources.isFor(claims.audiences, resource)) return NOT_KNOWN;
    const { subject, isClient, scopes } = claims;
    const missing = requiredScopes.filter((scope) => !scopes.has(scope));
    if (missing.length > 0) return { kind: 'insufficient', missing };
    // A subject may look like anything; an issuer has no space.
    const kind = isClient ? 'client' : 'token';
    const id = `${kind}:${issuer} ${subject}`;
    const credential = goodUntil(claims.expiresAt + this.#grace);
    return { kind: 'known', principal: { kind, id, name: subject, scopes }, credential };
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #checked(token: string): Promise<Claims | undefined> {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(digest);
    const { clock } = this.#options;
    if (known !== undefined) {
      if (clock.now() < known.until && Date.now() < known.claims.expiresAt) return known.claims;
      this.#known.delete(digest);
    }
    const begun = this.#checking.get(digest);
    if (begun !== undefined) return begun;
    const checking = this.#claimsOf(token).finally(() => this.#checking.delete(digest));
    this.#checking.set(digest, checking);
    const claims = await checking;
    if (claims !== undefined) this.#remember(digest, claims);
    return claims;
  }

  #remember(digest: string, claims: Claims): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(digest, { claims, until: this.#options.clock.now() + this.#holds });
  }

  #tell(error: unknown): void {
    if (this.#failures.due() === 0) return;
    const text =
      error instanceof Unavailable ? error.message : `the check of a token failed: ${String(error)}`;
    this.#options.emit({ level: 'error', text: `access tokens can't be checked (503): ${text}` });
  }
}
