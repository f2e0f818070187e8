/** Access tokens: which let in, and what is said about the others. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EncryptJWT, exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { guards } from '../security.js';
import { Client } from './harness/client.js';
import { type Answer, exchange } from './harness/http.js';
import { PlayedIssuer } from './harness/issuer.js';
import { closeAll, puppet, start, type TestProxy } from './harness/proxy.js';

const KEY = 'ann-0123456789abcdef';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

let issuer: PlayedIssuer;
beforeEach(async () => {
  issuer = await PlayedIssuer.start();
});
afterEach(async () => {
  await closeAll();
  await issuer.stop();
});

/** The proxy, and a key for the test itself. */
function startGuarded(
  tokens: Partial<NonNullable<NonNullable<Parameters<typeof start>[0]>['auth']>['tokens']> = {},
  more: Parameters<typeof start>[0] = {},
): Promise<TestProxy> {
  const options = { issuer: issuer.url, audiences: [], requiredScopes: [], ...tokens };
  return start({ auth: { apiKeys: `me:${KEY}`, tokens: options }, ...more }, { 'x-api-key': KEY });
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** What a token gets at a path; what lets in gets 400 there, because no session is named. */
async function tried({ url }: TestProxy, token: string, path = '/mcp'): Promise<Answer> {
  return exchange(url + path, { headers: bearer(token) });
}

describe('a token', () => {
  it(`${guards('token.good')} that its issuer has signed for this server lets in, and is bound to its subject`, async () => {
    const proxy = await startGuarded();
    const aud = `${proxy.url}/mcp`;
    const headers = bearer(await issuer.token({ aud }));
    const client = await Client.open(`${proxy.url}/mcp`, { headers });
    expect(await client.ask('ping')).toEqual({});
    // Another token of the same person.
    const again = new Client(
      client.url,
      client.version,
      client.session,
      bearer(await issuer.token({ aud, jti: '2' })),
    );
    expect(await again.ask('ping')).toEqual({});
    for (const other of [{ sub: 'bob' }, { sub: undefined, client_id: 'ann' }]) {
      const token = await issuer.token({ aud, ...other });
      const thief = new Client(client.url, client.version, client.session, bearer(token));
      expect((await thief.post('{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(404);
    }
  });

  it(`${guards('token.good')} need not say which of the keys of its issuer it is signed with`, async () => {
    await issuer.addKey('second');
    const proxy = await startGuarded();
    const other = await PlayedIssuer.start();
    for (const kid of ['first', 'second']) {
      const token = await issuer.token({ aud: proxy.url }, kid, { kid: undefined });
      expect((await tried(proxy, token)).status, kid).toBe(400);
    }
    const forged = await other.token({ aud: proxy.url, iss: issuer.url }, 'first', { kid: undefined });
    expect((await tried(proxy, forged)).status).toBe(401);
    await other.stop();
  });

  it(`${guards('token.audience')} ${req('auth.server.audience')} for somebody else is good for nothing here`, async () => {
    const proxy = await startGuarded({}, { namedServers: [puppet({ name: 'a' })] });
    const { url } = proxy;
    const { port } = new URL(url);
    const good = [url, `${url}/`, `${url}/mcp`, `${url}/sse`, `http://localhost:${port}/mcp`, ['x', url]];
    for (const aud of good) expect((await tried(proxy, await issuer.token({ aud }))).status).toBe(400);
    const bad: object[] = [
      { aud: 'https://other.example/mcp' },
      { aud: `${url}/servers/a/mcp` },
      { aud: `http://localhost:${Number(port) + 1}/mcp` },
      { aud: [] },
      {},
    ];
    for (const claims of bad)
      expect((await tried(proxy, await issuer.token({ ...claims }))).status).toBe(401);
    const one = await issuer.token({ aud: `${url}/servers/a/mcp` });
    expect((await tried(proxy, one, '/servers/a/mcp')).status).toBe(400);
    expect((await tried(proxy, one, '/status')).status).toBe(401);
  });

  it(`${guards('token.audience')} is not made good by the name under which the proxy is asked`, async () => {
    const proxy = await startGuarded({}, { allowHosts: ['other.example'] });
    const headers = {
      ...bearer(await issuer.token({ aud: 'http://other.example/mcp' })),
      host: 'other.example',
    };
    expect((await exchange(`${proxy.url}/mcp`, { headers })).status).toBe(401);
  });

  it(`${guards('token.claims')} ${req('auth.server.validates', 'auth.server.statuses')} that is over, not yet good, of another issuer or unsigned is none`, async () => {
    const proxy = await startGuarded();
    const aud = proxy.url;
    const now = Math.floor(Date.now() / 1000);
    const other = await PlayedIssuer.start();
    const spki = await exportSPKI((await importJWK(issuer.keys[0] ?? {}, 'ES256')) as CryptoKey);
    const all = { iss: issuer.url, sub: 'ann', aud, exp: now + 3600 };
    const good = await issuer.token({ aud });
    const [head = '', body = '', mac = ''] = good.split('.');
    const forged = Buffer.from(JSON.stringify({ ...all, sub: 'root' })).toString('base64url');
    const tokens = {
      over: await issuer.token({ aud, exp: now - 60 }),
      endless: await issuer.token({ aud, exp: undefined }),
      early: await issuer.token({ aud, nbf: now + 600 }),
      'of another issuer': await issuer.token({ aud, iss: other.url }),
      'with the key of another': await other.token({ aud, iss: issuer.url }),
      'of another with its own key': await other.token({ aud }),
      unsigned: new UnsecuredJWT(all).encode(),
      'signed with what everybody has': await new SignJWT(all)
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(Buffer.from(spki)),
      altered: `${head}.${forged}.${mac}`,
      'without a signature': `${head}.${body}.`,
      'with an unknown extension': await issuer
        .token({ aud }, 'first', { crit: ['x'], x: 1 })
        .catch(() => 'none'),
      'of nobody': await issuer.token({ aud, sub: undefined }),
      'no token': 'x.y.z',
      'hardly anything': '..',
    };
    for (const [name, token] of Object.entries(tokens)) {
      const answer = await tried(proxy, token);
      expect(answer.status, name).toBe(401);
      expect(answer.headers['www-authenticate'], name).toContain('error="invalid_token"');
    }
    expect(other.asked).toEqual([]);
    await other.stop();
    expect((await tried(proxy, good)).status).toBe(400);
  });

  it(`${guards('token.claims')} that brings its own key, or says where it is, is none, and nothing is fetched for it`, async () => {
    const proxy = await startGuarded();
    const aud = proxy.url;
    const other = await PlayedIssuer.start();
    const now = Math.floor(Date.now() / 1000);
    const all = { iss: issuer.url, sub: 'root', aud, exp: now + 3600 };
    const [jwk = {}] = issuer.keys;
    const [its = {}] = other.keys;
    const spki = await exportSPKI((await importJWK(jwk, 'ES256')) as CryptoKey);
    const pair = await generateKeyPair('ES256', { extractable: true });
    const hmac = (secret: string, header: object): Promise<string> =>
      new SignJWT(all).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret));
    const raw = (header: object, payload: object | string = all, mac = ''): string =>
      [JSON.stringify(header), typeof payload === 'string' ? payload : JSON.stringify(payload)]
        .map((part) => Buffer.from(part).toString('base64url'))
        .concat(mac)
        .join('.');
    const good = await issuer.token({ aud });
    const mac = good.split('.')[2] ?? '';
    // Signed with a key that anybody may have made, and that the token itself shows or names.
    const forged = (header: object): Promise<string> =>
      new SignJWT(all).setProtectedHeader({ alg: 'ES256', ...header }).sign(pair.privateKey);
    const own = await exportJWK(pair.publicKey);
    const tokens = {
      'alg none': raw({ alg: 'none' }),
      'alg None': raw({ alg: 'None', kid: 'first' }),
      'alg NONE with a signature': raw({ alg: 'NONE', kid: 'first' }, all, mac),
      'no alg': raw({ kid: 'first' }, all, mac),
      'an alg that is no text': raw({ alg: ['ES256'], kid: 'first' }, all, mac),
      'HS256 of the PEM': await hmac(spki, { kid: 'first' }),
      'HS256 of the PEM, trimmed, without kid': await hmac(spki.trim(), {}),
      'HS256 of the JWK': await hmac(JSON.stringify(jwk), { kid: 'first' }),
      'HS256 of a part of the JWK': await hmac(String(jwk.x), { kid: 'first' }),
      'HS512 of the PEM': await new SignJWT(all)
        .setProtectedHeader({ alg: 'HS512', kid: 'first' })
        .sign(Buffer.from(spki)),
      'an empty signature': raw({ alg: 'ES256', kid: 'first' }),
      'a signature of nothing': raw(
        { alg: 'ES256', kid: 'first' },
        all,
        Buffer.alloc(64).toString('base64url'),
      ),
      'its own jwk': await forged({ jwk: own }),
      'its own jwk as our kid': await forged({ jwk: { ...own, kid: 'first' }, kid: 'first' }),
      'jku of another': await other.token({ ...all }, 'first', { jku: `${other.url}/keys` }),
      'x5u of another': await other.token({ ...all }, 'first', { x5u: `${other.url}/keys` }),
      'x5c of another': await forged({ x5c: [Buffer.from(JSON.stringify(its)).toString('base64')] }),
      'kid that is a path': await forged({ kid: '../../../../dev/null' }),
      'kid that is a URL': await forged({ kid: `${other.url}/keys` }),
      'kid that is SQL': await forged({ kid: "x' UNION SELECT 'secret" }),
      'kid of a prototype': await forged({ kid: '__proto__' }),
      'kid that is no text': raw({ alg: 'ES256', kid: { first: true } }, all, mac),
      'crit that is not understood': raw({ alg: 'ES256', kid: 'first', crit: ['exp'], exp: 1 }, all, mac),
      'crit b64': raw({ alg: 'ES256', kid: 'first', crit: ['b64'], b64: false }, all, mac),
      'a token in a token': await issuer.token({ aud }).then((inner) =>
        new SignJWT({})
          .setProtectedHeader({ alg: 'ES256', cty: 'JWT' })
          .sign(pair.privateKey)
          .then((t) => `${t}.${inner}`),
      ),
      'an encrypted one': await new EncryptJWT(all)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(Buffer.alloc(32)),
      'claims that are no object': raw({ alg: 'ES256', kid: 'first' }, '[]', mac),
      'claims that are no JSON': raw({ alg: 'ES256', kid: 'first' }, '{', mac),
      'many parts': `${good}.${good}`,
      'a space in it': good.replace('.', '. '),
    };
    // One that names a key may be of a new one, of which nobody knows until the keys are fetched again.
    const named = /^kid that is (a path|a URL|SQL)|^kid of a prototype/;
    for (const [name, token] of Object.entries(tokens)) {
      const { status } = await tried(proxy, token);
      if (named.test(name)) expect([401, 503], name).toContain(status);
      else expect(status, name).toBe(401);
    }
    expect(other.asked).toEqual([]);
    // Nothing but what the issuer itself has named: its metadata, and its keys.
    expect(issuer.asked.filter((path) => path !== '/keys' && !path.startsWith('/.well-known/'))).toEqual([]);
    await other.stop();
    expect((await tried(proxy, good)).status).toBe(400);
  });

  it(`${guards('issuer.rotated')} of a key that its issuer has since a moment ago gets 503, which does not make a client sign in again`, async () => {
    const proxy = await startGuarded();
    const aud = proxy.url;
    expect((await tried(proxy, await issuer.token({ aud }))).status).toBe(400);
    await issuer.addKey('second');
    const answer = await tried(proxy, await issuer.token({ aud }, 'second'));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });

  it(`${guards('token.claims')} that is not an access token by its type is none`, async () => {
    const proxy = await startGuarded();
    const aud = proxy.url;
    for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', undefined]) {
      expect((await tried(proxy, await issuer.token({ aud }, 'first', { typ }))).status, typ).toBe(400);
    }
    // Each is signed by the same issuer, for something else (RFC 8725, section 3.11).
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'oauth-authz-req+jwt', 'x']) {
      expect((await tried(proxy, await issuer.token({ aud }, 'first', { typ }))).status, typ).toBe(401);
    }
  });

  it(`${guards('token.claims')} that is huge makes no work`, async () => {
    const proxy = await startGuarded();
    // As large as headers may be, and larger.
    for (const junk of ['x'.repeat(12_000), '.'.repeat(12_000), `${'eyJ'.repeat(3000)}.e30.x`]) {
      expect((await tried(proxy, junk)).status).toBe(401);
    }
    expect((await tried(proxy, 'x'.repeat(30_000))).status).toBe(431);
    expect(issuer.asked).toEqual([]);
  });

  it(`${guards('token.over')} is not good any more once it is over, though it was good before`, async () => {
    const proxy = await startGuarded();
    // The clocks of the two may differ by 30 s.
    const exp = Math.floor(Date.now() / 1000) - 28;
    const token = await issuer.token({ aud: proxy.url, exp });
    expect((await tried(proxy, token)).status).toBe(400);
    for (;;) {
      const { status } = await tried(proxy, token);
      if (status === 401) break;
      expect(status).toBe(400);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it(`${guards('token.scopes')} ${req('auth.server.insufficient-scope', 'auth.server.statuses')} without a scope that is asked for gets 403, which names all of them`, async () => {
    const proxy = await startGuarded({ requiredScopes: ['mcp:use', 'mcp:admin'] });
    const aud = proxy.url;
    const answer = await tried(proxy, await issuer.token({ aud, scope: 'mcp:use other' }));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer realm="mcp-proxy", error="insufficient_scope", scope="mcp:use mcp:admin", resource_metadata="${proxy.url}${WELL_KNOWN}/mcp"`,
    );
    expect(JSON.parse(answer.body).error.message).toContain('mcp:admin');
    for (const claims of [{ scope: 'mcp:admin mcp:use' }, { scp: ['mcp:use', 'mcp:admin'] }]) {
      expect((await tried(proxy, await issuer.token({ aud, ...claims }))).status).toBe(400);
    }
    expect((await exchange(`${proxy.url}/mcp`, { headers: { 'x-api-key': KEY } })).status).toBe(400);
  });

  it(`${guards('token.header')} counts in the one header for it only`, async () => {
    const proxy = await startGuarded();
    const token = await issuer.token({ aud: proxy.url });
    expect((await exchange(`${proxy.url}/mcp`, { headers: { 'x-api-key': token } })).status).toBe(401);
    expect((await exchange(`${proxy.url}/mcp?access_token=${token}`)).status).toBe(401);
  });
});

describe('without a token', () => {
  it(`${guards('token.metadata')} ${req('auth.server.metadata', 'auth.server.metadata-found', 'auth.server.challenge-scope', 'auth.server.no-offline')} a client is told where to get one, for each server the same whether it is there or not`, async () => {
    const proxy = await startGuarded(
      { requiredScopes: ['mcp:use'] },
      { namedServers: [puppet({ name: 'a b' })] },
    );
    const { url } = proxy;
    for (const [path, of] of [
      ['/mcp', '/mcp'],
      ['/sse', '/sse'],
      ['/messages/', '/sse'],
      ['/servers/a%20b/mcp', '/servers/a%20b/mcp'],
      ['/servers/none/mcp', '/servers/none/mcp'],
      ['/servers/%22%0d%0a/mcp', '/servers/%22%0D%0A/mcp'],
      ['/status', ''],
      ['/nothing', ''],
    ] as const) {
      const answer = await exchange(url + path);
      expect(answer.status).toBe(401);
      const metadata = `${url}${WELL_KNOWN}${of}`;
      expect(answer.headers['www-authenticate']).toBe(
        `Bearer realm="mcp-proxy", scope="mcp:use", resource_metadata="${metadata}"`,
      );
      const told = await exchange(metadata);
      expect(told).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
      expect(JSON.parse(told.body)).toEqual({
        resource: url + of,
        authorization_servers: [issuer.url],
        bearer_methods_supported: ['header'],
        scopes_supported: ['mcp:use'],
      });
    }
    expect((await exchange(`${url}${WELL_KNOWN}/status`)).status).toBe(404);
    expect((await exchange(`${url}${WELL_KNOWN}/mcp`, { method: 'POST' })).status).toBe(405);
    expect(issuer.asked).toEqual([]);
  });

  it(`${guards('token.metadata')} it is told of no name but the proxy's own`, async () => {
    const proxy = await startGuarded({}, { allowHosts: ['evil.example'] });
    const headers = { host: 'evil.example' };
    const { headers: got } = await exchange(`${proxy.url}/mcp`, { headers });
    expect(got['www-authenticate']).toContain(`="${proxy.url}${WELL_KNOWN}/mcp"`);
    const told = await exchange(`${proxy.url}${WELL_KNOWN}/mcp`, { headers });
    expect(JSON.parse(told.body).resource).toBe(`${proxy.url}/mcp`);
  });

  it('where tokens are not taken, there are no metadata', async () => {
    const { url } = await start({ auth: { apiKeys: KEY } }, { 'x-api-key': KEY });
    expect((await exchange(url + WELL_KNOWN)).status).toBe(401);
    expect((await exchange(url + WELL_KNOWN, { headers: { 'x-api-key': KEY } })).status).toBe(404);
  });

  it('an address that stands for all is refused, unless it is said what tokens are for', async () => {
    await expect(startGuarded({}, { host: '0.0.0.0' })).rejects.toThrow(/--auth-audience https/);
    const proxy = await startGuarded({ audiences: ['https://tools.example'] }, { host: '0.0.0.0' });
    const url = `http://127.0.0.1:${new URL(proxy.url).port}/mcp`;
    expect((await exchange(url)).headers['www-authenticate']).toContain(
      `"https://tools.example${WELL_KNOWN}/mcp"`,
    );
    const token = await issuer.token({ aud: 'https://tools.example/mcp' });
    expect((await exchange(url, { headers: bearer(token) })).status).toBe(400);
  });
});

describe('the issuer', () => {
  it(`${guards('issuer.bounded')} is asked for its keys once, however many come`, async () => {
    const proxy = await startGuarded();
    const tokens = await Promise.all(
      ['a', 'b', 'c', 'd'].map((sub) => issuer.token({ aud: proxy.url, sub })),
    );
    const answers = await Promise.all([...tokens, ...tokens].map((token) => tried(proxy, token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(1);
    // Made-up keys make no questions either, right after.
    const junk = await issuer.token({ aud: proxy.url }, 'first', { kid: 'made up' });
    expect((await tried(proxy, junk)).status).toBe(503);
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(1);
  });

  it.each([
    ['refuses', (response: ServerResponse) => response.writeHead(500).end()],
    ['breaks off', (response: ServerResponse) => response.destroy()],
    ['answers with no JSON', (response: ServerResponse) => response.writeHead(200).end('<html>')],
    [
      'is that of another',
      (response: ServerResponse) => response.end('{"issuer":"https://x.example","jwks_uri":"x"}'),
    ],
    [
      'names keys that anybody could replace',
      (response: ServerResponse) =>
        response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: 'http://keys.example/' })),
    ],
    [
      'answers without end',
      (response: ServerResponse) => {
        const more = (): void => {
          while (response.writable && response.write('x'.repeat(65_536)));
        };
        response.writeHead(200, { 'content-type': 'application/json' }).on('drain', more);
        more();
      },
    ],
  ])(`${guards('issuer.unavailable')} that %s: 503, not 401, and it is told`, async (_, answer) => {
    issuer.instead = (_request, response) => {
      answer(response);
      return true;
    };
    const proxy = await startGuarded();
    const token = await issuer.token({ aud: proxy.url });
    const got = await tried(proxy, token);
    expect(got).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(got.body).not.toContain(token);
    const told = proxy.events.filter(({ level }) => level === 'error').map(({ text }) => text);
    expect(told).toEqual([expect.stringMatching(/^access tokens can't be checked \(503\): /)]);
    expect(told.join()).not.toContain(token);
    // A key is good all the same, and what is no token of this issuer is no reason to ask it.
    expect((await exchange(`${proxy.url}/mcp`, { headers: { 'x-api-key': KEY } })).status).toBe(400);
    expect((await tried(proxy, 'no.token.atall')).status).toBe(401);
  });
});

describe('introspection', () => {
  let directory: string;
  let secretFile: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
    secretFile = join(directory, 'secret');
    writeFileSync(secretFile, 's:cret %\n');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function startAsking(): Promise<TestProxy> {
    const url = `${issuer.url}/introspect`;
    return startGuarded({ introspection: { url, client: { id: 'the proxy', secretFile } } });
  }

  it(`${guards('token.introspected')} says which token is good, and is asked once for a while`, async () => {
    const proxy = await startAsking();
    const exp = Math.floor(Date.now() / 1000) + 60;
    const said: unknown[] = [];
    const good = { active: true, sub: 'ann', aud: proxy.url, exp, iss: issuer.url };
    const answers: Record<string, object> = {
      good,
      'no-issuer': { ...good, iss: undefined },
      inactive: { ...good, active: false },
      truthy: { ...good, active: 'true' },
      'other-issuer': { ...good, iss: 'https://other.example' },
      'no-audience': { ...good, aud: undefined },
      'other-audience': { ...good, aud: 'x' },
      'no-end': { ...good, exp: undefined },
    };
    issuer.introspect = (token, authorization) => {
      said.push(authorization);
      return answers[token] ?? { active: false };
    };
    const statuses: Record<string, number> = {};
    for (const token of [...Object.keys(answers), 'unknown'])
      statuses[token] = (await tried(proxy, token)).status;
    expect(statuses).toEqual({
      good: 400,
      'no-issuer': 400,
      inactive: 401,
      truthy: 401,
      'other-issuer': 401,
      'no-audience': 401,
      'other-audience': 401,
      'no-end': 401,
      unknown: 401,
    });
    const basic = Buffer.from('the+proxy:s%3Acret+%25').toString('base64');
    expect(new Set(said)).toEqual(new Set([`Basic ${basic}`]));
    const before = issuer.asked.length;
    expect((await tried(proxy, 'good')).status).toBe(400);
    expect(issuer.asked.length).toBe(before);
  });

  it(`${guards('issuer.unavailable')} that refuses the proxy itself: 503, and its log says what to do`, async () => {
    issuer.instead = (_request, response) => {
      response.writeHead(401).end();
      return true;
    };
    const proxy = await startAsking();
    expect((await tried(proxy, 'some-token')).status).toBe(503);
    expect(JSON.stringify(proxy.events)).toContain('--auth-client-secret-file');
    expect(JSON.stringify(proxy.events)).not.toMatch(/some-token|s:cret/);
  });
});
