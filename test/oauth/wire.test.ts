/** What is sent on the way to a token, and with it: a server by hand that takes note of all. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { listen } from '../e2e/harness/listen.js';
import { Scope } from '../e2e/harness/scope.js';
import { req } from '../requirements.js';
import { answerMcp, json } from './harness/by-hand.js';
import { Person } from './harness/protected.js';

const scope = new Scope();
afterEach(() => scope.end());

interface Got {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** @param refuses what it answers to a registration in place of a client, with 400 */
async function startServer(refuses?: object): Promise<{ readonly origin: string; readonly got: Got[] }> {
  const got: Got[] = [];
  const server = createServer();
  const origin = await listen(scope, server);
  const answer = ({ url, headers, body }: Got, response: ServerResponse): ServerResponse => {
    switch (url.pathname) {
      case '/.well-known/oauth-protected-resource/mcp':
        return json(response, 200, { resource: `${origin}/mcp`, authorization_servers: [origin] });
      case '/.well-known/oauth-authorization-server':
        return json(response, 200, {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
        });
      case '/register':
        if (refuses !== undefined) return json(response, 400, refuses);
        return json(response, 201, { ...JSON.parse(body), client_id: 'it' });
      case '/authorize': {
        const back = new URL(url.searchParams.get('redirect_uri') ?? '');
        back.searchParams.set('code', 'the-code');
        back.searchParams.set('state', url.searchParams.get('state') ?? '');
        return response.writeHead(302, { location: back.href }).end();
      }
      case '/token':
        return json(response, 200, { access_token: 'the-token', token_type: 'Bearer' });
      case '/mcp':
        return answerMcp(response, body, headers.authorization === 'Bearer the-token', origin);
      default:
        return json(response, 404, {});
    }
  };
  server.on('request', async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', headers } = request;
    const one = { method, url: new URL(request.url ?? '', origin), headers, body };
    got.push(one);
    answer(one, response);
  });
  return { origin, got };
}

const at = (got: readonly Got[], path: string): Got[] => got.filter(({ url }) => url.pathname === path);

it(`${req('auth.client.resource', 'auth.client.redirect-registered', 'auth.client.application-type', 'auth.client.refresh-grant', 'auth.client.refresh-optional')} who it is, where it comes back to, and for which server it asks`, async () => {
  const { origin, got } = await startServer();
  const client = new Person(scope).start(`${origin}/mcp`);
  expect((await client.begin()).result).toBeDefined();
  const registered = JSON.parse(at(got, '/register')[0]?.body ?? '');
  expect(registered).toMatchObject({
    application_type: 'native',
    grant_types: expect.arrayContaining(['authorization_code', 'refresh_token']),
    redirect_uris: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)],
  });
  const asked = at(got, '/authorize')[0]?.url.searchParams;
  expect(asked?.get('redirect_uri')).toBe(registered.redirect_uris[0]);
  const redeemed = new URLSearchParams(at(got, '/token')[0]?.body);
  for (const params of [asked, redeemed]) expect(params?.getAll('resource')).toEqual([`${origin}/mcp`]);
  expect(redeemed.get('redirect_uri')).toBe(registered.redirect_uris[0]);
});

it(`${req('auth.client.bearer', 'auth.client.not-in-query')} the token is in the header of every request, and in no URL`, async () => {
  const { origin, got } = await startServer();
  const client = new Person(scope).start(`${origin}/mcp`);
  await client.begin();
  const before = got.length;
  client.write({ id: 1, method: 'tools/list' });
  expect((await client.answer(1)).result).toEqual({});
  client.write({ method: 'notifications/roots/list_changed' });
  client.write({ id: 2, method: 'ping' });
  expect((await client.answer(2)).result).toEqual({});
  const sent = at(got.slice(before), '/mcp');
  expect(sent.length).toBeGreaterThanOrEqual(3);
  for (const { headers, method } of sent) expect(headers.authorization, method).toBe('Bearer the-token');
  for (const { url } of got) expect(url.href).not.toContain('the-token');
});

it(`${req('auth.client.registration-refused')} a registration that is refused is told in words, with what can be done`, async () => {
  const refusal = { error: 'invalid_redirect_uri', error_description: 'no loopback here' };
  const { origin, got } = await startServer(refusal);
  const person = new Person(scope);
  const { error } = await person.start(`${origin}/mcp`).begin();
  expect(error?.message).toMatch(/refused to register this program.*400, invalid_redirect_uri.*--client-id/);
  expect(person.windows()).toEqual([]);
  expect(at(got, '/authorize')).toEqual([]);
});
