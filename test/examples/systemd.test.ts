import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../e2e/harness/client.js';
import { end, start } from '../e2e/harness/processes.js';
import { parseListening } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { connectV1 } from '../e2e/harness/sdk-v1.js';
import { ROOT } from '../packaging/harness/dockerfile.js';
import { type Installed, installPackage } from '../packaging/harness/installed.js';
import { pathOf, textOf } from './harness/example.js';

const KEY = 'a-key-of-one-client-of-the-test';
const unit = textOf('systemd', 'mcp-proxy.service');

/** The value of a line of the unit. */
function setting(name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
}

const scope = new Scope();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-')));
let installed: Installed;
beforeAll(() => {
  installed = installPackage();
}, 120_000);
afterAll(async () => {
  await scope.end();
  installed.remove();
  rmSync(folder, { recursive: true });
});

it('serves the servers of the file to the holders of the keys, by the command of the unit', async () => {
  expect(setting('LoadCredential')).toBe('keys:/etc/mcp-proxy/keys');
  const credentials = join(folder, 'credentials');
  mkdirSync(credentials);
  writeFileSync(join(credentials, 'keys'), `test:${KEY}\n`, { mode: 0o400 });
  const words = setting('ExecStart')
    .replace('%d', credentials)
    .replace('/etc/mcp-proxy/servers.json', pathOf('systemd', 'servers.json'))
    .replace('--port 8080', '--port 0')
    .split(' ');
  expect(words[0]).toBe('/usr/local/bin/mcp-proxy');
  const program = scope.add(start('mcp-proxy', words.slice(1), { cwd: ROOT, env: installed.env }), end);
  const { url } = await program.line('stderr', parseListening);
  const target = { kind: 'streamable', url: `${url}/servers/everything/mcp` } as const;
  const client = await TestClient.connect(connectV1, target, { headers: { authorization: `Bearer ${KEY}` } });
  const answer = await client.request('tools/call', { name: 'echo', arguments: { message: 'as a service' } });
  expect(JSON.stringify(answer)).toContain('as a service');
  await client.close();
  program.kill('SIGTERM');
  expect(await program.ended).toEqual({ code: 0, signal: null });
});

const isThere = (() => {
  try {
    // From 250 on it looks at files that are not installed.
    const [, version] =
      /^systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' })) ?? [];
    return Number(version) >= 250;
  } catch {
    return false;
  }
})();

describe.skipIf(!isThere)(
  `systemd-analyze${isThere ? '' : ' (skipped: there is none from 250 on here)'}`,
  () => {
    it('finds no fault in the unit', async () => {
      const command = join(folder, 'mcp-proxy');
      writeFileSync(command, '#!/bin/sh\n');
      chmodSync(command, 0o755);
      const file = join(folder, 'mcp-proxy.service');
      writeFileSync(file, unit.replace('/usr/local/bin/mcp-proxy', command));
      const program = start('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file]);
      const { code } = await program.ended;
      expect(`${program.stdout()}${program.stderr()}`).toBe('');
      expect(code).toBe(0);
    });

    it('finds it exposed to 2.5 of 10 at most', async () => {
      const args = [
        'security',
        '--offline=true',
        '--no-pager',
        '--threshold=25',
        pathOf('systemd', 'mcp-proxy.service'),
      ];
      const program = start('systemd-analyze', args);
      const { code } = await program.ended;
      expect(code, program.stdout()).toBe(0);
    });
  },
);
