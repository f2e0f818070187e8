/** The completions, as the shells themselves find them; a shell that is not there is told as skipped. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/cli/option-table.js';
import { PROXY } from './harness/proxy.js';

const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'servers.json'), '{}');

function script(shell: string): string {
  const text = execFileSync(process.execPath, [PROXY, 'completion', shell], { encoding: 'utf8' });
  const path = join(folder, `completion.${shell}`);
  writeFileSync(path, text);
  return path;
}

function has(shell: string): boolean {
  return spawnSync(shell, ['-c', ':']).status === 0;
}

function run(shell: string, args: readonly string[]): string[] {
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const out = execFileSync(shell, args, { cwd: folder, encoding: 'utf8', env });
  return out.split(/\r?\n/).filter((line) => line !== '');
}

/** What each shell offers for the last of these words; the first is `mcp-proxy`. */
const ASK: Readonly<Record<string, (path: string, words: readonly string[]) => string[]>> = {
  bash: (path, words) =>
    run('bash', [
      '--norc',
      '--noprofile',
      '-c',
      `source ${path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mcp_proxy; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      ...words,
    ]),
  fish: (path, words) =>
    run('fish', ['--no-config', '-c', `source ${path}; complete -C '${words.join(' ')}'`]).map(
      (line) => line.split('\t')[0] ?? '',
    ),
  // The only way to complete in zsh is to type: what it would add is caught where it adds it.
  zsh: (path, words) => {
    const inner = join(folder, 'inner.zsh');
    writeFileSync(
      inner,
      `autoload -Uz compinit; compinit -u -D; source ${path}
compadd() {
  [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] && { builtin compadd "$@"; return $?; }
  typeset -a __hits; builtin compadd -A __hits "$@"
  (( $#__hits )) && print -rl -- "hit:"\${^__hits}
  return $(( $#__hits == 0 ))
}
bindkey '^M' undefined; bindkey '^J' undefined; bindkey '^I' complete-word
null-line() { print; print END; exit }
zle -N finish null-line; bindkey '^X' finish
zstyle ':completion:*' list-grouped false
`,
    );
    const driver = `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT=; source ${inner}; print READY"
while zpty -r z line; do [[ $line == *READY* && $line != *print* ]] && break; done
zpty -n -w z ${JSON.stringify(words.join(' '))}$'\\t'$'\\x18'
while zpty -r z line; do print -r -- "$line"; [[ $line == *END* ]] && break; done
zpty -d z`;
    const lines = run('zsh', ['-f', '-c', driver]);
    return lines.flatMap((line) => [...line.matchAll(/hit:(\S+)/g)].map(([, word = '']) => word));
  },
};

describe.each(['bash', 'zsh', 'fish'])('%s', (shell) => {
  const isThere = has(shell);
  const path = isThere ? script(shell) : '';
  const complete = (...words: readonly string[]): string[] =>
    ASK[shell]?.(path, ['mcp-proxy', ...words]) ?? [];
  const test = isThere ? it : it.skip;
  const why = isThere ? '' : ` (skipped: ${shell} is not installed)`;

  test(`has every option${why}`, () => {
    const long = OPTIONS.flatMap(({ names }) => names).filter((name) => name.startsWith('--'));
    expect(complete('--')).toEqual(expect.arrayContaining(long));
    expect(complete('--trans')).toEqual(['--transport']);
  });

  test(`has the choices of an option, and those that it is used with only${why}`, () => {
    expect(complete('--transport', '').sort()).toEqual(['auto', 'sse', 'streamablehttp']);
    expect(complete('--upstream-era', 'm')).toEqual(['modern']);
    expect(complete('--port', '8080', '--sharing', 's').sort()).toEqual(['session', 'shared']);
  });

  test(`has files where a file is wanted${why}`, () => {
    expect(complete('--named-server-config', 'serv')).toEqual(['servers.json']);
  });

  test(`has the subcommands where they may stand${why}`, () => {
    expect(complete('chec')).toContain('check');
    expect(complete('logou')).toContain('logout');
    expect(complete('completion', '').sort()).toEqual(['bash', 'fish', 'zsh']);
    expect(complete('check', '--js')).toEqual(['--json']);
    expect(complete('--port', '1', 'completio')).not.toContain('completion');
  });
});

it('knows no other shell, and says which it knows', () => {
  for (const args of [['tcsh'], [], ['bash', 'more']]) {
    const { status, stderr, stdout } = spawnSync(process.execPath, [PROXY, 'completion', ...args], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('bash, zsh, fish');
  }
});
