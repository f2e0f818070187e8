import { OPTIONS, type Option } from './option-table.js';
import { UsageError } from './usage-error.js';

/** Words that stand first, with what they do. */
const SUBCOMMANDS = [
  ['check', 'Say whether each server works'],
  ['logout', 'Forget the sign-in to a remote server'],
  ['completion', 'Print completions for a shell'],
] as const;
const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** The script of completions for one of the shells. Throws `UsageError` for any other. */
export function completionScript(words: readonly string[]): string {
  const [shell, ...more] = words;
  const found = SHELLS.find((name) => name === shell);
  if (found === undefined || more.length > 0) {
    throw new UsageError(
      `completion takes one of ${SHELLS.join(', ')}: mcp-proxy completion bash. For a command of this name, put -- before it`,
    );
  }
  return { bash, zsh, fish }[found]();
}

/** What may stand as the first value of an option. */
type Values =
  | { readonly kind: 'choices'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'any' };

function valuesOf({ metavar: [first = ''] }: Option): Values {
  const [, choices] = /^\{(.*)\}$/.exec(first) ?? [];
  if (choices !== undefined) return { kind: 'choices', words: choices.split(',') };
  // The value of --verify-ssl is a file, where it is not true or false.
  if (first === 'FILE' || first === 'VALUE') return { kind: 'file' };
  return { kind: first === 'DIR' ? 'folder' : 'any' };
}

/** How many words belong to an option, where the next one counts. */
function wordsOf({ arity }: Option): number {
  if (arity === 'two') return 2;
  return arity === 'none' || arity === 'switch' ? 0 : 1;
}

/** The first sentence of its help. */
function summaryOf({ help }: Option): string {
  return help.split(/[.;] /)[0]?.replace(/\.$/, '') ?? '';
}

/** In single quotes, as all three shells read them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const NAMES = OPTIONS.flatMap(({ names }) => names).join(' ');
const FIRST = SUBCOMMANDS.map(([word]) => word).join(' ');

function bash(): string {
  const values = OPTIONS.flatMap((option) => {
    const found = valuesOf(option);
    const names = option.names.join('|');
    if (wordsOf(option) === 0 || found.kind === 'any') return [];
    if (found.kind === 'choices')
      return [`    ${names}) COMPREPLY=($(compgen -W '${found.words.join(' ')}' -- "$word")); return ;;`];
    return [
      `    ${names}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -${found.kind === 'file' ? 'f' : 'd'} -- "$word")); return ;;`,
    ];
  });
  const counted = [1, 2].map((count) => {
    const names = OPTIONS.filter((option) => wordsOf(option) === count).flatMap((option) => option.names);
    return `      ${names.join('|')}) i=$((i + ${count})) ;;`;
  });
  return `# Completions of mcp-proxy for bash: source <(mcp-proxy completion bash)
_mcp_proxy() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=0 i
  COMPREPLY=()
  # Where the words of the command begin.
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --) command=$((i + 1)); break ;;
${counted.join('\n')}
      -*) ;;
      check) [ $i -eq 1 ] || { command=$i; break; } ;;
      completion) [ $i -eq 1 ] && { COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$word")); return; }; command=$i; break ;;
      logout) [ $i -eq 1 ] && return; command=$i; break ;;
      *) command=$i; break ;;
    esac
  done
  if [ $command -gt 0 ]; then
    if [ $COMP_CWORD -le $command ]; then COMPREPLY=($(compgen -c -- "$word"))
    elif declare -F _command_offset >/dev/null; then _command_offset $command
    else compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word"))
    fi
    return
  fi
  case $before in
${values.join('\n')}
  esac
  [ $i -gt $COMP_CWORD ] && return
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '${NAMES} --' -- "$word"))
  elif [ $COMP_CWORD -eq 1 ]; then COMPREPLY=($(compgen -W '${FIRST}' -c -- "$word"))
  else COMPREPLY=($(compgen -c -- "$word"))
  fi
}
complete -F _mcp_proxy mcp-proxy
`;
}

const ZSH_ACTIONS = { file: '_files', folder: '_files -/', any: ' ' } as const;

function zsh(): string {
  const specs = OPTIONS.flatMap((option) => {
    const found = valuesOf(option);
    const action = found.kind === 'choices' ? `(${found.words.join(' ')})` : ZSH_ACTIONS[found.kind];
    const values = option.metavar.slice(0, wordsOf(option)).map((name, index) => {
      const label = name.replace(/[{}:]/g, '');
      return `:${label}:${index === 0 ? action : ' '}`;
    });
    const about = summaryOf(option).replace(/[[\]:\\]/g, '\\$&');
    return option.names.map((name) => `    ${quoted(`*${name}[${about}]${values.join('')}`)}`);
  });
  return `#compdef mcp-proxy
# Completions of mcp-proxy for zsh: source <(mcp-proxy completion zsh), after compinit
_mcp_proxy() {
  local -a subcommands=(${SUBCOMMANDS.map(([word, about]) => quoted(`${word}:${about}`)).join(' ')})
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe -t subcommands subcommand subcommands
    _command_names -e
    return
  fi
  case $words[2] in
    completion) (( CURRENT == 3 )) && compadd ${SHELLS.join(' ')}; return ;;
    logout) return ;;
    check) shift words; (( CURRENT-- )) ;;
  esac
  _arguments -S \\
${specs.join(' \\\n')} \\
    '(-)1:command or URL: _command_names -e' \\
    '*::argument:_normal'
}
compdef _mcp_proxy mcp-proxy
`;
}

function fish(): string {
  const first = 'test (count (commandline -opc)) -eq 1';
  const isFirst = (word: string): string =>
    `test (count (commandline -opc)) -eq 2; and contains -- ${word} (commandline -opc)`;
  const options = OPTIONS.flatMap((option) => {
    const found = valuesOf(option);
    const values = {
      choices: () => ` -x -a ${quoted(found.kind === 'choices' ? found.words.join(' ') : '')}`,
      file: () => ' -r -F',
      folder: () => " -x -a '(__fish_complete_directories)'",
      any: () => ' -x',
    }[found.kind]();
    return option.names.map((name) => {
      const flag = name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
      return `complete -c mcp-proxy ${flag}${wordsOf(option) === 0 ? '' : values} -d ${quoted(summaryOf(option))}`;
    });
  });
  return `# Completions of mcp-proxy for fish: mcp-proxy completion fish | source
${SUBCOMMANDS.map(([word, about]) => `complete -c mcp-proxy -n ${quoted(first)} -f -a ${word} -d ${quoted(about)}`).join('\n')}
complete -c mcp-proxy -n ${quoted(first)} -a '(__fish_complete_command)'
complete -c mcp-proxy -n ${quoted(isFirst('completion'))} -f -a ${quoted(SHELLS.join(' '))}
${options.join('\n')}
`;
}
