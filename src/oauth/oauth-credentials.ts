import { setTimeout as wait } from 'node:timers/promises';
import type { DpopSession } from '@modelcontextprotocol/client';
import type { Emit } from '../observability/events.js';
import {
  type Answered,
  type AuthHeaders,
  type Credentials,
  CredentialsError,
} from '../remote/credentials.js';
import { type Challenge, readChallenge } from './challenge.js';
import { Unreachable } from './fetch.js';
import { type Grant, isFor, isOver, withoutRefresh } from './grant.js';
import { covers, scopeWords } from './scopes.js';
import type { Obtained } from './sign-in.js';
import type { SignInOptions } from './sign-in-options.js';

export interface OAuthCredentialsOptions extends SignInOptions {
  /** How long, in ms, a request waits for a person to sign in. */
  readonly timeout: number;
  /** Told that a person is asked to sign in, so that all requests wait for that, and when it is over. */
  readonly onAsked?: ((isAsked: boolean) => void) | undefined;
}

/** A token is renewed this long before it ends (ms), or a quarter of its life before, if that is less. */
const RENEWAL_MARGIN = 60_000;

/** How often one request is sent again: for want of a token, of a scope, and of a nonce. */
const MAX_TRIES = 3;

/** How long, in ms, a sign-in that has failed is not tried again, so that no window opens with every request. */
const PAUSE = 30_000;

/** How long, in ms, what is under way gets to let go of what it holds when the client ends. */
const LAST_STEPS = 2_000;

/** A grant that is being got. */
interface Flow {
  readonly begunAt: number;
  /** Where the person signs in, once that is known. */
  url: string | undefined;
  /** Never rejects: the outcome is in the fields. */
  readonly done: Promise<void>;
}

/**
 * The credentials for a server that people sign in to: nothing until the server asks, and then a token, which is
 * kept, renewed before it ends, and got anew where the server wants another one. Requests wait meanwhile; the
 * sign-in goes on also when they have waited for long enough.
 *
 * What does it is loaded when it is needed: most servers never ask.
 */
export class OAuthCredentials implements Credentials {
  readonly #options: OAuthCredentialsOptions;
  readonly #over = new AbortController();
  #loading: Promise<void> | undefined;
  #grant: Grant | undefined;
  #by: Obtained['by'] | 'store' = 'store';
  /** Whether the server has taken the token. */
  #isAccepted = false;
  #flow: Flow | undefined;
  /** What signs with the key of the grant; `x` says which key that is. */
  #dpop: { readonly x: string; readonly session: DpopSession } | undefined;
  #renewing: Promise<void> | undefined;
  #failed: { readonly error: CredentialsError; readonly until: number } | undefined;
  /** Until when it is known that nobody can sign in there; milliseconds that never go back. */
  #declinedUntil = 0;

  constructor(options: OAuthCredentialsOptions) {
    this.#options = options;
  }

  async headers({ method, url }: { readonly method: string; readonly url: URL }): Promise<AuthHeaders> {
    this.#loading ??= this.#load();
    await this.#loading;
    if (this.#flow !== undefined) await this.#wait(this.#flow);
    if (this.#failed !== undefined && performance.now() < this.#failed.until) throw this.#failed.error;
    if (this.#grant !== undefined && isDue(this.#grant)) await this.#renewed(this.#grant);
    const authorization = this.#authorization;
    if (authorization === undefined) return {};
    const proof = await this.#proof(method, url);
    return { authorization, ...(proof === undefined ? {} : { dpop: proof }) };
  }

  answered({ url, sent, status, headers, tries }: Answered): boolean {
    const isUnauthorized = status === 401;
    const nonce = headers['dpop-nonce'];
    if (typeof nonce === 'string') this.#dpop?.session.rememberNonce(url, nonce);
    const challenge = isUnauthorized || status === 403 ? readChallenge(headers) : undefined;
    if (!isUnauthorized && challenge?.error !== 'insufficient_scope') {
      if (sent.authorization !== undefined && sent.authorization === this.#authorization)
        this.#isAccepted = true;
      return false;
    }
    if (tries >= MAX_TRIES || this.#over.signal.aborted || performance.now() < this.#declinedUntil)
      return false;
    // The proof lacked something that only the server could say: it is said now.
    if (sent.dpop !== undefined && challenge?.error === 'use_dpop_nonce' && nonce !== undefined) return true;
    // Somebody is at it already, or has another token by now.
    if (this.#flow !== undefined || sent.authorization !== this.#authorization) return true;
    if (!this.#isWorthwhile(isUnauthorized, challenge)) return false;
    this.#begin(challenge ?? { scheme: 'bearer' });
    return true;
  }

  /** What is under way is ended in order: it holds a lock that the next start would wait for. */
  async close(): Promise<void> {
    this.#over.abort(new Error('the client is closed'));
    await this.#options.fetch.close();
    const ends = Promise.allSettled([this.#flow?.done, this.#renewing]);
    await Promise.race([ends, wait(LAST_STEPS, undefined, { ref: false })]);
  }

  get #authorization(): string | undefined {
    if (this.#grant === undefined) return undefined;
    return `${this.#grant.key === undefined ? 'Bearer' : 'DPoP'} ${this.#grant.accessToken}`;
  }

  /** Of the key that the token is bound to, for one request (RFC 9449, section 4). */
  async #proof(method: string, url: URL): Promise<string | undefined> {
    const grant = this.#grant;
    if (grant?.key === undefined) return undefined;
    if (this.#dpop?.x !== grant.key.x) {
      const { dpopSession } = await import('./dpop.js');
      this.#dpop = { x: grant.key.x, session: await dpopSession(grant.key) };
    }
    return this.#dpop.session.buildProof({ htm: method, htu: url, accessToken: grant.accessToken });
  }

  async #load(): Promise<void> {
    const { store, client, secrets } = this.#options;
    const grant = await store.grant();
    if (grant === undefined || !isFor(grant, client)) return;
    secrets.addPassing(grant.accessToken);
    if (grant.refreshToken !== undefined) secrets.addPassing(grant.refreshToken);
    this.#grant = grant;
  }

  /** Whether another grant could help: a server that refuses what was just got for it would do so for ever. */
  #isWorthwhile(isUnauthorized: boolean, challenge: Challenge | undefined): boolean {
    const grant = this.#grant;
    if (grant === undefined) return true;
    const { where } = this.#options;
    if (isUnauthorized) {
      if (this.#by !== 'sign-in' || this.#isAccepted) return true;
      this.#tell('warning', `${where} does not take the access token that was just given out for it.`);
      return false;
    }
    if (scopeWords(challenge?.scope).length > 0 && !covers(grant.scope, challenge?.scope)) return true;
    this.#tell(
      'warning',
      `${where} wants more than the scopes that were asked for: it was given all it has named.`,
    );
    return false;
  }

  #begin(challenge: Challenge): void {
    const flow: Flow = { begunAt: performance.now(), url: undefined, done: Promise.resolve() };
    const { onAsked } = this.#options;
    const done = this.#obtain(challenge, (url) => {
      flow.url = url;
      onAsked?.(true);
    }).finally(() => {
      this.#flow = undefined;
      onAsked?.(false);
    });
    this.#flow = Object.assign(flow, { done });
  }

  async #obtain(challenge: Challenge, asked: (url: string) => void): Promise<void> {
    const refused = this.#grant;
    const { signal } = this.#over;
    // What was just renewed and is refused all the same is not helped by another renewal.
    const isUntried = this.#by === 'store' || this.#by === 'another process';
    const mayRenew = challenge.error !== 'insufficient_scope' && (this.#isAccepted || isUntried);
    try {
      const { obtain } = await import('./sign-in.js');
      const obtained = await obtain(this.#options, { challenge, refused, mayRenew, asked, signal });
      if (obtained === undefined) {
        this.#declinedUntil = performance.now() + PAUSE;
        return;
      }
      this.#failed = undefined;
      this.#take(obtained.grant, obtained.by);
    } catch (error) {
      if (signal.aborted) return;
      this.#failed = { error: await this.#words(error), until: performance.now() + PAUSE };
      this.#tell('error', this.#failed.error.message);
    }
  }

  #take(grant: Grant, by: Obtained['by']): void {
    this.#options.secrets.addPassing(grant.accessToken);
    this.#grant = grant;
    this.#by = by;
    this.#isAccepted = false;
  }

  /** Until the flow is over. Rejects with `CredentialsError` where that takes too long: with what to do. */
  async #wait(flow: Flow): Promise<void> {
    const { timeout, where } = this.#options;
    const waited = performance.now() - flow.begunAt;
    const limit = new AbortController();
    const isOver = await Promise.race([
      flow.done.then(() => true),
      // Those that wait from the beginning fail together; who comes later has its own time.
      wait(waited < timeout ? timeout - waited : timeout, false, { signal: limit.signal, ref: false }),
      aborted(this.#over.signal, limit.signal),
    ]).finally(() => limit.abort());
    this.#over.signal.throwIfAborted();
    if (isOver) return;
    const what =
      flow.url === undefined
        ? 'Where is not known yet: try again in a moment.'
        : `Open this in a browser and sign in, then try again: ${flow.url}`;
    throw new CredentialsError(`${where} wants you to sign in. ${what}`, false);
  }

  /** Renews it ahead of its end. An early failure costs nothing. */
  async #renewed(grant: Grant): Promise<void> {
    this.#renewing ??= this.#renew(grant).finally(() => {
      this.#renewing = undefined;
    });
    try {
      await this.#renewing;
    } catch (error) {
      if (!isOver(grant)) return;
      throw await this.#words(error);
    }
  }

  async #renew(grant: Grant): Promise<void> {
    const { renewGrant } = await import('./sign-in.js');
    const renewed = await renewGrant(this.#options, grant, this.#over.signal);
    if (this.#grant !== grant) return;
    if (renewed === 'forgotten') this.#grant = undefined;
    else if (renewed !== undefined) this.#take(renewed, 'renewal');
    else if (isOver(grant)) this.#grant = undefined;
    else this.#grant = withoutRefresh(grant);
  }

  async #words(error: unknown): Promise<CredentialsError> {
    const { where, secrets } = this.#options;
    const isUnreachable = error instanceof Unreachable;
    const reason = isUnreachable ? error.message : (await import('./reason.js')).reasonOf(error);
    return new CredentialsError(secrets.mask(`Nobody could sign in to ${where}: ${reason}`), isUnreachable);
  }

  #tell(level: 'warning' | 'error', text: string): void {
    const emit: Emit = this.#options.emit;
    emit({ level, text });
  }
}

function isDue({ refreshToken, expiresAt, issuedAt }: Grant): boolean {
  if (refreshToken === undefined || expiresAt === undefined) return false;
  return Date.now() >= expiresAt - Math.min(RENEWAL_MARGIN, (expiresAt - issuedAt) / 4);
}

/** Resolves when the signal says so, unless the other one does before. */
function aborted(signal: AbortSignal, unless: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(true);
    else signal.addEventListener('abort', () => resolve(true), { once: true, signal: unless });
  });
}
