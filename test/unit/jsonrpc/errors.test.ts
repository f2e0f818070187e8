import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CANCELLED, ErrorCode, isReserved, McpErrorCode } from '../../../src/jsonrpc/errors.js';
import { req } from '../../requirements.js';

const SRC = join(import.meta.dirname, '../../../src');

/** Codes of others that the proxy understands, and never makes. */
const ONLY_READ = new Set<number>([
  McpErrorCode.ResourceNotFound,
  McpErrorCode.UrlElicitationRequired,
  // What servers of the official SDK say of a session that they do not know.
  -32001,
]);

it(`${req('modern.error.allocated')} every code in the source is one of JSON-RPC, one that MCP defines, one that is only read, or free`, () => {
  const written = new Set<number>([CANCELLED, ...Object.values(ErrorCode), ...Object.values(McpErrorCode)]);
  for (const path of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const code = readFileSync(join(SRC, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    for (const [number] of code.matchAll(/-32\d{3}\b/g)) written.add(Number(number));
  }
  const made = [...written].filter((code) => !ONLY_READ.has(code));
  const bounds = [-32099, -32020];
  expect(made.filter((code) => code >= -32019 && code <= -32000)).toEqual([]);
  expect(made.filter((code) => isReserved(code) && !bounds.includes(code)).sort()).toEqual([-32021, -32022]);
  expect(made).toContain(McpErrorCode.HeaderMismatch);
});

it.each([
  [-32019, false],
  [-32020, true],
  [-32099, true],
  [-32100, false],
  [-32603, false],
  [32020, false],
])('%i is kept to MCP itself: %s', (code, reserved) => {
  expect(isReserved(code)).toBe(reserved);
});
