import { setTimeout as wait } from 'node:timers/promises';
import { OAuthFetch } from '../oauth/fetch.js';
import { credentialsFile, FileStore } from '../oauth/file-store.js';
import type { Grant, Registration } from '../oauth/grant.js';
import { wordsOf } from '../observability/events.js';
import { Secrets } from '../observability/secrets.js';
import { describeUrl } from '../remote/describe-url.js';

/** How long, in ms, the authorization server has to take back what it has given out: a person waits. */
const REVOCATION_TIME = 10_000;

/**
 * Forgets what is kept of the sign-in to a remote server, and then asks its authorization server to take it back.
 * Returns the exit code: 0 also where there was nothing, or where that server does not do it; 1 where it cannot be
 * forgotten.
 */
export async function logout(
  url: URL,
  env: Readonly<Record<string, string | undefined>>,
  write: (text: string) => void,
): Promise<number> {
  const { path, keychain } = credentialsFile(env, process.platform);
  const where = describeUrl(url, (text) => text);
  const store = new FileStore(path, keychain, url);
  try {
    const grant = await store.grant().catch(() => undefined); // what cannot be read cannot be taken back
    const registration = grant && ((await store.registration(grant.issuer)) ?? { clientId: grant.clientId });
    const wasThere = await store.forget();
    write(wasThere ? `Forgotten: the sign-in to ${where}.\n` : `Nothing is kept of a sign-in to ${where}.\n`);
    if (grant !== undefined && registration !== undefined) write(await takenBack(grant, registration));
    return 0;
  } catch (error) {
    write(`mcp-proxy: error: the sign-in to ${where} cannot be forgotten: ${wordsOf(error)}\n`);
    return 1;
  }
}

/** What came of it, as a line. */
async function takenBack(grant: Grant, registration: Registration): Promise<string> {
  const { revoke } = await import('../oauth/revocation.js');
  const secrets = new Secrets();
  for (const value of [grant.accessToken, grant.refreshToken, registration.clientSecret])
    secrets.add(value ?? '');
  const fetch = new OAuthFetch({ verify: true, secrets, emit: () => undefined });
  const limit = new AbortController();
  const late = `it took longer than ${REVOCATION_TIME / 1000} s.`;
  const reason = await Promise.race([
    revoke(grant, registration, fetch),
    wait(REVOCATION_TIME, late, { signal: limit.signal }).catch(() => late),
  ]);
  limit.abort();
  await fetch.close();
  if (reason === undefined) return 'Its authorization server has taken back the tokens.\n';
  return `The tokens were not taken back, and are good until they run out: ${secrets.mask(reason)}\n`;
}
