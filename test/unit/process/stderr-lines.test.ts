import { expect, test } from 'vitest';
import { MASK, valueMask } from '../../../src/observability/secrets.js';
import {
  MAX_STDERR_LINE,
  MAX_TAIL_LENGTH,
  MAX_TAIL_LINES,
  StderrLines,
} from '../../../src/process/stderr-lines.js';

function read(
  chunks: readonly (string | Buffer)[],
  secrets: readonly string[] = [],
): { lines: string[]; tail: readonly string[] } {
  const lines: string[] = [];
  const reader = new StderrLines((line) => lines.push(line), valueMask(secrets));
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  reader.end();
  return { lines, tail: reader.tail() };
}

test('gives lines without their ends, wherever the chunks are cut', () => {
  const octets = Buffer.from('eins\r\nzwölf\n\n  \nthe end');
  const each = [...octets].map((octet) => Buffer.from([octet]));
  expect(read(each).lines).toEqual(['eins', 'zwölf', 'the end']);
  expect(read([octets]).lines).toEqual(['eins', 'zwölf', 'the end']);
});

test('takes colours and control characters out', () => {
  expect(read(['\u001b[31mred\u001b[0m\u0007 and\ttab\n']).lines).toEqual(['red and\ttab']);
});

test('cuts a long line, and keeps no more of it than it shows', () => {
  const { lines } = read([...Array<string>(100).fill('x'.repeat(1000)), '\nnext\n']);
  expect(lines).toEqual([`${'x'.repeat(MAX_STDERR_LINE)}…`, 'next']);
});

test('keeps the last lines, bounded in number and in length', () => {
  const many = read(Array.from({ length: 200 }, (_, i) => `line ${i}\n`));
  expect(many.lines).toHaveLength(200);
  expect(many.tail).toHaveLength(MAX_TAIL_LINES);
  expect(many.tail.at(-1)).toBe('line 199');
  const long = read(Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(900)}\n`));
  expect(long.tail.join('').length).toBeLessThanOrEqual(MAX_TAIL_LENGTH);
  expect(long.tail.at(-1)).toMatch(/^39 /);
});

test('masks secrets, wherever the chunks and the line are cut', () => {
  const secret = 'hunter2-hunter2';
  const octets = Buffer.from(`the password is ${secret}!\n`);
  const each = [...octets].map((octet) => Buffer.from([octet]));
  for (const chunks of [[octets], each]) {
    expect(read(chunks, [secret])).toEqual({
      lines: [`the password is ${MASK}!`],
      tail: [`the password is ${MASK}!`],
    });
  }
  const colours = '\u001b[31m'.repeat(20);
  for (const before of ['', colours]) {
    for (let length = MAX_STDERR_LINE - 120; length < MAX_STDERR_LINE + 40; length++) {
      const [line] = read([`${before}${'x'.repeat(length)}${secret} and more\n`], [secret]).lines;
      expect(line).not.toContain('hun');
      expect(line?.length).toBeLessThanOrEqual(MAX_STDERR_LINE + 1);
    }
  }
});
