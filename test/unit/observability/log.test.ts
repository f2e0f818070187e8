import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/observability/log.js';
import { MASK, maskArguments, maskValues } from '../../../src/observability/mask.js';

function logged(level: 'debug' | 'info' | 'warning' | 'error'): {
  lines: string[];
  log: ReturnType<typeof createLog>;
} {
  const lines: string[] = [];
  return { lines, log: createLog(level, (line) => lines.push(line)) };
}

describe('the log', () => {
  it('leaves out what is below its level', () => {
    const { lines, log } = logged('warning');
    for (const level of ['debug', 'info', 'warning', 'error'] as const) log({ level, text: level });
    expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual(['WARNING warning\n', 'ERROR error\n']);
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /);
  });

  it('lets nothing of a peer look like a line of its own or move the cursor', () => {
    const { lines, log } = logged('info');
    log({ level: 'info', text: 'a\r2026 ERROR b\u001b[2J\u0007\u009b\tc\nd', server: 'x\ny' });
    expect(lines[0]?.replace(/^\S+ /, '')).toBe(
      'INFO [x\\x0ay] a\\x0d2026 ERROR b\\x1b[2J\\x07\\x9b\tc\n    d\n',
    );
  });

  it('cuts what is too long', () => {
    const { lines, log } = logged('info');
    log({ level: 'info', text: 'x'.repeat(100_000) });
    expect(lines[0]?.length).toBeLessThan(4100);
  });
});

describe('the mask', () => {
  it.each([
    [
      ['--api-key', 'abc'],
      ['--api-key', MASK],
    ],
    [['--API_KEY=abc'], [`--API_KEY=${MASK}`]],
    [['TOKEN=abc'], [`TOKEN=${MASK}`]],
    [
      ['--password', '--verbose'],
      ['--password', '--verbose'],
    ],
    [
      ['--token', 'a', 'b'],
      ['--token', MASK, 'b'],
    ],
    [['postgres://user:pass@host/db'], [`postgres://${MASK}@host/db`]],
    [['--url=https://u:p@h/'], [`--url=https://${MASK}@h/`]],
    [
      ['server.js', '--port', '80'],
      ['server.js', '--port', '80'],
    ],
    [['/home/keys/server.js'], ['/home/keys/server.js']],
    [[], []],
  ])('of %j', (args, shown) => {
    expect(maskArguments(args)).toEqual(shown);
  });

  it('hides every value that is long enough to be told from a word', () => {
    expect(maskValues('a secret-1 b secret-1 on', ['secret-1', 'on', ''])).toBe(`a ${MASK} b ${MASK} on`);
    expect(maskValues('$& $1', ['$& $1x'])).toBe('$& $1');
  });
});
