import type { HelpFormatterOptions } from 'argparse';
import { OPTIONS, type Option } from './option-table.js';
import { USAGE } from './usage-error.js';

const DESCRIPTION = `\
Joins MCP clients and MCP servers that do not speak the same transport.

A command is started and served over HTTP (server mode). A URL is a remote server, which is served
on stdin and stdout, for clients that can only start a command (client mode). Where it wants
somebody to sign in, a browser is opened; mcp-proxy logout URL forgets the sign-in.`;

const EXAMPLES = `\
examples:
  mcp-proxy --port 8080 npx -y @modelcontextprotocol/server-everything
  mcp-proxy --port 8080 -- my-server --port 9000
  mcp-proxy --port 8080 --env API_KEY secret --cwd /srv my-server
  mcp-proxy --port 8080 --named-server files 'npx -y @modelcontextprotocol/server-filesystem /srv'
  mcp-proxy --port 8080 --named-server-config servers.json
  mcp-proxy --port 8080 --allow-origin https://app.example -- my-server
  mcp-proxy https://host/mcp
  mcp-proxy --headers Authorization 'Bearer TOKEN' https://host/sse
  mcp-proxy logout https://host/mcp

environment:
  API_ACCESS_TOKEN    the same as --headers Authorization 'Bearer TOKEN'
  MCP_PROXY_API_KEYS  server mode: keys as in --api-key-file, a line for each
  BROWSER             the program that opens URLs to sign in; none: none does
  MCP_PROXY_CREDENTIALS_FILE
                      where sign-ins are kept, instead of the keychain and the usual file
  SSE_URL             deprecated: stands in for a missing URL`;

const TITLES = {
  client: 'client mode (the first argument is a URL)',
  'default-server': 'the default server (server mode; the command)',
  server: 'server mode',
  both: 'both modes',
  check: 'mcp-proxy check',
} as const;

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
    epilog: EXAMPLES,
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
  for (const [scope, title] of Object.entries(TITLES)) {
    const group = parser.add_argument_group(title);
    for (const option of OPTIONS) {
      const [name, ...more] = option.names;
      if (option.scope === scope) group.add_argument(name, ...more, { help: option.help, ...shape(option) });
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
