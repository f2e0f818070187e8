import { computeScopeUnion } from '@modelcontextprotocol/client';
import { type Authority, findAuthority, grantOf, renew, withOffline } from './authorization-server.js';
import { askInBrowser, LIFE } from './browser-sign-in.js';
import { isServed } from './callback.js';
import { deviceGrant, hasDevices } from './device.js';
import { newDpopKey } from './dpop.js';
import { type DpopKey, type Grant, givenRegistration, isFor, isOver, withoutRefresh } from './grant.js';
import { jwtBearerGrant } from './jwt-bearer.js';
import { machineGrant } from './machine.js';
import { register } from './registration.js';
import { covers } from './scopes.js';
import { keepGrantSecret, keepSecret } from './secrets.js';
import { SignInError } from './sign-in-error.js';
import type { SignInOptions, Wanted } from './sign-in-options.js';

/** The redirect URI of a client that has no listener: it is registered, and not used. */
const ANY_PORT = 'http://127.0.0.1/callback';

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
  let isTold = false;
  const look = async (): Promise<Obtained | undefined> => {
    const pending = await store.pending();
    if (pending !== undefined && Date.now() - pending.begunAt < LIFE) {
      others = pending.state;
      // Who has begun it may have ended without a word: then nobody is there whom the browser could come back to.
      if (!isTold && (await isServed(pending.port))) {
        isTold = true;
        wanted.asked(pending.url);
      }
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
    const isBound = authority.wantsKey || challenge.scheme === 'dpop';
    const key = isBound ? (refused?.key ?? (await newDpopKey())) : undefined;
    return getGrant(options, wanted, authority, scope, key);
  };
  return store.exclusively(work, look, signal);
}

/**
 * Renews a grant ahead of its end. Undefined: it cannot be renewed any more. `forgotten`: nothing is kept of it by
 * now, as after a logout, and nobody may go on with it. Rejects as `obtain` does.
 */
export async function renewGrant(
  options: SignInOptions,
  grant: Grant,
  signal: AbortSignal,
): Promise<Grant | 'forgotten' | undefined> {
  const { store, server, fetch } = options;
  const { resourceMetadata } = grant;
  const metadataUrl = resourceMetadata === undefined ? undefined : new URL(resourceMetadata);
  const authority = await findAuthority(server, metadataUrl, fetch);
  // Another client may have signed in meanwhile, as somebody else.
  const ours = async (): Promise<Grant | undefined> => {
    const stored = await store.grant();
    const isOurs = stored?.issuer === grant.issuer && isFor(stored, options.client);
    return isOurs ? stored : undefined;
  };
  const look = async (): Promise<Grant | undefined> => {
    const stored = await ours();
    return stored !== undefined && stored.accessToken !== grant.accessToken ? stored : undefined;
  };
  const work = async (): Promise<Grant | 'forgotten' | undefined> => {
    if (!(await store.hasGrant())) return 'forgotten';
    const renewed = (await look()) ?? (await renewStored(options, authority, (await ours()) ?? grant));
    if (renewed !== undefined) return renewed;
    return (await store.hasGrant()) ? undefined : 'forgotten';
  };
  return store.exclusively(work, look, signal);
}

/** Undefined: it cannot be renewed, or was forgotten meanwhile. */
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
  const tokens = await renew(authority, known, grant.refreshToken, grant.key, fetch);
  if (tokens === undefined) {
    await store.replaceGrant(withoutRefresh(grant));
    return undefined;
  }
  const renewed = grantOf(authority, known, tokens, grant.scope, grant.key);
  keepGrantSecret(secrets, renewed);
  return (await store.replaceGrant(renewed)) ? renewed : undefined;
}

/** By what the client has itself, else by a person. */
async function getGrant(
  options: SignInOptions,
  wanted: Wanted,
  authority: Authority,
  scope: string | undefined,
  key: DpopKey | undefined,
): Promise<Obtained | undefined> {
  const { store, fetch, secrets, client, device, browser } = options;
  const { clientId, privateKey, assertion } = client;
  const given = givenRegistration(client);
  if (given !== undefined && assertion !== undefined) {
    const grant = await jwtBearerGrant(options, assertion, given, authority, scope, key);
    keepGrantSecret(secrets, grant);
    await store.saveGrant(grant);
    return { grant, by: 'sign-in' };
  }
  const isMachine = clientId !== undefined && privateKey !== undefined;
  if (options.isUnattended === true && !isMachine) return undefined;
  if (!isMachine && !((device || browser === undefined) && hasDevices(authority))) {
    const grant = await askInBrowser(options, wanted, authority, scope, key);
    return grant === undefined ? undefined : { grant, by: 'sign-in' };
  }
  const grant = isMachine
    ? await machineGrant(authority, { clientId, privateKey }, scope, key, fetch)
    : await onDevice(options, wanted, authority, scope, key);
  keepGrantSecret(secrets, grant);
  await store.saveGrant(grant);
  return { grant, by: 'sign-in' };
}

async function onDevice(
  options: SignInOptions,
  { asked, signal }: Wanted,
  authority: Authority,
  scope: string | undefined,
  key: DpopKey | undefined,
): Promise<Grant> {
  const { store, fetch, secrets, client, emit, where } = options;
  const { issuer } = authority;
  const stored = givenRegistration(client) ?? (await store.registration(issuer));
  const isUsable = stored !== undefined && (stored.endsAt ?? Number.POSITIVE_INFINITY) > Date.now();
  const registration = isUsable ? stored : await register(authority, ANY_PORT, scope, fetch);
  if (!isUsable) await store.saveRegistration(issuer, registration);
  keepSecret(secrets, registration);
  const heard = (secret: string): void => secrets.addPassing(secret);
  const tell = (url: string, code: string): void => {
    asked(`${url} (the code is ${code})`);
    emit({
      level: 'error',
      text: `${where} wants you to sign in. Open on any device: ${url} and enter the code ${code}`,
    });
  };
  const grant = await deviceGrant(authority, registration, { scope, key, fetch, signal, heard, tell });
  emit({ level: 'info', text: `Signed in to ${where}.` });
  return grant;
}
