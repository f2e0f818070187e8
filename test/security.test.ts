/** The gate: what docs/security.md promises is shown by a test, and what is shown there is promised. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { citations } from './requirements/citations.js';

const HERE = import.meta.dirname;
const PAGE = readFileSync(join(HERE, '../docs/security.md'), 'utf8');

/** The ids in the last column of the page's table. */
const promised = PAGE.split('\n')
  .filter((line) => line.startsWith('| ') && line.endsWith(' |'))
  .flatMap((line) =>
    [...(line.split('|').at(-2) ?? '').matchAll(/`([a-z]+\.[a-z.-]+)`/g)].map(([, id]) => id ?? ''),
  );

const shown = readdirSync(HERE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .flatMap((path) => citations(readFileSync(join(HERE, path), 'utf8'), 'guards'));

it('the page has promises, each by one id', () => {
  expect(promised.length).toBeGreaterThan(0);
  expect(new Set(promised).size).toBe(promised.length);
});

it('every promise is cited in the title of a test', () => {
  expect(promised.filter((id) => !shown.includes(id))).toEqual([]);
});

it('every citation is of a promise', () => {
  expect(shown.filter((id) => !promised.includes(id))).toEqual([]);
});
