/** The official conformance suite's client scenarios for authorization, through `mcp-proxy URL`. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { runClient } from './suite.js';

const CLIENT = join(import.meta.dirname, 'sign-in-client.mjs');

const RUN_MS = 120_000;

const METADATA = ['metadata-default', 'metadata-var1', 'metadata-var2', 'metadata-var3'];
const SCOPES = ['scope-from-www-authenticate', 'scope-from-scopes-supported', 'scope-omitted-when-undefined'];
const REGISTRATION = ['pre-registration', 'basic-cimd'];
const ISSUERS = [
  'iss-supported',
  'iss-not-advertised',
  'iss-supported-missing',
  'iss-wrong-issuer',
  'iss-unexpected',
  'iss-normalized',
];
const OTHERS = [
  'token-endpoint-auth-basic',
  'token-endpoint-auth-post',
  'token-endpoint-auth-none',
  '2025-03-26-oauth-metadata-backcompat',
  '2025-03-26-oauth-endpoint-fallback',
  'offline-access-scope',
  'client-credentials-jwt',
  'client-credentials-basic',
  'enterprise-managed-authorization',
  'wif-jwt-bearer',
  'dpop',
  'dpop-nonce',
];

describe('the conformance suite signs in through the proxy', { timeout: RUN_MS }, () => {
  const passes = async (scenario: string): Promise<void> => {
    expect(await runClient(CLIENT, `auth/${scenario}`)).toEqual([]);
  };

  it.each(METADATA)(`${req('auth.client.metadata-order', 'auth.client.issuer-order')} auth/%s`, passes);
  it.each(SCOPES)(
    `${req('auth.client.scopes-of-challenge', 'auth.client.scopes-otherwise')} auth/%s`,
    passes,
  );
  it.each(['scope-step-up', 'scope-retry-limit'])(`${req('auth.client.step-up-limit')} auth/%s`, passes);
  it.each(REGISTRATION)(`${req('auth.client.registration-order')} auth/%s`, passes);
  it.each(ISSUERS)(`${req('auth.client.iss', 'auth.client.iss-silent')} auth/%s`, passes);
  it.each(['metadata-issuer-mismatch'])(`${req('auth.client.issuer-identical')} auth/%s`, passes);
  it.each(['authorization-server-migration'])(`${req('auth.client.by-issuer')} auth/%s`, passes);
  it.each(['resource-mismatch'])(`${req('auth.client.no-other-tokens')} auth/%s`, passes);
  it.each(['offline-access-not-supported'])(`${req('auth.client.refresh-optional')} auth/%s`, passes);
  it.each(OTHERS)('auth/%s', passes);
});
