/** The gate: what docs/reliability.md promises is shown by a test, and what is shown there is promised. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { citations } from '../requirements/citations.js';

const TESTS = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(TESTS, '../docs/reliability.md'), 'utf8');

/** The ids in the last column of the page's tables. */
const promised = PAGE.split('\n')
  .filter((line) => line.startsWith('| ') && line.endsWith(' |'))
  .flatMap((line) => [...(line.split('|').at(-2) ?? '').matchAll(/`([a-z.-]+)`/g)].map(([, id]) => id ?? ''));

const shown = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => citations(readFileSync(join(TESTS, path), 'utf8'), 'row'));

it('the page has promises, each by one id', () => {
  expect(promised.length).toBeGreaterThan(0);
  expect(new Set(promised).size).toBe(promised.length);
});

it('every promise is cited in the title of a fault', () => {
  expect(promised.filter((id) => !shown.includes(id))).toEqual([]);
});

it('every fault cites promises of the page', () => {
  expect(shown.filter((id) => !promised.includes(id))).toEqual([]);
});
