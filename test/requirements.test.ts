/** The gate: every requirement is cited by a test's title, and whatever is cited is a requirement. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are code that is read
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { citations } from './requirements/citations.js';
import { REQUIREMENTS } from './requirements.js';

const HERE = import.meta.dirname;

const cited = new Map<string, string>();
for (const path of readdirSync(HERE, { recursive: true, encoding: 'utf8' })) {
  if (!/\.ts$/.test(path) || path.startsWith('requirements')) continue;
  for (const id of citations(readFileSync(join(HERE, path), 'utf8'))) cited.set(id, path);
}

describe('the requirements of the specification', () => {
  const known = new Set<string>(REQUIREMENTS.map((row) => row.id));

  it('have one row for each id', () => {
    expect(known.size).toBe(REQUIREMENTS.length);
  });

  it('are each cited in the title of a test', () => {
    const uncited = REQUIREMENTS.filter((row) => !cited.has(row.id));
    const list = uncited.map((row) => `${row.id} (${row.level}, ${row.side}): ${row.text}`);
    expect(list, `no test cites:\n${list.join('\n')}`).toEqual([]);
  });

  it('are the only thing that a title cites', () => {
    expect([...cited].filter(([id]) => !known.has(id))).toEqual([]);
  });
});

describe('citations', () => {
  it.each([
    ["it(`${req('a.b', 'c.d')} works`, () => {})", ['a.b', 'c.d']],
    ["it.each([1, (2)])(req('a.b') + ' %s', () => {})", ['a.b']],
    ["it.each<[string, () => Map<1, 2>]>([])(`${req('a.b')} %s`, f)", ['a.b']],
    ["test.skipIf(x())(`says ${req(\n'a.b',\n)}`, f)", ['a.b']],
    ["describe(`x ${req('a.b')}`, () => {})", ['a.b']],
    ["const row = { title: `${req('a.b')} of a table`, run };", ['a.b']],
    ["it('no title', () => { req('a.b'); })", []],
    ["// it(req('a.b'), f)\n/* it(req('c.d')) */", []],
    ["it('a (bracket', () => req('a.b'))", []],
  ])('are read from titles only: %s', (text, ids) => {
    expect(citations(text)).toEqual(ids);
  });
});
