/**
 * The official conformance suite: what our own server passes by itself, and that it passes the same through
 * the proxy, for a client of the same era and of the other one. What cannot be passed has its reason here.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { end, start } from '../e2e/harness/processes.js';
import { startProxy } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { type Findings, runSuite, type SuiteRevision } from './suite.js';

/** A run takes seconds, and the start of a process for many a scenario longer on a machine that is busy. */
const RUN_MS = 180_000;

const SERVER = join(import.meta.dirname, 'server.mjs');
const HTTP_SERVER = join(import.meta.dirname, 'http-server.mjs');

type Era = 'legacy' | 'modern';
type Reasons = Readonly<Record<string, string>>;

const REVISION: Readonly<Record<Era, SuiteRevision>> = { legacy: '2025-11-25', modern: '2026-07-28' };

/** How many scenarios a revision requires or has beside, so that a suite that runs fewer is noticed. */
const SCENARIOS: Readonly<Record<Era, number>> = { legacy: 33, modern: 50 };

const NO_TASKS = 'the server does not have the extension io.modelcontextprotocol/tasks';

/** What our server fails by itself. */
const OWN: Readonly<Record<Era, Reasons>> = {
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

interface Combination {
  readonly server: Era;
  /** The era that the suite speaks as a client. */
  readonly suite: Era;
  /** What cannot be passed through the proxy, by scenario. */
  readonly lost: Reasons;
  /** Whether the proxy joins these two. */
  readonly joined: boolean;
}

const COMBINATIONS: readonly Combination[] = [
  { server: 'legacy', suite: 'legacy', lost: {}, joined: true },
  { server: 'modern', suite: 'modern', lost: {}, joined: false },
  {
    server: 'legacy',
    suite: 'modern',
    lost: {
      'input-required-result-basic-elicitation':
        "the suite wants the server's own name for the question; a question of the legacy era has none",
      'input-required-result-ignore-extra-params':
        'the suite answers by the same name before it was asked, without a requestState that names a call',
    },
    joined: false,
  },
  { server: 'modern', suite: 'legacy', lost: {}, joined: false },
];

const JOINED = COMBINATIONS.filter(({ joined }) => joined);

/** All that failed but what was expected to fail, and what passed although it was expected to fail. */
function unexpected(findings: Findings, expected: Reasons): Readonly<Record<string, unknown>> {
  const found = [...findings].filter(([name, bad]) => bad.length > 0 !== name in expected);
  return Object.fromEntries(found.map(([name, bad]) => [name, bad.length > 0 ? bad : 'passes']));
}

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

describe.each(JOINED)(
  'a $suite client, the proxy, the $server server',
  { timeout: RUN_MS },
  ({ server, suite, lost }) => {
    const scope = new Scope();
    afterAll(() => scope.end());

    it('what the server passes by itself is passed', async () => {
      const proxy = await startProxy(scope, ['--', process.execPath, SERVER, server]);
      const findings = await runSuite(proxy.of('default').mcp, REVISION[suite]);
      expect(findings.size).toBe(SCENARIOS[suite]);
      expect(unexpected(findings, { ...OWN[suite], ...lost })).toEqual({});
    });
  },
);
