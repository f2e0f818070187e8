import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { reportOf, type ServerReport } from '../../../src/check/report.js';
import { tableOf } from '../../../src/check/table.js';

const LIST = { count: 12, names: [], complete: true, ms: 3 };
const WELL: ServerReport = {
  name: 'files',
  target: '/usr/bin/npx',
  verdict: 'ok',
  reason: '',
  remedy: '',
  notes: [],
  transport: 'stdio',
  era: 'legacy',
  protocolVersion: '2025-11-25',
  startMs: 1234,
  tools: LIST,
  prompts: { ...LIST, count: 100_000, complete: false },
  resources: LIST,
  resourceTemplates: LIST,
};
const FAILED: ServerReport = {
  name: 'a-name-that-is-longer-than-a-column-may-be',
  target: 'x',
  verdict: 'variable-missing',
  reason: `It asks for the variable A_TOKEN. ${'And more words. '.repeat(12)}`.trim(),
  remedy: 'Give it.',
  notes: [],
};

it('is readable at 80 columns', () => {
  const text = tableOf(reportOf([WELL, FAILED]), false);
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(text).toMatch(/^SERVER +RESULT +PROTOCOL +VIA +TOOLS +PROMPTS +RESOURCES +TIME\n/);
  expect(text).toMatch(/\nfiles +ok +2025-11-25 +stdio +12 +100000\+ +12\+12 +1\.23s\n/);
  expect(text).toMatch(/\na-name-that-is-… +FAILED/);
  expect(text).toContain('\na-name-that-is-longer-than-a-column-may-be: variable missing\n  It asks for');
  expect(text).toContain('\n  → Give it.\n');
  expect(text).toMatch(/\n1 of 2 servers are well\.\n$/);
});

it('has colours where they are wanted only, and the same columns', () => {
  const report = reportOf([WELL, FAILED]);
  const coloured = tableOf(report, true);
  expect(coloured).toContain('\u001b[31mFAILED\u001b[0m');
  expect(coloured).toContain('\u001b[32mok');
  expect(stripVTControlCharacters(coloured)).toBe(tableOf(report, false));
  expect(tableOf(report, false)).not.toContain('\u001b');
});

it('tells what is odd with a server that is well', () => {
  const text = tableOf(reportOf([{ ...WELL, notes: ['It is odd.'] }]), false);
  expect(text).toContain('\nfiles: ok, but\n  It is odd.\n');
  expect(text).not.toContain('servers are well');
});
