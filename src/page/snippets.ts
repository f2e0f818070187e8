/** What to paste or click, so that a client uses a server of the proxy. Pure: nothing here knows of a page. */

/** A server as a client is to reach it. */
export interface Reached {
  /** What it is to be called there; any text. */
  readonly name: string;
  readonly url: string;
  /** Headers that every request must have; the values are what the person puts in place of them. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the person puts in place of the key, where one is sent as `Authorization: Bearer KEY`. */
  readonly key: string | undefined;
}

export interface Snippet {
  readonly client: string;
  /** Where the text goes. */
  readonly where: string;
  readonly text: string;
  /** Does the same with a click, where no value has to be put in. */
  readonly link: string | undefined;
}

/** Characters of a name that every client and shell takes. */
const MAX_NAME = 60;

/** A name that clients take: letters, digits, dash and underscore. */
export function plainName(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, MAX_NAME)
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'mcp-server' : plain;
}

export function snippets(server: Reached): Snippet[] {
  const name = plainName(server.name);
  const http = { type: 'http', url: server.url, ...headersPart(server) };
  const command = commandOf(server);
  return [
    {
      client: 'Claude Code',
      where: 'in a terminal',
      text: claudeCode(name, server),
      link: undefined,
    },
    {
      client: 'Claude Desktop',
      where: 'claude_desktop_config.json; it starts a command',
      text: json({ mcpServers: { [name]: command } }),
      link: undefined,
    },
    {
      client: 'VS Code',
      where: '.vscode/mcp.json',
      text: json({ servers: { [name]: http } }),
      link: `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name, ...http }))}`,
    },
    {
      client: 'Cursor',
      where: '.cursor/mcp.json',
      text: json({ mcpServers: { [name]: { url: server.url, ...headersPart(server) } } }),
      link: cursorLink(name, { url: server.url, ...headersPart(server) }),
    },
    {
      client: 'mcp.json',
      where: 'many clients',
      text: json({ mcpServers: { [name]: http } }),
      link: undefined,
    },
    {
      client: 'A client that can only start a command',
      where: 'with Node on this machine',
      text: json({ mcpServers: { [name]: command } }),
      link: undefined,
    },
    {
      client: 'The command by itself',
      where: 'where mcp-proxy is installed; else npx -y mcp-relay in its place',
      text: shellLine(['mcp-proxy', ...headerWords(server), server.url], server.key),
      link: undefined,
    },
  ];
}

function headersOf({ headers, key }: Reached): Readonly<Record<string, string>> {
  return key === undefined ? headers : { Authorization: `Bearer ${key}`, ...headers };
}

function headersPart(server: Reached): { readonly headers?: Readonly<Record<string, string>> } {
  const headers = headersOf(server);
  return Object.keys(headers).length === 0 ? {} : { headers };
}

/** `--headers NAME VALUE` for all but the key, which goes into the environment: arguments are seen by everybody. */
function headerWords({ headers }: Reached): string[] {
  return Object.entries(headers).flatMap(([name, value]) => ['--headers', name, value]);
}

function commandOf(server: Reached): object {
  return {
    command: 'npx',
    args: ['-y', 'mcp-relay', ...headerWords(server), server.url],
    ...(server.key === undefined ? {} : { env: { API_ACCESS_TOKEN: server.key } }),
  };
}

function claudeCode(name: string, server: Reached): string {
  const headers = Object.entries(headersOf(server)).flatMap(([header, value]) => [
    '--header',
    `${header}: ${value}`,
  ]);
  return shellLine(['claude', 'mcp', 'add', '--transport', 'http', name, server.url, ...headers], undefined);
}

function cursorLink(name: string, config: object): string {
  // ASCII only in a URL and in a plain name; in the value of a header too (RFC 9110, section 5.5).
  const encoded = btoa(JSON.stringify(config));
  return `cursor://anysphere.cursor-deeplink/mcp/install?name=${encodeURIComponent(name)}&config=${encodeURIComponent(encoded)}`;
}

function shellLine(words: readonly string[], key: string | undefined): string {
  const line = words.map(shellWord).join(' ');
  return key === undefined ? line : `API_ACCESS_TOKEN=${shellWord(key)} ${line}`;
}

/** A word that a POSIX shell takes as it is. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}
