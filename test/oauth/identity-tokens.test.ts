/** Who is known by a token that somebody else has given out: a workload, and a person whose organisation decides. */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { UnsecuredJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from '../e2e/harness/listen.js';
import { end } from '../e2e/harness/processes.js';
import type { RawStdio } from '../e2e/harness/raw-stdio.js';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { answerMcp, json } from './harness/by-hand.js';
import { Person } from './harness/protected.js';

const scope = new Scope();
afterEach(() => scope.end());

interface Played {
  readonly origin: string;
  /** What was sent for tokens, to the authorization server and to the identity provider. */
  readonly redeemed: URLSearchParams[];
  readonly exchanged: URLSearchParams[];
  /** What refuses the next of them, with 400. */
  refusal: object | undefined;
  /** Tokens that were given out before are taken no more. */
  revoke(): void;
}

/** An MCP server, its authorization server and an identity provider, in one. */
async function startPlayed(): Promise<Played> {
  let good = 0;
  let given = 0;
  const server = createServer();
  const origin = await listen(scope, server);
  const played: Played = {
    origin,
    redeemed: [],
    exchanged: [],
    refusal: undefined,
    revoke: () => {
      good = given + 1;
    },
  };
  server.on('request', async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    switch (request.url) {
      case '/.well-known/oauth-protected-resource/mcp':
        return json(response, 200, { resource: `${origin}/mcp`, authorization_servers: [origin] });
      case '/.well-known/oauth-authorization-server':
        return json(response, 200, {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
          response_types_supported: ['code'],
        });
      case '/token':
        played.redeemed.push(new URLSearchParams(body));
        if (played.refusal !== undefined) return json(response, 400, played.refusal);
        given++;
        return json(response, 200, { access_token: `token-${given}`, token_type: 'Bearer' });
      case '/idp':
        played.exchanged.push(new URLSearchParams(body));
        if (played.refusal !== undefined) return json(response, 400, played.refusal);
        return json(response, 200, {
          access_token: `for-${new URLSearchParams(body).get('subject_token')}`,
          issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
          token_type: 'N_A',
        });
      case '/mcp': {
        const number = Number(/^Bearer token-(\d+)$/.exec(request.headers.authorization ?? '')?.[1]);
        return answerMcp(response, body, number >= good, origin);
      }
      default:
        return json(response, 404, {});
    }
  });
  return played;
}

const jwt = (claims: Readonly<Record<string, unknown>>): string => `${new UnsecuredJWT(claims).encode()}c2ln`;

/** As platforms do it: the file is there all the time, with the one or with the other. */
function exchange(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

async function ping(client: RawStdio, id: number): Promise<unknown> {
  client.write({ id, method: 'ping' });
  return (await client.answer(id)).result;
}

describe('a workload', () => {
  it('is known by the token that its platform keeps in a file, which is read anew each time', async () => {
    const played = await startPlayed();
    const person = new Person(scope);
    const path = join(person.directory, 'jwt');
    const tokens = ['a', 'b'].map((jti) => jwt({ aud: [played.origin], jti }));
    exchange(path, `${tokens[0]}\n`);
    const args = ['--client-id', 'me', '--assertion-file', path];
    const client = person.start(`${played.origin}/mcp`, args);
    expect((await client.begin()).result).toBeDefined();
    exchange(path, `${tokens[1]}\n`);
    played.revoke();
    expect(await ping(client, 1)).toEqual({});
    expect(played.redeemed.map((sent) => sent.get('assertion'))).toEqual(tokens);
    expect(Object.fromEntries(played.redeemed[0] ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: 'me',
      resource: `${played.origin}/mcp`,
    });
    expect(person.windows()).toEqual([]);
    // Nothing is kept: who is known by the file at the next start may be another.
    await end(client.program);
    expect((await person.start(`${played.origin}/mcp`, args).begin()).result).toBeDefined();
    expect(played.redeemed).toHaveLength(3);
  });

  it(`${guards('oauth.audience')} shows its token to no authorization server for which it is not`, async () => {
    const played = await startPlayed();
    const person = new Person(scope);
    const path = join(person.directory, 'jwt');
    const strange = [
      'https://other.example',
      [],
      undefined,
      `${played.origin}.other`,
      { [played.origin]: 1 },
    ];
    for (const aud of strange) {
      exchange(path, jwt({ aud }));
      const args = ['--client-id', 'me', '--assertion-file', path];
      const { error } = await person.start(`${played.origin}/mcp`, args).begin();
      expect(error?.message, String(aud)).toContain('is not for its authorization server');
    }
    expect(played.redeemed).toEqual([]);
  });

  it(`${guards('oauth.secrets')} that is refused is told so once, without its token, and nothing else is tried`, async () => {
    const played = await startPlayed();
    const person = new Person(scope);
    const path = join(person.directory, 'jwt');
    const token = jwt({ aud: played.origin, jti: 'secret-assertion' });
    exchange(path, token);
    played.refusal = { error: 'invalid_grant', error_description: token };
    const client = person.start(`${played.origin}/mcp`, ['--client-id', 'me', '--assertion-file', path]);
    const { error } = await client.begin();
    expect(error?.message).toContain('invalid_grant');
    client.write({ id: 1, method: 'ping' });
    expect((await client.answer(1)).error).toBeDefined();
    expect(played.redeemed).toHaveLength(1);
    expect(person.windows()).toEqual([]);
    for (const part of token.split('.')) expect(client.program.stderr() + error?.message).not.toContain(part);
  });

  it.each([
    ['of which there is none', undefined, /\(--assertion-file\) cannot be read: ENOENT/],
    ['that holds something else', 'secret-that-is-no-jwt', /\(--assertion-file\) holds no signed JWT/],
  ])('is told of a file %s', async (_, text, words) => {
    const played = await startPlayed();
    const person = new Person(scope);
    const path = join(person.directory, 'jwt');
    if (text !== undefined) exchange(path, text);
    const client = person.start(`${played.origin}/mcp`, ['--client-id', 'me', '--assertion-file', path]);
    const { error } = await client.begin();
    expect(error?.message).toMatch(words);
    expect(client.program.stderr()).not.toContain('secret-that');
    expect(played.redeemed).toEqual([]);
  });
});

describe('a person whose organisation decides', () => {
  const start = (played: Played, person: Person): RawStdio => {
    const [idToken, secret] = ['id-token', 'secret'].map((name) => join(person.directory, name));
    writeFileSync(secret ?? '', 'secret-of-the-client\n');
    return person.start(`${played.origin}/mcp`, [
      ...['--client-id', 'me', '--client-secret', 'secret-at-the-server'],
      ...['--id-token-file', idToken ?? '', '--idp-token-url', `${played.origin}/idp`],
      ...['--idp-client-id', 'me-there', '--idp-client-secret-file', secret ?? ''],
    ]);
  };

  it('is known by an identity token, which is exchanged for one that is for that server alone', async () => {
    const played = await startPlayed();
    const person = new Person(scope);
    const path = join(person.directory, 'id-token');
    const tokens = ['a', 'b'].map((jti) => jwt({ sub: 'ann', jti }));
    exchange(path, tokens[0] ?? '');
    const client = start(played, person);
    expect((await client.begin()).result).toBeDefined();
    exchange(path, tokens[1] ?? '');
    played.revoke();
    expect(await ping(client, 1)).toEqual({});
    expect(played.exchanged.map((sent) => sent.get('subject_token'))).toEqual(tokens);
    expect(Object.fromEntries(played.exchanged[0] ?? [])).toMatchObject({
      audience: played.origin,
      resource: `${played.origin}/mcp`,
      client_id: 'me-there',
      client_secret: 'secret-of-the-client',
    });
    expect(played.redeemed.map((sent) => sent.get('assertion'))).toEqual(tokens.map((one) => `for-${one}`));
    expect(person.windows()).toEqual([]);
  });

  it(`${guards('oauth.secrets')} is told what the identity provider says no with, and nothing that is secret`, async () => {
    const played = await startPlayed();
    const person = new Person(scope);
    const token = jwt({ sub: 'ann', jti: 'secret-identity' });
    exchange(join(person.directory, 'id-token'), token);
    played.refusal = { error: 'access_denied', error_description: `${token} secret-of-the-client` };
    const client = start(played, person);
    const { error } = await client.begin();
    expect(error?.message).toContain('the identity provider gave out nothing for it (access_denied)');
    const told = `${client.program.stderr()} ${error?.message}`;
    for (const secret of [...token.split('.'), 'secret-of-the-client']) expect(told).not.toContain(secret);
    expect(played.redeemed).toEqual([]);
  });
});
