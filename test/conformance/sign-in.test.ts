/** The official conformance suite's client scenarios for authorization, through `mcp-proxy URL`. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runClient } from './suite.js';

const CLIENT = join(import.meta.dirname, 'sign-in-client.mjs');

const RUN_MS = 120_000;

const SCENARIOS = [
  'metadata-default',
  'metadata-var1',
  'metadata-var2',
  'metadata-var3',
  'basic-cimd',
  'scope-from-www-authenticate',
  'scope-from-scopes-supported',
  'scope-omitted-when-undefined',
  'scope-step-up',
  'scope-retry-limit',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-post',
  'token-endpoint-auth-none',
  'pre-registration',
  '2025-03-26-oauth-metadata-backcompat',
  '2025-03-26-oauth-endpoint-fallback',
  'resource-mismatch',
  'offline-access-scope',
  'offline-access-not-supported',
  'authorization-server-migration',
  'iss-supported',
  'iss-not-advertised',
  'iss-supported-missing',
  'iss-wrong-issuer',
  'iss-unexpected',
  'iss-normalized',
  'metadata-issuer-mismatch',
  'client-credentials-jwt',
  'client-credentials-basic',
  'dpop',
  'dpop-nonce',
];

/** Extensions that client mode does not have. */
const LOST: readonly (readonly [scenario: string, reason: string])[] = [
  ['enterprise-managed-authorization', 'there is no identity provider whose tokens could be exchanged'],
  ['wif-jwt-bearer', 'there is no workload whose identity could be shown in place of a sign-in'],
];

describe('the conformance suite signs in through the proxy', { timeout: RUN_MS }, () => {
  it.each(SCENARIOS)('auth/%s', async (scenario) => {
    expect(await runClient(CLIENT, `auth/${scenario}`)).toEqual([]);
  });

  it.each(LOST)('auth/%s is lost: %s', async (scenario) => {
    expect((await runClient(CLIENT, `auth/${scenario}`))?.length).toBeGreaterThan(0);
  });
});
