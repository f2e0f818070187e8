import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namedServers } from '../../../src/cli/named-servers.js';
import { parseCommandLine } from '../../../src/cli/options.js';

const common = { passEnvironment: false, sharing: 'auto', era: 'auto' } as const;

async function wordsOf(text: string): Promise<string[]> {
  const [server] = await namedServers([['n', text]], common, []);
  return server === undefined ? [] : [server.command, ...server.args];
}

async function refusal(...argv: string[]): Promise<string> {
  const line = await parseCommandLine(argv, {});
  if (line.mode !== 'usage-error') throw new Error(`is ${line.mode}`);
  return line.text;
}

describe('--named-server', () => {
  it.each([
    ['uvx mcp-server-fetch --timeout 10', ['uvx', 'mcp-server-fetch', '--timeout', '10']],
    ['  a   b\t c ', ['a', 'b', 'c']],
    [`a 'b c' "d \\"e\\"" f\\ g`, ['a', 'b c', 'd "e"', 'f g']],
    [`a '' ""`, ['a', '', '']],
    ['a $HOME `id` $(id) * ; | & > # x', ['a', '$HOME', '`id`', '$(id)', '*', ';', '|', '&', '>', '#', 'x']],
  ])('is split as a shell splits words, and no more: %s', async (text, words) => {
    expect(await wordsOf(text)).toEqual(words);
  });

  it('gives back any words that were quoted', async () => {
    const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1 }), async (words) => {
        const quoted = words.map((one) => `'${one.replaceAll("'", `'\\''`)}'`).join(' ');
        fc.pre(words[0] !== '');
        expect(await wordsOf(quoted)).toEqual(words);
      }),
    );
  });

  it('keeps several, in their order', async () => {
    const line = await parseCommandLine(['--named-server', 'a', 'x 1', '--named-server', 'b', 'y'], {});
    expect(line).toMatchObject({
      mode: 'server',
      options: {
        defaultServer: undefined,
        namedServers: [
          { name: 'a', command: 'x', args: ['1'] },
          { name: 'b', command: 'y', args: [] },
        ],
      },
      warnings: [],
    });
  });

  it('keeps the last of the same name, with a warning', async () => {
    const line = await parseCommandLine(['--named-server', 'a', 'x', '--named-server', 'a', 'y'], {});
    expect(line).toMatchObject({
      options: { namedServers: [{ name: 'a', command: 'y' }] },
      warnings: [expect.stringMatching(/--named-server a .*last one holds/)],
    });
  });

  it.each([
    [`x "y`, /--named-server n: the command string has a quote that is not closed/],
    [`x 'y`, /has a quote that is not closed/],
    ['x \\', /ends with a backslash/],
    ['', /has no command in it/],
    ['  ', /has no command in it/],
    [`'' x`, /has no command in it/],
  ])('refuses a bad command string: %s', async (text, message) => {
    expect(await refusal('--named-server', 'n', text)).toMatch(message);
  });

  it.each(['', '.', '..', 'a/b', '/'])('refuses the name "%s"', async (name) => {
    expect(await refusal('--named-server', name, 'x')).toMatch(/--named-server: /);
  });

  it('is ignored beside a file, with a warning', async () => {
    const argv = ['--named-server', 'n', 'bad "', '--named-server-config', 'f.json', '--sharing', 'shared'];
    expect(await parseCommandLine(argv, {})).toMatchObject({
      mode: 'server',
      options: { namedServers: [] },
      file: { path: 'f.json', passEnvironment: false, sharing: 'shared', era: 'auto' },
      warnings: ['--named-server is ignored, because --named-server-config is given.'],
    });
    expect(await refusal('--named-server-config=')).toMatch(/--named-server-config is empty/);
  });

  it('cannot be called as the default server is, where there is one', async () => {
    expect(await refusal('--named-server', 'default', 'x', 'npx')).toMatch(/rename it/);
    expect((await parseCommandLine(['--named-server', 'default', 'x'], {})).mode).toBe('server');
  });
});
