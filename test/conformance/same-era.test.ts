/** The official conformance suite: what our server passes by itself, and through the proxy in the same era. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { end, start } from '../e2e/harness/processes.js';
import { Scope } from '../e2e/harness/scope.js';
import { OWN, passesThroughProxy, REVISION, RUN_MS, SCENARIOS, unexpected } from './combination.js';
import { runSuite } from './suite.js';

const HTTP_SERVER = join(import.meta.dirname, 'http-server.mjs');

describe.each(['legacy', 'modern'] as const)('the %s server by itself', { timeout: RUN_MS }, (era) => {
  const scope = new Scope();
  afterAll(() => scope.end());

  it('fails only what is known', async () => {
    const program = scope.add(start(process.execPath, [HTTP_SERVER, era]), end);
    const url = await program.line('stdout', (line) => (line.startsWith('http') ? line : undefined));
    const findings = await runSuite(url, REVISION[era]);
    expect(findings.size).toBe(SCENARIOS[era]);
    expect(unexpected(findings, OWN[era])).toEqual({});
  });
});

passesThroughProxy('legacy', 'legacy');
passesThroughProxy('modern', 'modern');
