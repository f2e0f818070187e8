/** A person signs in on another device (RFC 8628), which the client SDK has no function for. */
import { setTimeout as wait } from 'node:timers/promises';
import { OAuthError, selectClientAuthMethod } from '@modelcontextprotocol/client';
import { asRecord } from '../jsonrpc/message.js';
import { type Authority, clientOf, DEVICE_GRANT, grantOf, isSafe, tokensBy } from './authorization-server.js';
import type { OAuthFetch } from './fetch.js';
import type { DpopKey, Grant, Registration } from './grant.js';
import { SignInError } from './sign-in-error.js';

/** Seconds between two questions, where the server names none, and how much more it wants when it says so. */
const INTERVAL = 5;

/** Longest time, in seconds, that is waited for a person, whatever the server says. */
const LONGEST = 1_800;

export function hasDevices({ metadata }: Authority): boolean {
  return endpointOf(metadata) !== undefined;
}

function endpointOf(metadata: Authority['metadata']): string | undefined {
  const { device_authorization_endpoint: endpoint } = asRecord(metadata);
  return typeof endpoint === 'string' ? endpoint : undefined;
}

export interface DeviceOptions {
  readonly scope: string | undefined;
  readonly key: DpopKey | undefined;
  readonly fetch: OAuthFetch;
  readonly signal: AbortSignal;
  /** Told what is secret. */
  readonly heard: (secret: string) => void;
  /** Told what the person has to do: where to go, with which code. */
  readonly tell: (url: string, code: string) => void;
}

/** Rejects with `SignInError` where the person does not come, or says no. */
export async function deviceGrant(
  authority: Authority,
  registration: Registration,
  { scope, key, fetch, signal, heard, tell }: DeviceOptions,
): Promise<Grant> {
  const begun = await begin(authority, registration, scope, fetch);
  heard(begun.deviceCode);
  tell(begun.url, begun.userCode);
  const until = performance.now() + begun.lasts * 1000;
  const params = { grant_type: DEVICE_GRANT, device_code: begun.deviceCode };
  let interval = begun.interval;
  for (;;) {
    await wait(interval * 1000, undefined, { signal });
    if (performance.now() > until) throw new SignInError('nobody has signed in while the code was good.');
    try {
      const tokens = await tokensBy(authority, registration, params, key, fetch);
      return grantOf(authority, registration, tokens, scope, key);
    } catch (error) {
      const code: string = error instanceof OAuthError ? error.code : '';
      if (code === 'slow_down') interval += INTERVAL;
      else if (code !== 'authorization_pending') throw error;
    }
  }
}

async function begin(
  { metadata, resource }: Authority,
  registration: Registration,
  scope: string | undefined,
  { fetch }: OAuthFetch,
) {
  const endpoint = endpointOf(metadata);
  if (endpoint === undefined) throw new SignInError('its authorization server has no device flow.');
  const client = clientOf(registration);
  const method = selectClientAuthMethod(client, metadata?.token_endpoint_auth_methods_supported ?? []);
  const { clientId, clientSecret = '' } = registration;
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
  if (method === 'client_secret_basic') {
    headers.authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  }
  const body = new URLSearchParams({
    client_id: clientId,
    ...(method === 'client_secret_post' ? { client_secret: clientSecret } : {}),
    ...(scope === undefined ? {} : { scope }),
    ...(resource === undefined ? {} : { resource }),
  });
  const response = await fetch(endpoint, { method: 'POST', headers, body });
  const answer = asRecord(await response.json().catch(() => undefined));
  const { device_code: deviceCode, user_code: userCode } = answer;
  const url = answer.verification_uri_complete ?? answer.verification_uri;
  if (
    !response.ok ||
    typeof deviceCode !== 'string' ||
    typeof userCode !== 'string' ||
    typeof url !== 'string'
  ) {
    throw new SignInError(
      `its authorization server gave no code for a device (HTTP status ${response.status}).`,
    );
  }
  // Both are shown to a person.
  if (!isSafe(url) || !/^[\x21-\x7e]{1,64}$/.test(userCode)) {
    throw new SignInError(
      'its authorization server gave a code or a page for a device that cannot be shown.',
    );
  }
  const lasts = positive(answer.expires_in) ?? LONGEST;
  return {
    deviceCode,
    userCode,
    url: new URL(url).href,
    lasts: Math.min(lasts, LONGEST),
    interval: positive(answer.interval) ?? INTERVAL,
  };
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}
