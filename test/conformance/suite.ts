/** Runs the official conformance suite against a URL, as its command does, and reads what it found. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { start } from '../e2e/harness/processes.js';

const PACKAGE = '@modelcontextprotocol/conformance';
const PRELOAD = pathToFileURL(join(import.meta.dirname, 'glob-sync.mjs')).href;

/** The revision whose requirements are run, each as its own era speaks. */
export type SuiteRevision = '2025-11-25' | '2026-07-28';

/** What a run found, by scenario: what failed or was warned of, in the suite's words. */
export type Findings = ReadonlyMap<string, readonly string[]>;

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/**
 * Runs all that a revision requires of a server, with what is "not scored" too.
 *
 * @throws where the suite is not installed, or ended without results
 */
export async function runSuite(url: string, revision: SuiteRevision): Promise<Findings> {
  // The suite writes its results where it is told, and other files into its working directory.
  const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-conformance-'));
  try {
    const args = ['server', '--url', url, '--requirements', revision, '-o', directory];
    const suite = start(process.execPath, ['--import', PRELOAD, command(), ...args], { cwd: directory });
    await suite.ended;
    const findings = readFindings(directory);
    if (findings.size === 0) throw new Error(`the conformance suite has no results: ${suite.stderr()}`);
    return findings;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * Runs one scenario with a client of ours, which the suite starts with the URL of its server as the last word.
 *
 * @returns what failed or was warned of, in the suite's words; undefined: the suite has no such scenario
 */
export async function runClient(client: string, scenario: string): Promise<readonly string[] | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-conformance-'));
  try {
    const words = ['client', '--command', `${process.execPath} ${client}`, '--scenario', scenario];
    const args = [...words, '--timeout', String(CLIENT_MS), '-o', directory];
    const suite = start(process.execPath, ['--import', PRELOAD, command(), ...args], { cwd: directory });
    await suite.ended;
    const [checks] = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('checks.json'),
    );
    return checks === undefined ? undefined : badOf(join(directory, checks));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Longest time for a client, in milliseconds: on a busy machine a sign-in takes a while. */
const CLIENT_MS = 60_000;

/** Path of the suite's command. */
function command(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
    return join(dirname(manifest), 'dist/index.js');
  } catch (cause) {
    throw new Error(`${PACKAGE} is not installed: run npm ci`, { cause });
  }
}

/** One directory for each scenario: server-NAME-TIME, with the checks in it. */
function readFindings(directory: string): Findings {
  const findings = new Map<string, readonly string[]>();
  for (const name of readdirSync(directory)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1];
    if (scenario === undefined) continue;
    findings.set(scenario, badOf(join(directory, name, 'checks.json')));
  }
  return findings;
}

function badOf(path: string): string[] {
  const checks: Check[] = JSON.parse(readFileSync(path, 'utf8'));
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  return bad.map(({ id, status, errorMessage = '' }) => `${status} ${id}: ${errorMessage}`);
}
