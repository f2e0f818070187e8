import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ends, endsOf } from '../../../../src/jsonrpc/salvage.js';
import { LineReader } from '../../../../src/transports/stdio/framing.js';
import { chunked } from '../../../fixtures/chunks.js';

interface Read {
  readonly lines: string[];
  readonly tooLong: number;
  readonly dropped: Ends[];
}

function read(chunks: readonly Buffer[], maxLength?: number): Read {
  const lines: string[] = [];
  const dropped: Ends[] = [];
  let tooLong = 0;
  const reader = new LineReader({
    onLine: (line) => lines.push(line),
    onTooLong: () => tooLong++,
    onDropped: (ends) => dropped.push(ends),
    ...(maxLength === undefined ? {} : { maxLength }),
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { lines, tooLong, dropped };
}

const octets = (text: string): Buffer => Buffer.from(text, 'utf8');
const wire = (text: string): string => octets(text).toString('latin1');

test('lines end with \\n or \\r\\n, and the end of the stream ends one as well', () => {
  expect(read([octets('{"a":1}\n{"b":2}\r\n\n \t\r\n{"c":3}')]).lines).toEqual([
    '{"a":1}',
    '{"b":2}',
    '{"c":3}',
  ]);
});

test('only a carriage return directly before the newline belongs to the end', () => {
  expect(read([octets('a\rb\r\r\nc\r')]).lines).toEqual(['a\rb\r', 'c']);
});

test('a character may be cut anywhere', () => {
  const line = '{"text":"Zürich 東京 🚀\u2028"}';
  const each = [...octets(`${line}\n`)].map((octet) => Buffer.from([octet]));
  expect(read(each).lines).toEqual([wire(line)]);
});

test('any split of any stream gives the same lines', () => {
  const json = fc.jsonValue().map((value) => JSON.stringify(value));
  const end = fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n');
  const messages = fc.array(fc.tuple(json, end), { maxLength: 12 });
  const stream = messages.chain((all) =>
    chunked(fc.constant(octets(all.flat().join('')))).map(({ chunks }) => ({ all, chunks })),
  );
  fc.assert(
    fc.property(stream, ({ all, chunks }) => {
      expect(read(chunks).lines).toEqual(all.map(([text]) => wire(text)));
    }),
  );
});

test('any split of any octets gives what the whole gives, whatever the limit', () => {
  const anything = fc
    .array(fc.constantFrom('a', 'ü', '\r', '\n', ' ', 'bcdefgh'), { maxLength: 60 })
    .map((parts) => octets(parts.join('')));
  fc.assert(
    fc.property(chunked(anything), fc.integer({ min: 1, max: 12 }), ({ whole, chunks }, limit) => {
      const lines = whole
        .toString('latin1')
        .split('\n')
        .map((line) => line.replace(/\r$/, ''));
      const tooLong = lines.filter((line) => line.length > limit);
      const expected = {
        lines: lines.filter((line) => line.length <= limit && !/^[ \t\r]*$/.test(line)),
        tooLong: tooLong.length,
        dropped: tooLong.map(endsOf),
      };
      expect(read(chunks, limit)).toEqual(expected);
      expect(read([whole], limit)).toEqual(expected);
    }),
  );
});

test('a line that is too long is told once and dropped; the next one is read', () => {
  const long = Buffer.alloc(1000, 'x');
  expect(read([...Array<Buffer>(50).fill(long), octets('\nnext\n')], 1000)).toMatchObject({
    lines: ['next'],
    tooLong: 1,
  });
  expect(read([Buffer.alloc(1000, 'x'), octets('\r\n')], 1000)).toMatchObject({
    lines: ['x'.repeat(1000)],
    tooLong: 0,
  });
});

test('of a line that is dropped both ends are told, however it comes', () => {
  const line = `{"head":1,${'x'.repeat(5000)},"tail":1}`;
  const whole = octets(`${line}\r\nnext\n`);
  const expected = { lines: ['next'], tooLong: 1, dropped: [endsOf(line)] };
  for (const size of [1, 7, 599, 601, 1000, 10_000]) {
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) =>
      whole.subarray(n * size, (n + 1) * size),
    );
    expect(read(chunks, 1000)).toEqual(expected);
  }
});

test('a line that is too long is told before its end, which may never come', () => {
  let told = 0;
  const reader = new LineReader({ onLine: () => undefined, onTooLong: () => told++, maxLength: 10 });
  reader.push(octets('x'.repeat(12)));
  expect(told).toBe(1);
  reader.push(octets('x'));
  reader.end();
  expect(told).toBe(1);
});

test('a line of 64 MiB comes through whole, in chunks of any size', () => {
  const size = 64 * 1024 * 1024;
  const big = Array<Buffer>(size / 65_536).fill(Buffer.alloc(65_536, 'x'));
  expect(read([...big, octets('\n')]).lines.map((line) => line.length)).toEqual([size]);
  const small = Array<Buffer>(1024 * 1024).fill(octets('xyz'));
  expect(read([...small, octets('\n')]).lines.map((line) => line.length)).toEqual([3 * 1024 * 1024]);
});

test('puts a line together from large and small chunks, with lines beside it in one of them', () => {
  const sizes = [10, 20_000, 3, 70_000, 16_384, 1];
  const texts = sizes.map((size, at) => String(at).repeat(size));
  const chunks = texts.map((text, at) => octets(at === 1 ? `a\nb\n${text}` : text));
  const [before = '', ...rest] = texts;
  expect(read([...chunks, octets('\nend')]).lines).toEqual([`${before}a`, 'b', rest.join(''), 'end']);
});

test('a large line that is too long is dropped as a small one is', () => {
  const chunk = octets('x'.repeat(40_000));
  const { lines, tooLong, dropped } = read([chunk, chunk, octets('y\nnext\n')], 50_000);
  expect([lines, tooLong]).toEqual([['next'], 1]);
  expect(dropped[0]?.tail.endsWith('xy')).toBe(true);
});
