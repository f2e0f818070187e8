/** A person signs in with a browser, which comes back to a listener on this machine. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type Authority, authorizationUrl, grantOf, hasPkce, redeem } from './authorization-server.js';
import { openBrowser } from './browser.js';
import { Callback } from './callback.js';
import { type DpopKey, type Grant, givenRegistration, type Pending } from './grant.js';
import { register, takesMetadataUrl } from './registration.js';
import { covers } from './scopes.js';
import { keepGrantSecret, keepSecret } from './secrets.js';
import { SignInError } from './sign-in-error.js';
import type { SignInOptions, Wanted } from './sign-in-options.js';

/** How long, in ms, a person may take. Codes and pages of authorization servers rarely last longer. */
export const LIFE = 600_000;

/** A window that was opened less than this long ago (ms) is still there: it is not opened again. */
const REOPEN = 120_000;

const STATE_LENGTH = 32;

/** Asks the person, by way of a browser. */
export async function askInBrowser(
  options: SignInOptions,
  wanted: Wanted,
  authority: Authority,
  scope: string | undefined,
  key: DpopKey | undefined,
): Promise<Grant | undefined> {
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
  secrets.addPassing(pending.verifier);
  keepSecret(secrets, registration);
  try {
    const answer = callback.answer(pending.state);
    wanted.asked(pending.url);
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
          heard: (code) => secrets.addPassing(code),
        },
        key,
        fetch,
      );
      const grant = grantOf(authority, registration, tokens, pending.scope, key);
      keepGrantSecret(secrets, grant);
      await store.saveGrant(grant);
      given.respond('done');
      options.emit({ level: 'info', text: `Signed in to ${where}.` });
      return grant;
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
  const { store, client, redirectPort } = options;
  const pending = await store.pending();
  const isFresh = pending !== undefined && Date.now() - pending.begunAt < LIFE / 2;
  if (isFresh && pending.issuer === authority.issuer && covers(pending.scope, scope)) {
    const isOnPort = redirectPort === undefined || redirectPort === pending.port;
    const isSame =
      isOnPort && (client.clientId === undefined || client.clientId === pending.registration.clientId);
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
  const { store, client, fetch, redirectPort } = options;
  const { issuer } = authority;
  const stored = await store.registration(issuer);
  const callback =
    redirectPort === undefined ? await Callback.listen(stored?.port) : await Callback.listenOn(redirectPort);
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
