/** Renewing what one client has, where another has signed in meanwhile. */
import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { OAuthFetch } from '../../../src/oauth/fetch.js';
import type { Grant } from '../../../src/oauth/grant.js';
import { renewGrant } from '../../../src/oauth/sign-in.js';
import { MemoryStore } from '../../../src/oauth/store.js';
import { Secrets } from '../../../src/observability/secrets.js';
import { listen } from '../../e2e/harness/listen.js';
import { Scope } from '../../e2e/harness/scope.js';

const scope = new Scope();
afterEach(() => scope.end());

it.each([
  ['of another client', { clientId: 'other' }, 'renewed'],
  ['of another authorization server', { issuer: 'https://other.example' }, 'renewed'],
  ['of the same', {}, 'kept-token'],
])('a grant that is kept %s', async (_, kept, expected) => {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const json = (value: object): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (request.url === '/.well-known/oauth-authorization-server') {
      const endpoints = { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` };
      json({ issuer: origin, ...endpoints, response_types_supported: ['code'] });
    } else if (request.url === '/token') {
      asked.push(new URLSearchParams(body));
      json({ access_token: 'renewed', token_type: 'Bearer' });
    } else response.writeHead(404).end();
  });
  const origin = await listen(scope, server);
  const secrets = new Secrets();
  const emit = (): void => undefined;
  const fetch = scope.add(new OAuthFetch({ verify: true, secrets, emit }), (one) => one.close());
  const own: Grant = {
    issuer: origin,
    clientId: 'own',
    accessToken: 'own-token',
    refreshToken: 'own-refresh',
    issuedAt: 0,
  };
  const store = new MemoryStore();
  await store.saveGrant({ ...own, accessToken: 'kept-token', refreshToken: 'kept-refresh', ...kept });
  const options = { server: new URL(`${origin}/mcp`), where: origin, client: { clientId: 'own' }, emit };
  const more = { browser: undefined, device: false, store, fetch, secrets };
  const renewed = await renewGrant({ ...options, ...more }, own, new AbortController().signal);
  expect(renewed).toMatchObject({ clientId: 'own', accessToken: expected });
  const sent = asked.map((one) => [one.get('client_id'), one.get('refresh_token')]);
  expect(sent).toEqual(expected === 'renewed' ? [['own', 'own-refresh']] : []);
});
