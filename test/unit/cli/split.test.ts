import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../../src/cli/option-table.js';
import { split } from '../../../src/cli/split.js';

/** The options as `name value value`, then the command with its arguments. */
function run(line: string | readonly string[]): { options: string[]; words: string[] } {
  const argv = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
  const result = split(argv);
  if (result.kind !== 'run') throw new Error(`asks for ${result.kind}`);
  return {
    options: result.given.map(({ id, values }) => [id, ...values].join(' ')),
    words: result.command === undefined ? [] : [result.command, ...result.args],
  };
}

const words = (line: string): string[] => run(line).words;
const options = (line: string): string[] => run(line).options;
const asks = (line: string): string => split(line.split(' ')).kind;

describe('the command', () => {
  it('begins with the first word that is no option', () => {
    expect(words('npx -y some-server')).toEqual(['npx', '-y', 'some-server']);
    expect(run('--port 8080 npx -y some-server')).toEqual({
      options: ['port 8080'],
      words: ['npx', '-y', 'some-server'],
    });
  });

  it('leaves options of the proxy to the proxy', () => {
    expect(run('my-server a --port 8080 b -e KEY VALUE --debug -x')).toEqual({
      options: ['port 8080', 'env KEY VALUE', 'debug'],
      words: ['my-server', 'a', 'b', '-x'],
    });
    expect(run('my-server --port=8080')).toEqual({ options: ['port 8080'], words: ['my-server'] });
  });

  it('has everything after --', () => {
    expect(run('--port 1 -- my-server --port 8080 --help')).toEqual({
      options: ['port 1'],
      words: ['my-server', '--port', '8080', '--help'],
    });
    expect(words('my-server a -- --debug')).toEqual(['my-server', 'a', '--debug']);
    expect(words('-- -odd-name')).toEqual(['-odd-name']);
  });

  it('loses the first -- only', () => {
    expect(words('-- npx -- server -- x')).toEqual(['npx', '--', 'server', '--', 'x']);
    expect(words('npx -- server -- x')).toEqual(['npx', 'server', '--', 'x']);
  });

  it('has a help and a version of its own', () => {
    expect(words('my-server --help')).toEqual(['my-server', '--help']);
    expect(words('my-server -h --version')).toEqual(['my-server', '-h', '--version']);
    expect(words('my-server --help=all')).toEqual(['my-server', '--help=all']);
  });

  it('may be a dash, as in the original', () => {
    expect(words('my-server - a')).toEqual(['my-server', '-', 'a']);
  });

  it('may be missing', () => {
    expect(run('--named-server a b')).toEqual({ options: ['named-server a b'], words: [] });
    expect(run('')).toEqual({ options: [], words: [] });
    expect(run('--')).toEqual({ options: [], words: [] });
  });
});

describe('options before the command', () => {
  it.each(['-h', '--help', '--debug -h', '--port nonsense --help', '-h --nonsense'])('help: %s', (line) => {
    expect(asks(line)).toBe('help');
  });

  it('shows the version', () => {
    expect(asks('--version npx')).toBe('version');
  });

  it.each([
    ['--prot 80 npx', /unknown option --prot before the command/],
    ['--port 80 --verbose npx', /unknown option --verbose/],
    ['-x npx', /unknown option -x/],
    ['-1 npx', /unknown option -1/],
    ['-hx', /unknown option -hx/],
  ])('are refused when unknown: %s', (line, message) => {
    expect(() => run(line)).toThrow(message);
  });

  it.each(['--por 80 npx', '--deb npx', '--named-serv a b', '--header A b https://x', '--verify https://x'])(
    'are never abbreviated: %s',
    (line) => {
      expect(() => run(line)).toThrow(/unknown option/);
    },
  );

  it('does not show what an unknown option was given', () => {
    expect(() => run('--client-secrt=hunter2 https://x')).toThrow(/^unknown option --client-secrt before/);
  });

  it.each(['--debug=1', '--no-verify-ssl=x', '--help=x', '--stateless='])('take no value: %s', (line) => {
    expect(() => run(`${line} npx`)).toThrow(/takes no value/);
  });

  it('may have their value attached', () => {
    expect(options('--port=8080 --client-secret=-s --host= npx')).toEqual([
      'port 8080',
      'client-secret -s',
      'host ',
    ]);
    expect(options('--client-secret=a=b npx')).toEqual(['client-secret a=b']);
    expect(() => run('--env=A B npx')).toThrow(/--env takes two words/);
  });

  it.each([
    '--port',
    '--port --debug npx',
    '--port -- 1 npx',
    '--port -x npx',
    '--cwd',
    '--allow-origin -- x',
  ])('need their value: %s', (line) => {
    expect(() => run(line)).toThrow(/^--[a-z-]+ needs [A-Z]+/);
  });

  it('says how to give a value that begins with a dash', () => {
    expect(() => run('--client-secret -s https://x')).toThrow(/write --client-secret=VALUE/);
  });

  it('says where options belong that may be the command’s', () => {
    expect(() => run('node -e')).toThrow(/put -- before the command/);
  });

  it('take negative numbers and words with spaces as values, as the original does', () => {
    expect(options('--cwd -1 --host -.5 npx')).toEqual(['cwd -1', 'host -.5']);
    expect(run(['--cwd', '-a b', 'npx'])).toEqual({ options: ['cwd -a b'], words: ['npx'] });
  });
});

describe('--env and --headers', () => {
  it('take a value that begins with a dash', () => {
    expect(run('-e FLAGS --inspect npx')).toEqual({ options: ['env FLAGS --inspect'], words: ['npx'] });
    expect(run('--env FLAGS --port npx')).toEqual({ options: ['env FLAGS --port'], words: ['npx'] });
    expect(run('-H X-Mode -fast https://x')).toEqual({
      options: ['headers X-Mode -fast'],
      words: ['https://x'],
    });
  });

  it('need both words', () => {
    expect(() => run('-e')).toThrow(/-e needs KEY VALUE/);
    expect(() => run('-e KEY')).toThrow(/-e needs KEY VALUE/);
    expect(() => run('-e KEY -- npx')).toThrow(/-e needs KEY VALUE/);
    expect(() => run('-e --port 80')).toThrow(/-e needs KEY VALUE/);
  });

  it('are the only ones: a command does not begin with a dash', () => {
    expect(() => run('--named-server a --port 80')).toThrow(/--named-server needs NAME COMMAND_STRING/);
  });
});

describe('--verify-ssl', () => {
  it('takes the next word', () => {
    expect(run('--verify-ssl false https://x')).toEqual({
      options: ['verify-ssl false'],
      words: ['https://x'],
    });
    expect(options('https://x --verify-ssl /etc/ca.pem')).toEqual(['verify-ssl /etc/ca.pem']);
    expect(options('--verify-ssl=no https://x')).toEqual(['verify-ssl no']);
  });

  it('leaves the URL alone', () => {
    expect(run('--verify-ssl https://x')).toEqual({ options: ['verify-ssl'], words: ['https://x'] });
    expect(run('--verify-ssl HTTP://x')).toEqual({ options: ['verify-ssl'], words: ['HTTP://x'] });
  });

  it('stands alone before an option, -- and the end', () => {
    expect(options('--verify-ssl --debug https://x')).toEqual(['verify-ssl', 'debug']);
    expect(run('--verify-ssl -- https://x')).toEqual({ options: ['verify-ssl'], words: ['https://x'] });
    expect(options('https://x --verify-ssl')).toEqual(['verify-ssl']);
  });
});

describe('after a URL', () => {
  it('there is no command that an option could be for', () => {
    expect(() => run('https://x --trasport sse')).toThrow(/unknown option --trasport after the URL/);
    expect(asks('https://x --help')).toBe('help');
    expect(asks('https://x --version')).toBe('version');
  });

  it('words are kept, so that they can be told', () => {
    expect(words('https://x a -- --b')).toEqual(['https://x', 'a', '--b']);
  });
});

describe('--allow-origin', () => {
  // What argparse makes of these in the original (Python 3.11), checked by running it.
  it.each([
    ['--allow-origin a b -- cmd x', ['a', 'b'], ['cmd', 'x']],
    ['cmd --allow-origin a b', ['a', 'b'], ['cmd']],
    ['--allow-origin a --port 1 cmd', ['a'], ['cmd']],
    ['--allow-origin=a cmd', ['a'], ['cmd']],
    ['--allow-origin=a b cmd', ['a'], ['b', 'cmd']],
    ['--allow-origin a - b -1 -- cmd', ['a', '-', 'b', '-1'], ['cmd']],
    ['--named-server n x --allow-origin a b', ['a', 'b'], []],
    ['--named-server n x --allow-origin https://a npx server', ['https://a', 'npx', 'server'], []],
  ])('takes what it takes in the original: %s', (line, origins, command) => {
    const result = run(line);
    expect(result.options.find((option) => option.startsWith('allow-origin'))).toBe(
      `allow-origin ${origins.join(' ')}`,
    );
    expect(result.words).toEqual(command);
  });

  it.each([
    ['--allow-origin https://a.example npx -y server', 'https://a.example', ['npx', '-y', 'server']],
    ['--allow-origin https://a http://b:8080 npx x', 'https://a http://b:8080', ['npx', 'x']],
    ['--allow-origin * npx', '*', ['npx']],
    ['--allow-origin https://a https://host/mcp', 'https://a', ['https://host/mcp']],
    ['--allow-origin https://a/ https://b/ npx', 'https://a/ https://b/', ['npx']],
    ['--allow-origin a b', 'a', ['b']],
    ['--named-server n x --allow-origin https://a npx -y server', 'https://a', ['npx', '-y', 'server']],
  ])('ends before the command where the original refuses the line: %s', (line, origins, command) => {
    const result = run(line);
    expect(result.options.at(-1)).toBe(`allow-origin ${origins}`);
    expect(result.words).toEqual(command);
  });

  it('does not make a command of an origin where -- says where the command is', () => {
    expect(() => run('--allow-origin localhost example.com --prot 80 -- cmd')).toThrow(
      /unknown option --prot/,
    );
  });

  it('does not make a command of an origin where nothing else is left', () => {
    expect(words('--allow-origin https://a https://b')).toEqual([]);
  });
});

describe('any command line', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '--',
      '-',
      '-h',
      '--help',
      '--port',
      '--env',
      '--allow-origin',
      'https://x',
      '=',
      '--x=y',
    ),
  );
  const prefix = fc.constantFrom<string[]>(
    [],
    ['--port', '8080'],
    ['-e', 'KEY', '--port'],
    ['--allow-origin', 'https://a', 'b'],
    ['--verify-ssl'],
    ['--debug', '--named-server', 'a', 'b c'],
  );

  it('leaves what follows -- unchanged', () => {
    fc.assert(
      fc.property(prefix, fc.array(word), (before, command) => {
        expect(run([...before, '--', ...command]).words).toEqual(command);
      }),
    );
  });

  it('leaves a command unchanged that has no option of the proxy in it', () => {
    const own = new Set(OPTIONS.flatMap(({ id, names }) => (id === 'help' || id === 'version' ? [] : names)));
    const foreign = word.filter((one) => one !== '--' && !own.has(one.split('=', 1)[0] ?? ''));
    fc.assert(
      fc.property(foreign, fc.array(foreign), (argument, more) => {
        expect(run(['--port', '1', 'my-server', argument, ...more]).words).toEqual([
          'my-server',
          argument,
          ...more,
        ]);
      }),
    );
  });

  it('gives the same whether options stand before or after the command', () => {
    const option = fc.constantFrom<string[]>(
      ['--port', '1'],
      ['--host=::1'],
      ['-e', 'A', '-b'],
      ['--debug'],
      ['--sharing', 'auto'],
    );
    const args = fc.array(fc.constantFrom('a', '-b', '--c=d', ''));
    fc.assert(
      fc.property(fc.array(option), args, (given, rest) => {
        const flat = given.flat();
        expect(run([...flat, 'cmd', ...rest])).toEqual(run(['cmd', ...rest, ...flat]));
        expect(run([...flat, '--', 'cmd', ...rest])).toEqual(run(['cmd', ...rest, ...flat]));
      }),
    );
  });

  it('is split or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        try {
          split(argv);
        } catch (error) {
          expect(error).toHaveProperty('name', 'UsageError');
        }
      }),
    );
  });
});
