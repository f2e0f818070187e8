/** What of a sign-in must not be shown. */
import type { Secrets } from '../observability/secrets.js';
import type { Grant, Registration } from './grant.js';

export function keepSecret(secrets: Secrets, { clientId, clientSecret }: Registration): void {
  if (clientSecret === undefined) return;
  secrets.add(clientSecret);
  secrets.add(`Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`);
}

export function keepGrantSecret(secrets: Secrets, { accessToken, refreshToken }: Grant): void {
  secrets.addPassing(accessToken);
  if (refreshToken !== undefined) secrets.addPassing(refreshToken);
}
