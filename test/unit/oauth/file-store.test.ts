import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialsFile, FileStore } from '../../../src/oauth/file-store.js';
import type { Grant } from '../../../src/oauth/grant.js';
import { type Keychain, NO_KEYCHAIN } from '../../../src/oauth/keychain.js';
import { LastingStore } from '../../../src/oauth/lasting-store.js';
import { NoLock } from '../../../src/oauth/lock.js';

/** A store that can be read, whoever runs the test; the superuser writes everywhere. */
class Unwritable extends FileStore {
  override exclusively(): Promise<never> {
    return Promise.reject(new NoLock('EROFS: read-only file system'));
  }
}

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-store-'));
  path = join(directory, 'deep', 'credentials.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

const SERVER = new URL('https://user:password@a.example/mcp?key=secret-of-the-query#x');
const grant = (accessToken: string): Grant => ({
  issuer: 'https://i.example',
  clientId: 'c',
  accessToken,
  issuedAt: 1,
});

describe('the file', () => {
  it('keeps grants by the server and clients by the issuer, across starts', async () => {
    const store = new FileStore(path, NO_KEYCHAIN, SERVER);
    expect(await store.grant()).toBeUndefined();
    await store.saveGrant(grant('t1'));
    await store.saveRegistration('https://i.example', { clientId: 'c', port: 1 });
    const other = new FileStore(path, NO_KEYCHAIN, new URL('https://a.example/other'));
    expect(await other.grant()).toBeUndefined();
    expect(await other.registration('https://i.example')).toEqual({ clientId: 'c', port: 1 });
    expect(await other.registration('https://j.example')).toBeUndefined();
    expect(await new FileStore(path, NO_KEYCHAIN, SERVER).grant()).toEqual(grant('t1'));
    expect(readFileSync(path, 'utf8')).not.toMatch(/password|secret-of-the-query/);
  });

  it('loses nothing of what many save at once', async () => {
    const servers = Array.from({ length: 12 }, (_, at) => new URL(`https://a.example/${at}`));
    await Promise.all(
      servers.map((server, at) => new FileStore(path, NO_KEYCHAIN, server).saveGrant(grant(`t${at}`))),
    );
    for (const [at, server] of servers.entries()) {
      expect((await new FileStore(path, NO_KEYCHAIN, server).grant())?.accessToken).toBe(`t${at}`);
    }
  });

  it('replaces a grant only where one is kept, so that what was forgotten stays so', async () => {
    const [one, other] = [new FileStore(path, NO_KEYCHAIN, SERVER), new FileStore(path, NO_KEYCHAIN, SERVER)];
    await one.saveGrant(grant('t1'));
    expect(await one.replaceGrant(grant('t2'))).toBe(true);
    expect(await other.grant()).toEqual(grant('t2'));
    await other.forget();
    expect(await one.hasGrant()).toBe(false);
    expect(await one.replaceGrant(grant('t3'))).toBe(false);
    expect(await one.grant()).toBeUndefined();
  });

  it.each([
    ['no JSON', '{"version":1,'],
    ['another version', '{"version":2,"entries":{"grant https://a.example/mcp":"{}"}}'],
    ['another form', '{"version":1,"entries":{"grant https://a.example/mcp":{"accessToken":"t"}}}'],
    ['a grant without a token', '{"version":1,"entries":{"grant https://a.example/mcp":"{}"}}'],
    [
      'a token that is none',
      `{"version":1,"entries":{"grant https://a.example/mcp":${JSON.stringify(JSON.stringify(grant('a\r\nb')))}}}`,
    ],
  ])('is nothing where it is %s, and is written anew', async (_, text) => {
    const own = join(directory, 'credentials.json');
    writeFileSync(own, text);
    const store = new FileStore(own, NO_KEYCHAIN, new URL('https://a.example/mcp'));
    expect(await store.grant()).toBeUndefined();
    await store.saveGrant(grant('t'));
    expect(await store.grant()).toEqual(grant('t'));
  });

  it.each<[string, (kept: string) => unknown]>([
    ['a grant without a time', (kept) => ({ version: 1, entries: { [kept]: '{"accessToken":"canary"}' } })],
    ['a grant that is cut off', (kept) => ({ version: 1, entries: { [kept]: '{"accessToken":"canary' } })],
    ['a grant in another form', (kept) => ({ version: 1, entries: { [kept]: { accessToken: 'canary' } } })],
    ['a file that is none of ours', (kept) => [kept, 'canary']],
  ])('is forgotten also where it is %s', async (_, file) => {
    const own = join(directory, 'credentials.json');
    writeFileSync(own, JSON.stringify(file('grant https://a.example/mcp')));
    const store = new FileStore(own, NO_KEYCHAIN, new URL('https://a.example/mcp'));
    expect(await store.forget()).toBe(true);
    expect(readFileSync(own, 'utf8')).not.toContain('canary');
    expect(await store.forget()).toBe(false);
  });

  it('stands where the system has such files, or where it is named', () => {
    expect(credentialsFile({ XDG_CONFIG_HOME: '/c' }, 'linux').path).toBe('/c/mcp-proxy/credentials.json');
    expect(credentialsFile({}, 'linux').path).toBe(join(homedir(), '.config/mcp-proxy/credentials.json'));
    expect(credentialsFile({}, 'darwin').path).toMatch(/Library.Application Support.mcp-proxy/);
    expect(credentialsFile({ APPDATA: 'C:' }, 'win32').path).toMatch(/^C:.mcp-proxy/);
    const named = credentialsFile({ MCP_PROXY_CREDENTIALS_FILE: '/x/y' }, 'linux');
    expect(named).toEqual({ path: '/x/y', keychain: NO_KEYCHAIN });
  });
});

describe('the keychain', () => {
  const keychain = (takes: boolean): Keychain & { readonly kept: Map<string, string> } => {
    const kept = new Map<string, string>();
    return {
      kept,
      get: async (name) => kept.get(name),
      set: async (name, value) => {
        if (takes) kept.set(name, value);
        return takes;
      },
      remove: async (name) => void kept.delete(name),
    };
  };

  it('has the values where there is one, and the file none', async () => {
    const system = keychain(true);
    const store = new FileStore(path, system, SERVER);
    await store.saveGrant(grant('the-token'));
    expect(await store.grant()).toEqual(grant('the-token'));
    expect(readFileSync(path, 'utf8')).not.toContain('the-token');
    expect([...system.kept.values()].join()).toContain('the-token');
    expect(await store.forget()).toBe(true);
    expect(system.kept.size).toBe(0);
  });

  it('that does not take them leaves them to the file', async () => {
    const store = new FileStore(path, keychain(false), SERVER);
    await store.saveGrant(grant('the-token'));
    expect(readFileSync(path, 'utf8')).toContain('the-token');
    expect(await store.grant()).toEqual(grant('the-token'));
  });
});

describe('where nothing can be written', () => {
  it('the run goes on with what it has, and says so once', async () => {
    writeFileSync(join(directory, 'file'), '');
    const broken = join(directory, 'file', 'credentials.json');
    const told: string[] = [];
    const store = new LastingStore(new FileStore(broken, NO_KEYCHAIN, SERVER), broken, ({ text }) =>
      told.push(text),
    );
    const { signal } = new AbortController();
    const work = async (): Promise<string> => {
      await store.saveGrant(grant('t'));
      return 'done';
    };
    expect(await store.exclusively(work, async () => undefined, signal)).toBe('done');
    expect(await store.grant()).toEqual(grant('t'));
    expect(told).toEqual([expect.stringMatching(/for this run only/)]);
  });

  it('the run goes on with what is kept already', async () => {
    const file = new FileStore(path, NO_KEYCHAIN, SERVER);
    await file.saveGrant(grant('t1'));
    await file.saveRegistration('https://i.example', { clientId: 'c' });
    const store = new LastingStore(new Unwritable(path, NO_KEYCHAIN, SERVER), path, () => undefined);
    const { signal } = new AbortController();
    const work = async (): Promise<unknown> => [
      await store.grant(),
      await store.registration('https://i.example'),
    ];
    expect(await store.exclusively(work, async () => undefined, signal)).toEqual([
      grant('t1'),
      { clientId: 'c' },
    ]);
    expect(await store.replaceGrant(grant('t2'))).toBe(true);
    expect(await store.grant()).toEqual(grant('t2'));
    expect(await file.grant()).toEqual(grant('t1'));
  });

  it('what is forgotten by somebody who can write is forgotten', async () => {
    const file = new FileStore(path, NO_KEYCHAIN, SERVER);
    await file.saveGrant(grant('t1'));
    const store = new LastingStore(new Unwritable(path, NO_KEYCHAIN, SERVER), path, () => undefined);
    await store.exclusively(
      async () => undefined,
      async () => undefined,
      new AbortController().signal,
    );
    expect(await store.hasGrant()).toBe(true);
    await file.forget();
    expect(await store.hasGrant()).toBe(false);
    expect(await store.replaceGrant(grant('t2'))).toBe(false);
  });
});
