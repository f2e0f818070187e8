/** Server mode: an official server of the legacy era that asks for roots right after its handshake, and a modern client. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { startProxy } from './harness/proxy.js';
import { type ModernOptions, modernCall, modernPost, responseOf } from './harness/raw-modern.js';
import { Scope } from './harness/scope.js';

const scope = new Scope();
const root = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-')));
afterAll(async () => {
  await scope.end();
  rmSync(root, { recursive: true });
});

const FILESYSTEM = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist/index.js',
);
const ROOTS: ModernOptions = { capabilities: { roots: {} } };

it(`${req('m2l.questions.roots')} the filesystem server gets the roots for which it asks before any call`, async () => {
  const { mcp } = (await startProxy(scope, ['--', process.execPath, FILESYSTEM])).of('default');
  const { result: listed } = await responseOf(await modernPost(mcp, 'tools/list', {}, ROOTS));
  expect(listed).toMatchObject({ resultType: 'complete' });
  const call = async (more: object = {}) =>
    (await responseOf(await modernCall(mcp, 'list_allowed_directories', {}, { ...ROOTS, more }))).result;
  let result = await call();
  const asked: unknown[] = [];
  // The server reads the roots by itself, and answers meanwhile.
  while (!JSON.stringify(result).includes(JSON.stringify(root).slice(1, -1))) {
    if (result?.resultType === 'input_required') {
      asked.push(result.inputRequests);
      const inputResponses = { q1: { roots: [{ uri: pathToFileURL(root).href }] } };
      result = await call({ requestState: result.requestState, inputResponses });
    } else result = await call();
  }
  expect(asked).toEqual([{ q1: { method: 'roots/list' } }]);
});
