import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { LogWriter } from '../../../src/observability/log-writer.js';

const LINE = `${'x'.repeat(999)}\n`;
const MIB = 1024 * 1024;

/** A stream that takes what is written only when it is read. */
function stage() {
  let isRead = false;
  let next: (() => void) | undefined;
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      if (isRead) done();
      else next = done;
    },
  });
  const read = (): void => {
    isRead = true;
    next?.();
  };
  return { stream, lines, read, log: new LogWriter(stream, (dropped) => `${dropped} dropped\n`) };
}

it('what nobody reads does not grow without bound, and what was dropped is told where it is read again', async () => {
  const { stream, lines, read, log } = stage();
  for (let n = 0; n < 10_000; n++) log.write(LINE);
  expect(stream.writableLength).toBeLessThan(MIB + 2 * LINE.length);
  const drained = once(stream, 'drain');
  read();
  await drained;
  log.write('after\n');
  const kept = lines.filter((line) => line === LINE).length;
  expect(kept).toBeGreaterThan(MIB / LINE.length);
  expect(lines.slice(kept)).toEqual([`${10_000 - kept} dropped\n`, 'after\n']);
});

it('the end waits for what is read, and not for what nobody reads', async () => {
  const { stream, lines, read, log } = stage();
  log.write('last words\n');
  log.write('and more\n');
  await log.end();
  setImmediate(read);
  await log.end();
  expect(stream.writableLength).toBe(0);
  expect(lines.filter((line) => line !== '')).toEqual(['last words\n', 'and more\n']);
});
