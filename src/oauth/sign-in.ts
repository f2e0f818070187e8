import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { computeScopeUnion } from '@modelcontextprotocol/client';
import type { Emit } from '../observability/events.js';
import type { Secrets } from '../observability/secrets.js';
import {
  type Authority,
  authorizationUrl,
  findAuthority,
  grantOf,
  hasPkce,
  redeem,
  register,
  renew,
  takesMetadataUrl,
  withOffline,
} from './authorization-server.js';
import { openBrowser } from './browser.js';
import { Callback } from './callback.js';
import type { Challenge } from './challenge.js';
import type { OAuthFetch } from './fetch.js';
import {
  type ClientIdentity,
  type Grant,
  isFor,
  isOver,
  type Pending,
  type Registration,
  withoutRefresh,
} from './grant.js';
import { covers } from './scopes.js';
import { SignInError } from './sign-in-error.js';
import type { CredentialStore } from './store.js';

/** How long, in ms, a person may take. Codes and pages of authorization servers rarely last longer. */
const LIFE = 600_000;

/** A window that was opened less than this long ago (ms) is still there: it is not opened again. */
const REOPEN = 120_000;

const STATE_LENGTH = 32;

export interface SignInOptions {
  readonly server: URL;
  /** The server, for texts. */
  readonly where: string;
  readonly client: ClientIdentity;
  /** How a browser is opened; undefined: there is none, or it is not to be. */
  readonly browser: readonly [string, ...string[]] | undefined;
  readonly store: CredentialStore;
  readonly fetch: OAuthFetch;
  readonly secrets: Secrets;
  readonly emit: Emit;
}

export interface Wanted {
  readonly challenge: Challenge;
  /** What the server does not take, or not for this. */
  readonly refused: Grant | undefined;
  /** Whether another token of the same scopes may help, so that nobody has to be asked. */
  readonly mayRenew: boolean;
  /** Told where the person signs in. */
  readonly asked: (url: string) => void;
  readonly signal: AbortSignal;
}

/** How a grant was come by. */
export interface Obtained {
  readonly grant: Grant;
  readonly by: 'sign-in' | 'renewal' | 'another process';
}

/**
 * Gets a grant for a server that has refused a request: from another process that has it already, with the refresh
 * token, or by asking the person (2026-07-28, `basic/authorization`, "Authorization Flow Steps").
 *
 * Returns undefined where nothing says that the server is one that people can sign in to. Rejects with
 * `SignInError` and `Unreachable`, and with the client SDK's errors (`reasonOf`).
 */
export async function obtain(options: SignInOptions, wanted: Wanted): Promise<Obtained | undefined> {
  const { store, fetch, server } = options;
  const { challenge, refused, signal } = wanted;
  const authority = await findAuthority(server, challenge.resourceMetadata, fetch);
  const isStepUp = challenge.error === 'insufficient_scope';
  const needed = computeScopeUnion(
    refused?.scope,
    challenge.scope ?? (isStepUp ? undefined : authority.scope),
  );
  const scope = withOffline(needed, authority);
  let others: string | undefined;
  const look = async (): Promise<Obtained | undefined> => {
    const pending = await store.pending();
    if (pending !== undefined && Date.now() - pending.begunAt < LIFE) {
      others = pending.state;
      wanted.asked(pending.url);
    }
    const grant = await store.grant();
    if (grant === undefined || grant.accessToken === refused?.accessToken || isOver(grant)) return undefined;
    const isRight = grant.issuer === authority.issuer && isFor(grant, options.client);
    return isRight && covers(grant.scope, challenge.scope) ? { grant, by: 'another process' } : undefined;
  };
  const work = async (): Promise<Obtained | undefined> => {
    const found = await look();
    if (found !== undefined) return found;
    const renewed = wanted.mayRenew ? await renewStored(options, authority, await store.grant()) : undefined;
    if (renewed !== undefined) return { grant: renewed, by: 'renewal' };
    // The person has been asked by another process, and has said no: there is no use in another window.
    if (others !== undefined && (await store.pending()) === undefined) {
      throw new SignInError('the sign-in that another process had begun has failed.');
    }
    return ask(options, wanted, authority, scope);
  };
  return store.exclusively(work, look, signal);
}

/** Renews a grant ahead of its end. Undefined: it cannot be renewed any more. Rejects as `obtain` does. */
export async function renewGrant(
  options: SignInOptions,
  grant: Grant,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const { store, server, fetch } = options;
  const { resourceMetadata } = grant;
  const metadataUrl = resourceMetadata === undefined ? undefined : new URL(resourceMetadata);
  const authority = await findAuthority(server, metadataUrl, fetch);
  const look = async (): Promise<Grant | undefined> => {
    const stored = await store.grant();
    return stored !== undefined && stored.accessToken !== grant.accessToken ? stored : undefined;
  };
  const work = async (): Promise<Grant | undefined> =>
    (await look()) ?? (await renewStored(options, authority, (await store.grant()) ?? grant));
  return store.exclusively(work, look, signal);
}

async function renewStored(
  { store, fetch, client, secrets }: SignInOptions,
  authority: Authority,
  grant: Grant | undefined,
): Promise<Grant | undefined> {
  // Neither the token nor the client is of use with another authorization server.
  if (grant?.refreshToken === undefined || grant.issuer !== authority.issuer) return undefined;
  const registration = (await store.registration(authority.issuer)) ?? { clientId: grant.clientId };
  const known = givenRegistration(client) ?? registration;
  if (known.clientId !== grant.clientId) return undefined;
  keepSecret(secrets, known);
  const tokens = await renew(authority, known, grant.refreshToken, fetch);
  if (tokens === undefined) {
    await store.saveGrant(withoutRefresh(grant));
    return undefined;
  }
  const renewed = grantOf(authority, known, tokens, grant.scope);
  keepGrantSecret(secrets, renewed);
  await store.saveGrant(renewed);
  return renewed;
}

/** Asks the person, by way of a browser. */
async function ask(
  options: SignInOptions,
  wanted: Wanted,
  authority: Authority,
  scope: string | undefined,
): Promise<Obtained | undefined> {
  const { store, fetch, secrets, where } = options;
  const isTrusted = options.client.clientId !== undefined;
  if (!hasPkce(authority) && !isTrusted) {
    throw new SignInError(
      'its authorization server does not say that it supports PKCE. Where you trust it all the same, register a client there and give it with --client-id.',
    );
  }
  const begun = await begin(options, authority, scope);
  if (begun === undefined) return undefined;
  const { callback, pending } = begun;
  const { registration } = pending;
  secrets.add(pending.verifier);
  keepSecret(secrets, registration);
  wanted.asked(pending.url);
  try {
    const answer = callback.answer(pending.state);
    await show(options, pending);
    const given = await within(answer, pending.begunAt + LIFE - Date.now(), wanted.signal);
    if (given === undefined) {
      // Perhaps the client is not known there any more, of which only the person's browser is told.
      await store.saveRegistration(authority.issuer, undefined);
      await store.savePending(undefined);
      throw new SignInError(`nobody has signed in within ${LIFE / 60_000} minutes.`);
    }
    await store.savePending(undefined);
    try {
      const tokens = await redeem(
        authority,
        registration,
        {
          params: given.params,
          verifier: pending.verifier,
          redirectUri: callback.redirectUri,
          heard: (code) => secrets.add(code),
        },
        fetch,
      );
      const grant = grantOf(authority, registration, tokens, pending.scope);
      keepGrantSecret(secrets, grant);
      await store.saveGrant(grant);
      given.respond('done');
      options.emit({ level: 'info', text: `Signed in to ${where}.` });
      return { grant, by: 'sign-in' };
    } catch (error) {
      given.respond('failed');
      throw error;
    }
  } finally {
    callback.close();
  }
}

interface Begun {
  readonly callback: Callback;
  readonly pending: Pending;
}

/** A sign-in that was begun before and is not over, as by a process that has ended; else a new one. */
async function begin(
  options: SignInOptions,
  authority: Authority,
  scope: string | undefined,
): Promise<Begun | undefined> {
  const { store, client } = options;
  const pending = await store.pending();
  const isFresh = pending !== undefined && Date.now() - pending.begunAt < LIFE / 2;
  if (isFresh && pending.issuer === authority.issuer && covers(pending.scope, scope)) {
    const isSame = client.clientId === undefined || client.clientId === pending.registration.clientId;
    const callback = isSame ? await Callback.listen(pending.port) : undefined;
    if (callback?.port === pending.port) return { callback, pending };
    callback?.close();
  }
  return beginAnew(options, authority, scope);
}

async function beginAnew(
  options: SignInOptions,
  authority: Authority,
  scope: string | undefined,
): Promise<Begun | undefined> {
  const { store, client, fetch } = options;
  const { issuer } = authority;
  const stored = await store.registration(issuer);
  const callback = await Callback.listen(stored?.port);
  const { redirectUri, port } = callback;
  try {
    let registration = givenRegistration(client);
    if (registration === undefined && client.metadataUrl !== undefined && takesMetadataUrl(authority)) {
      registration = { clientId: client.metadataUrl };
    }
    const isUsable = stored?.port === port && (stored.endsAt ?? Number.POSITIVE_INFINITY) > Date.now();
    if (registration === undefined && isUsable) registration = stored;
    if (registration === undefined) {
      registration = { ...(await register(authority, redirectUri, scope, fetch)), port };
      await store.saveRegistration(issuer, registration);
    }
    const state = randomBytes(STATE_LENGTH).toString('base64url');
    const { url, verifier } = await authorizationUrl(authority, registration, { redirectUri, scope, state });
    const pending: Pending = {
      issuer,
      registration,
      url: url.href,
      state,
      verifier,
      port,
      begunAt: Date.now(),
      ...(scope === undefined ? {} : { scope }),
    };
    await store.savePending(pending);
    return { callback, pending };
  } catch (error) {
    callback.close();
    // An endpoint that was only guessed is not there: the server wants something else than a sign-in.
    const isNothing = error instanceof SignInError && error.status !== undefined;
    if (authority.isGuess && isNothing) return undefined;
    throw error;
  }
}

/** Opens the browser, and prints the URL for those who see that better. */
async function show({ browser, emit, where, store }: SignInOptions, pending: Pending): Promise<void> {
  const isOpen = pending.openedAt !== undefined && Date.now() - pending.openedAt < REOPEN;
  const opened = isOpen || (browser !== undefined && (await openBrowser(browser, new URL(pending.url))));
  if (opened && !isOpen) await store.savePending({ ...pending, openedAt: Date.now() });
  const how = opened
    ? 'A browser has been opened for it. Where you do not see it, open'
    : 'Open in a browser on this machine';
  emit({
    level: opened ? 'warning' : 'error',
    text: `${where} wants you to sign in. ${how}: ${pending.url}`,
  });
}

function givenRegistration({ clientId, clientSecret }: ClientIdentity): Registration | undefined {
  if (clientId === undefined) return undefined;
  return { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) };
}

function keepSecret(secrets: Secrets, { clientId, clientSecret }: Registration): void {
  if (clientSecret === undefined) return;
  secrets.add(clientSecret);
  secrets.add(`Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`);
}

function keepGrantSecret(secrets: Secrets, { accessToken, refreshToken }: Grant): void {
  secrets.add(accessToken);
  if (refreshToken !== undefined) secrets.add(refreshToken);
}

/** Undefined: it took longer than `ms`. Rejects when the signal says so. */
async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  signal.throwIfAborted();
  const over = new AbortController();
  const { signal: isOver } = over;
  try {
    return await Promise.race([
      promise,
      wait(Math.max(0, ms), undefined, { signal: isOver }),
      once(signal, 'abort', { signal: isOver }).then((): never => {
        throw signal.reason;
      }),
    ]);
  } finally {
    over.abort();
  }
}
