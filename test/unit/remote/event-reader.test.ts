import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventReader, type ServerEvent } from '../../../src/remote/event-reader.js';

function read(chunks: readonly Buffer[], maxLength = 1000) {
  const events: ServerEvent[] = [];
  const retries: number[] = [];
  let tooLong = 0;
  const reader = new EventReader(
    {
      event: (event) => events.push(event),
      retry: (ms) => retries.push(ms),
      tooLong: () => {
        tooLong++;
      },
    },
    maxLength,
  );
  for (const chunk of chunks) reader.feed(chunk);
  return { events, retries, tooLong };
}

const STREAM = Buffer.from(
  ': hi\n\nretry: 50\nid: 1\ndata:\n\nevent: endpoint\r\ndata: /x?y\r\n\r\nid: ü\ndata: {"a":\ndata: "世界"}\n\nid: \u0001\ndata: z\n\n',
);

test('any cut of a stream gives the same events', () => {
  const whole = read([STREAM]);
  expect(whole.retries).toEqual([50]);
  expect(whole.events).toEqual([
    { type: 'message', data: '', id: '1' },
    { type: 'endpoint', data: '/x?y' },
    {
      type: 'message',
      data: Buffer.from('{"a":\n"世界"}').toString('latin1'),
      id: Buffer.from('ü').toString('latin1'),
    },
    { type: 'message', data: 'z' },
  ]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(STREAM.length)), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
      const chunks = at.slice(1).map((end, index) => STREAM.subarray(at[index], end));
      expect(read(chunks)).toEqual(whole);
    }),
  );
});

test.each([
  ['\ufeff', '\n'],
  ['', '\r'],
  ['\ufeff', '\r'],
  ['', '\r\n'],
])('a byte order mark %j and any end of line %j, cut anywhere', (mark, end) => {
  const stream = Buffer.from(`${mark}data: 1${end}${end}event: x${end}data: 2${end}data: 3${end}${end}`);
  const events = [
    { type: 'message', data: '1' },
    { type: 'x', data: '2\n3' },
  ];
  expect(read([stream]).events).toEqual(events);
  expect(read(Array.from(stream, (octet) => Buffer.of(octet))).events).toEqual(events);
});

test('an event that is too long ends it, once', () => {
  const part = Buffer.from(`data: ${'x'.repeat(600)}`);
  expect(read([part, part, Buffer.from('\n\ndata: y\n\n'), part])).toEqual({
    events: [],
    retries: [],
    tooLong: 1,
  });
});
