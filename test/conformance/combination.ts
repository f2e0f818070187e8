/** A server of one era, the suite as a client of one, and the proxy between them. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { type Findings, runSuite, type SuiteRevision } from './suite.js';

/** A run takes seconds, and the start of a process for many a scenario longer on a machine that is busy. */
export const RUN_MS = 300_000;

const SERVER = join(import.meta.dirname, 'server.mjs');

export type Era = 'legacy' | 'modern';
type Reasons = Readonly<Record<string, string>>;

export const REVISION: Readonly<Record<Era, SuiteRevision>> = { legacy: '2025-11-25', modern: '2026-07-28' };

/** How many scenarios a revision requires or has beside, so that a suite that runs fewer is noticed. */
export const SCENARIOS: Readonly<Record<Era, number>> = { legacy: 33, modern: 50 };

const NO_TASKS = 'the server does not have the extension io.modelcontextprotocol/tasks';

/** What our server fails by itself. */
export const OWN: Readonly<Record<Era, Reasons>> = {
  legacy: {},
  modern: {
    'tasks-capability-negotiation': NO_TASKS,
    'tasks-dispatch-and-envelope': NO_TASKS,
    'tasks-lifecycle': NO_TASKS,
    'tasks-mrtr-composition': NO_TASKS,
    'tasks-mrtr-input': NO_TASKS,
    'tasks-request-headers': NO_TASKS,
    'tasks-request-state-removal': NO_TASKS,
    'tasks-required-task-error': NO_TASKS,
    'tasks-wire-fields': NO_TASKS,
  },
};

/** All that failed but what was expected to fail, and what passed although it was expected to fail. */
export function unexpected(findings: Findings, expected: Reasons): Readonly<Record<string, unknown>> {
  const found = [...findings].filter(([name, bad]) => bad.length > 0 !== name in expected);
  return Object.fromEntries(found.map(([name, bad]) => [name, bad.length > 0 ? bad : 'passes']));
}

/**
 * What the server passes by itself is passed through the proxy.
 *
 * @param lost what cannot be passed through the proxy, by scenario, and why not
 */
export function passesThroughProxy(server: Era, suite: Era, lost: Reasons = {}): void {
  const title = `a ${suite} client, the proxy, a ${server} server`;
  describe(title, { timeout: RUN_MS }, () => {
    const scope = new Scope();
    afterAll(() => scope.end());

    it('passes what the server passes by itself', async () => {
      const proxy = await startProxy(scope, ['--', process.execPath, SERVER, server]);
      const findings = await runSuite(proxy.of('default').mcp, REVISION[suite]);
      expect(findings.size).toBe(SCENARIOS[suite]);
      expect(unexpected(findings, { ...OWN[suite], ...lost })).toEqual({});
    });
  });
}
