import type { HelpFormatterOptions } from 'argparse';
import { EXAMPLES } from './examples.js';
import { GROUPS, OPTIONS, type Option } from './option-table.js';
import { USAGE } from './usage-error.js';

const DESCRIPTION = `\
Joins MCP clients and MCP servers that do not speak the same transport.

A command is started and served over HTTP (server mode). A URL is a remote server, which is served
on stdin and stdout, for clients that can only start a command (client mode). Where it wants
somebody to sign in, a browser is opened.

mcp-proxy check, before the rest of the same line, says whether it works, and why not; mcp-proxy
logout URL forgets a sign-in; mcp-proxy completion SHELL prints completions for bash, zsh or fish.`;

const EPILOG = `\
examples:
${EXAMPLES.map((line) => `  ${line}\n`).join('')}
environment:
  API_ACCESS_TOKEN    the same as --headers Authorization 'Bearer TOKEN'
  MCP_PROXY_API_KEYS  server mode: keys as in --api-key-file, a line for each
  BROWSER             the program that opens URLs to sign in; none: none does
  MCP_PROXY_CREDENTIALS_FILE
                      where sign-ins are kept, instead of the keychain and the usual file
  SSE_URL             deprecated: stands in for a missing URL`;

/** Columns, whatever the terminal has: the text is the same everywhere. */
const WIDTH = 100;

/** The text of `--help`. The formatter is loaded for it alone: every start would pay for it. */
export async function helpText(): Promise<string> {
  const { ArgumentParser, RawDescriptionHelpFormatter } = await import('argparse');
  class Formatter extends RawDescriptionHelpFormatter {
    constructor(options: HelpFormatterOptions) {
      super({ ...options, width: WIDTH, max_help_position: 30 });
    }
  }
  const parser = new ArgumentParser({
    prog: 'mcp-proxy',
    usage: USAGE.replace(/^usage: /, '').trimEnd(),
    description: DESCRIPTION,
    epilog: EPILOG,
    add_help: false,
    color: false,
    formatter_class: Formatter,
  });
  parser.add_argument('command_or_url', {
    nargs: '?',
    help: 'The command of the default server, or the URL of a remote one. It begins at the first word that is no option of the proxy, or after --.',
  });
  parser.add_argument('args', {
    nargs: '*',
    help: "The command's arguments. Options of the proxy are taken out of them, unless they stand after --.",
  });
  for (const [id, title] of Object.entries(GROUPS)) {
    const group = parser.add_argument_group(title);
    for (const option of OPTIONS) {
      const [name, ...more] = option.names;
      if (option.group === id) group.add_argument(name, ...more, { help: option.help, ...shape(option) });
    }
  }
  return `${parser.format_help().trimEnd()}\n`;
}

function shape({ arity, metavar }: Option): object {
  const [first = ''] = metavar;
  switch (arity) {
    case 'none':
    case 'switch':
      return { action: 'store_true' };
    case 'one':
      return { metavar: first };
    case 'two':
      return { nargs: 2, metavar: [...metavar] };
    case 'optional':
      return { nargs: '?', metavar: first };
    case 'many':
      return { nargs: '+', metavar: first };
  }
}
