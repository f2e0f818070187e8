/** Without a browser here: another device, a client's own key; and tokens that are bound to a key. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { end } from '../e2e/harness/processes.js';
import { Scope } from '../e2e/harness/scope.js';
import { signInOnDevice } from './harness/device.js';
import { Person, startProtected } from './harness/protected.js';

const scope = new Scope();
afterEach(() => scope.end());

describe('a person on another device', () => {
  it('signs in with the code that is told, and is kept', async () => {
    const server = await startProtected(scope);
    const person = new Person(scope);
    const client = person.start(server.mcp, ['--device', '--log-level', 'error']);
    const begun = client.begin();
    const told = /Open on any device: (http\S+) and enter the code (\S+)$/;
    const [, url = '', code = ''] = await client.program.line(
      'stderr',
      (line) => told.exec(line) ?? undefined,
    );
    expect(url).toContain(code);
    await signInOnDevice(url);
    expect((await begun).result).toBeDefined();
    expect(person.windows()).toEqual([]);
    await end(client.program);
    expect((await person.start(server.mcp).begin()).result).toBeDefined();
    expect((await server.seen()).registrations).toBe(1);
  });

  it('is asked where no browser is to be opened, and told how in the answer that came too early', async () => {
    const server = await startProtected(scope);
    const client = new Person(scope).start(server.mcp, ['--no-browser', '--sign-in-timeout', '1']);
    const begun = client.begin();
    const told = await client.program.line('stderr', (line) => /enter the code (\S+)$/.exec(line)?.[1]);
    expect((await begun).error).toBeDefined();
    const clientInfo = { name: 'a client', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    client.write({ id: 'late', method: 'initialize', params });
    expect((await client.answer('late')).error?.message).toContain(told);
  });

  it('is asked in a browser where the authorization server has no such codes', async () => {
    const server = await startProtected(scope, { NO_DEVICE: '1' });
    const person = new Person(scope);
    expect((await person.start(server.mcp, ['--device']).begin()).result).toBeDefined();
    expect(person.windows()).toHaveLength(1);
  });
});

describe('a client with a key of its own', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const CLIENT_JWKS = JSON.stringify({
    keys: [{ ...keys.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }],
  });

  it.each(['pkcs8', 'sec1'] as const)('has tokens for itself (%s)', async (type) => {
    const server = await startProtected(scope, { CLIENT_JWKS });
    const person = new Person(scope);
    const path = join(person.directory, 'key.pem');
    writeFileSync(path, keys.privateKey.export({ type, format: 'pem' }));
    const client = person.start(server.mcp, ['--client-id', 'machine', '--client-key-file', path]);
    expect((await client.begin()).result).toBeDefined();
    expect((await server.seen()).tokens).toEqual(['client_credentials']);
    expect(person.windows()).toEqual([]);
  });

  it('is told where its file is none', async () => {
    const person = new Person(scope);
    writeFileSync(person.file, 'no key');
    const { program } = person.start('http://127.0.0.1:1/mcp', [
      '--client-id',
      'm',
      '--client-key-file',
      person.file,
    ]);
    expect(await program.ended).toMatchObject({ code: 2 });
    expect(program.stderr()).toMatch(/--client-key-file\) cannot be used: it holds no private key/);
    const missing = person.start('http://127.0.0.1:1/mcp', [
      '--client-id',
      'm',
      '--client-key-file',
      '/no/key',
    ]);
    expect(await missing.program.ended).toMatchObject({ code: 2 });
    expect(missing.program.stderr()).toMatch(/ENOENT/);
  });
});

describe('tokens that are bound to a key', () => {
  it('are sent with a proof, renewed, and of use after a start', async () => {
    const server = await startProtected(scope, { DPOP: '1' });
    const person = new Person(scope);
    const client = person.start(server.mcp);
    expect((await client.begin()).result).toBeDefined();
    const { proofs, taken } = await server.seen();
    expect(proofs).toBeGreaterThan(0);
    expect(proofs).toBe(taken);
    await server.tell('revoke');
    expect((await client.call(1, 'add', { a: 1, b: 1 })).result).toBeDefined();
    expect((await server.seen()).tokens).toEqual(['authorization_code', 'refresh_token']);
    await end(client.program);
    expect((await person.start(server.mcp).begin()).result).toBeDefined();
    expect(person.windows()).toHaveLength(1);
  });
});
