import { describe, expect, it } from 'vitest';
import { maskArguments, secretArguments } from '../../../src/observability/arguments.js';
import { createLog } from '../../../src/observability/log.js';
import { MASK, valueMask } from '../../../src/observability/secrets.js';

function logged(level: 'debug' | 'info' | 'warning' | 'error'): {
  lines: string[];
  log: ReturnType<typeof createLog>;
} {
  const lines: string[] = [];
  return { lines, log: createLog(level, 'text', (line) => lines.push(line)) };
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
    log({ level: 'info', text: 'a\r2026 ERROR b\u001b[2J\u0007\u009b\tc\nd\u2028e\u202ef', server: 'x\ny' });
    expect(lines[0]?.replace(/^\S+ /, '')).toBe(
      'INFO [x\\x0ay] a\\x0d2026 ERROR b\\x1b[2J\\x07\\x9b\tc\n    d\\u2028e\\u202ef\n',
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
    ['--api-key abc', '--api-key ***'],
    ['--API_KEY=abc', '--API_KEY=***'],
    ['TOKEN=abc', '***'],
    ['--token a b', '--token *** b'],
    ['--token -SECRET plain --verbose', '--token *** *** --verbose'],
    ['--header Bearer', '--header ***'],
    ['-H X-Api-Key -p SECRET -pSECRET', '-H *** -p *** ***'],
    ['-p --token SECRET', '-p *** ***'],
    ['postgres://u:SEK@RET7@h', '***'],
    ['https://host/mcp?api_key=SEKRET1', '***'],
    ['--url=https://u:p@h/', '--url=***'],
    ['/opt/x/TOKEN=abc', '***'],
    ['{"apiKey":"x"}', '***'],
    ['ghp_abcdefghijk sk-abc eyJhbGciOi a1b2c3d4e5f6a7b8', '*** *** *** ***'],
    ['server.js --port 80 -- plain', 'server.js --port 80 -- plain'],
    ['-y @scope/name /srv', '-y @scope/name /srv'],
    ['-m mcp_server_git --repository ../x', '-m mcp_server_git --repository ../x'],
    ['/home/keys/server.js', '/home/keys/server.js'],
    [`/${'x'.repeat(64)}`, '***'],
  ])('of the arguments %s', (args, shown) => {
    expect(maskArguments(args.split(' '))).toEqual(shown.split(' '));
  });

  it('of an argument of several words', () => {
    expect(maskArguments(['Authorization: Bearer abc', 'a b', ''])).toEqual([MASK, MASK, MASK]);
    expect(maskArguments([])).toEqual([]);
  });

  it('hides every value that is long enough to be told from a word', () => {
    const mask = valueMask(['secret-1', 'on', '', 'short', '$& $1x']);
    expect(mask('a secret-1 b secret-1 on short')).toBe(`a ${MASK} b ${MASK} on short`);
    expect(mask('$& $1 $& $1x')).toBe(`$& $1 ${MASK}`);
    expect(valueMask([])('text')).toBe('text');
  });

  it('hides a value in its other forms, each of its lines, and the longer of two', () => {
    const mask = valueMask([
      'with "quotes"',
      'with a blank',
      'first line\nsecond line\n',
      'prefix',
      'prefix-more',
    ]);
    const text = 'with \\"quotes\\"; with%20a%20blank; second line; prefix-more; prefix';
    expect(mask(text)).toBe([MASK, MASK, MASK, MASK, MASK].join('; '));
  });
});

it('arguments that are secrets are found by the option before them, or by their looks', () => {
  const words =
    '--password=hunter22 --api-key abcdef --port 8080 -y --url https://a/ sk-live-123456 --env production';
  expect(secretArguments(words.split(' '))).toEqual(['hunter22', 'abcdef', 'sk-live-123456']);
});
