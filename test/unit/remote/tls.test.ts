import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verify } from '../../../src/remote/opening.js';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, Fixture, type Got } from './fixture.js';

let fixture: Fixture;
const dir = mkdtempSync(join(tmpdir(), 'mcp-proxy-tls-'));
const bundle = join(dir, 'ca.pem');

beforeAll(async () => {
  fixture = await Fixture.start('remote-tls.mjs');
  writeFileSync(bundle, fixture.certificate ?? '');
});

afterAll(async () => {
  rmSync(dir, { recursive: true });
  await fixture.stop();
});

async function handshake(verify: Verify): Promise<Got> {
  const options = {
    url: fixture.url('/mcp'),
    transport: 'auto',
    headers: [],
    verify,
    era: 'legacy',
  } as const;
  const link = connectRemote(options, events().emit);
  try {
    return await new Client(link).begin();
  } finally {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
  }
}

test('an unknown certificate is refused, with a hint', async () => {
  expect((await handshake(true)).error?.message).toMatch(/certificate of https:.* not trusted.*--verify-ssl/);
});

test('verification can be off', async () => {
  expect((await handshake(false)).result).toBeDefined();
});

test('a CA bundle says whom to trust', async () => {
  expect((await handshake(bundle)).result).toBeDefined();
});

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

test.each([
  ['text', 'hello'],
  ['a private key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ['no certificate', '-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n'],
])('a file that is no CA bundle is refused: %s', async (_what, text) => {
  const wrong = join(dir, 'wrong.pem');
  writeFileSync(wrong, text);
  await expect(handshake(wrong)).rejects.toThrow(/holds no certificate/);
});
