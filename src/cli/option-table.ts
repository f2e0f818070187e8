/**
 * The proxy's options as data: the splitter reads their shape here, the help and the completions of shells their words.
 *
 * Longer than most files: it is a table.
 */

/**
 * How many words belong to an option: `none`; `switch`, none, with a `--no-` form; `one`; `two`;
 * `optional`, one unless the next word is the URL; `many`, one or more.
 */
type Arity = 'none' | 'switch' | 'one' | 'two' | 'optional' | 'many';

/**
 * Where an option means something. `default-server`: server mode, and only with a default server. `check`: only after
 * that subcommand, in either mode.
 */
export type Scope = 'both' | 'client' | 'server' | 'default-server' | Subcommand;

/** First words that have options of their own. */
export type Subcommand = 'check';

/** What a person wants to do with the options of each group; in this order they are shown, the most used first. */
export const GROUPS = {
  serve: 'serve local servers (the first word is a command)',
  remote: 'use a remote server (the first word is a URL)',
  'sign-in': 'sign in to a remote server',
  access: 'say who may use the servers',
  web: 'let web pages and reverse proxies in',
  limits: 'set limits',
  protocol: 'choose the protocol',
  insight: 'see what happens',
  old: 'deprecated',
} as const;
type Group = keyof typeof GROUPS;

export interface Option {
  /** The long name without its dashes. */
  readonly id: string;
  /** Every spelling. */
  readonly names: readonly [string, ...string[]];
  readonly arity: Arity;
  readonly scope: Scope;
  readonly group: Group;
  /** What stands for the values in the help. */
  readonly metavar: readonly string[];
  readonly help: string;
}

function option(
  scope: Scope,
  group: Group,
  names: string,
  arity: Arity,
  metavar: readonly string[],
  help: string,
): Option {
  const [first = '', ...more] = names.split(' ');
  const long = [first, ...more].find((name) => name.startsWith('--')) ?? first;
  return { id: long.slice(2), names: [first, ...more], arity, scope, group, metavar, help };
}

export const OPTIONS: readonly Option[] = [
  option(
    'client',
    'remote',
    '-H --headers',
    'two',
    ['KEY', 'VALUE'],
    'A header for every request to the remote server; repeatable. An Authorization given here wins over API_ACCESS_TOKEN.',
  ),
  option(
    'client',
    'remote',
    '--transport',
    'one',
    ['{auto,sse,streamablehttp}'],
    'How to talk to the remote server. Default: auto, which tries Streamable HTTP first, then HTTP+SSE.',
  ),
  option(
    'client',
    'sign-in',
    '--client-id',
    'one',
    ['ID'],
    'OAuth: who this client is, as it is registered with the authorization server. Default: it registers itself.',
  ),
  option('client', 'sign-in', '--client-secret', 'one', ['SECRET'], 'OAuth: its secret, where it has one.'),
  option(
    'client',
    'sign-in',
    '--token-url',
    'one',
    ['URL'],
    'OAuth: where tokens are given out to the client itself (client credentials). Without it, a person signs in.',
  ),
  option(
    'client',
    'sign-in',
    '--client-metadata-url',
    'one',
    ['URL'],
    'OAuth: an https URL of a document that describes this client, where the authorization server takes such.',
  ),
  option(
    'client',
    'sign-in',
    '--redirect-port',
    'one',
    ['PORT'],
    'OAuth: the port of the redirect URI http://127.0.0.1:PORT/callback, where it is registered with one. Default: a free port.',
  ),
  option(
    'client',
    'sign-in',
    '--sign-in-timeout',
    'one',
    ['SECONDS'],
    'How long a request waits while a person signs in; the sign-in goes on. Default: 50.',
  ),
  option(
    'client',
    'sign-in',
    '--client-key-file',
    'one',
    ['FILE'],
    'OAuth: the private key of the client in PEM form. It gets tokens for itself with it, and nobody signs in.',
  ),
  option(
    'client',
    'sign-in',
    '--assertion-file',
    'one',
    ['FILE'],
    'OAuth: a JWT of the platform that the client runs on, made out for the authorization server (workload identity). It is redeemed for tokens, and nobody signs in. Read each time.',
  ),
  option(
    'client',
    'sign-in',
    '--id-token-file',
    'one',
    ['FILE'],
    'OAuth: the identity token of a person whose organisation says which servers they may use. It is exchanged there, and nobody signs in. Read each time.',
  ),
  option(
    'client',
    'sign-in',
    '--idp-token-url',
    'one',
    ['URL'],
    'OAuth: where the identity provider of that organisation exchanges it.',
  ),
  option('client', 'sign-in', '--idp-client-id', 'one', ['ID'], 'OAuth: who this client is there.'),
  option(
    'client',
    'sign-in',
    '--idp-client-secret-file',
    'one',
    ['FILE'],
    'OAuth: a file with its secret there, if any.',
  ),
  option(
    'client',
    'sign-in',
    '--no-browser',
    'none',
    [],
    'Open no browser to sign in; only print the URL, and a code for another device where there is one.',
  ),
  option(
    'client',
    'sign-in',
    '--device',
    'none',
    [],
    'Sign in on another device, where the authorization server has that.',
  ),
  option(
    'client',
    'remote',
    '--verify-ssl',
    'optional',
    ['VALUE'],
    'Check the certificate of the remote server: true (the default), false, or the path of a PEM file with the authorities to trust.',
  ),
  option('client', 'remote', '--no-verify-ssl', 'none', [], 'The same as --verify-ssl false.'),

  option(
    'server',
    'serve',
    '--port',
    'one',
    ['PORT'],
    'The port to listen on. Default: a free one, which is told at start.',
  ),
  option('server', 'serve', '--host', 'one', ['HOST'], 'The address to listen on. Default: 127.0.0.1.'),

  option(
    'server',
    'serve',
    '--named-server',
    'two',
    ['NAME', 'COMMAND_STRING'],
    'One more server, at /servers/NAME/; repeatable. The command is one string, quoted as for a shell.',
  ),
  option(
    'server',
    'serve',
    '--named-server-config',
    'one',
    ['FILE'],
    'A JSON file with an mcpServers section that names the servers; --named-server is then ignored.',
  ),

  option(
    'default-server',
    'serve',
    '-e --env',
    'two',
    ['KEY', 'VALUE'],
    "A variable for the default server's environment; repeatable.",
  ),
  option('default-server', 'serve', '--cwd', 'one', ['DIR'], "The default server's working directory."),
  option(
    'server',
    'serve',
    '--pass-environment --no-pass-environment',
    'switch',
    [],
    'Give the whole environment to every server process. Default: only what a process needs to start.',
  ),
  option(
    'server',
    'serve',
    '--sharing',
    'one',
    ['{auto,shared,session}'],
    'Which clients use which process. Default: auto: clients that a server can ask something have their own.',
  ),

  option('server', 'old', '--sse-port', 'one', ['PORT'], 'Deprecated name of --port.'),
  option('server', 'old', '--sse-host', 'one', ['HOST'], 'Deprecated name of --host.'),
  option(
    'server',
    'access',
    '--api-key-file',
    'one',
    ['FILE'],
    'A file of keys, one of which every request must have; a line for each: NAME:KEY, or the KEY alone, which is called # and the first 8 hexadecimal digits of its SHA-256. Read again when it changes.',
  ),
  option(
    'server',
    'access',
    '--auth-issuer',
    'one',
    ['URL'],
    'The OAuth authorization server whose access tokens let in, as they name it. JWTs are checked by its keys.',
  ),
  option(
    'server',
    'access',
    '--auth-audience',
    'one',
    ['AUDIENCE'],
    'What tokens must be for; a URL is where clients reach the proxy. Repeatable. Default: where it listens.',
  ),
  option(
    'server',
    'access',
    '--required-scope',
    'one',
    ['SCOPE'],
    'What every token must have been granted; repeatable.',
  ),
  option(
    'server',
    'access',
    '--auth-introspection-url',
    'one',
    ['URL'],
    'Ask there about each token (RFC 7662), instead of checking JWTs.',
  ),
  option('server', 'access', '--auth-client-id', 'one', ['ID'], 'Who the proxy is when it asks there.'),
  option('server', 'access', '--auth-client-secret-file', 'one', ['FILE'], 'A file with its secret.'),
  option(
    'server',
    'access',
    '--tls-cert',
    'one',
    ['FILE'],
    'Serve HTTPS with this certificate (PEM), and those between it and its authority. Read again when it changes.',
  ),
  option('server', 'access', '--tls-key', 'one', ['FILE'], 'Its private key (PEM).'),
  option(
    'server',
    'access',
    '--tls-client-ca',
    'one',
    ['FILE'],
    'Authorities (PEM) of client certificates, of which every client then needs one: its subject says who it is.',
  ),
  option(
    'server',
    'access',
    '--allow-unauthenticated',
    'none',
    [],
    'Listen on an address that others reach without asking them who they are: for a proxy behind another that does.',
  ),
  option(
    'server',
    'web',
    '--allow-origin',
    'many',
    ['ORIGIN'],
    'Web pages that may use the proxy, as in https://app.example; * is all. Repeatable. Default: none. Put -- between the last origin and the command.',
  ),
  option(
    'server',
    'web',
    '--allow-host',
    'one',
    ['HOST'],
    'A host name under which clients reach a proxy that listens on a loopback address, as through a reverse proxy on this machine; * is all. Repeatable. Default: the names of this machine.',
  ),
  option(
    'server',
    'web',
    '--expose-header',
    'one',
    ['HEADER'],
    'A response header that those pages may read, beside Mcp-Session-Id and WWW-Authenticate; repeatable.',
  ),
  option(
    'server',
    'web',
    '--base-path',
    'one',
    ['PREFIX'],
    'The path prefix under which a reverse proxy shows this one. Default: what it says in X-Forwarded-Prefix.',
  ),
  option(
    'server',
    'insight',
    '--inspect',
    'none',
    [],
    'Keep the last messages in memory, and show them on the page: where nobody is asked who they are, to whoever is on this machine, else to everyone what is theirs. Secrets are masked.',
  ),
  option(
    'server',
    'insight',
    '--inspect-access',
    'one',
    ['PRINCIPAL'],
    'Who sees the messages of others, too: key:NAME, token:ISSUER SUBJECT or certificate:SUBJECT. Repeatable.',
  ),
  option(
    'server',
    'protocol',
    '--stateless --no-stateless',
    'switch',
    [],
    'No sessions on Streamable HTTP. Default: sessions.',
  ),
  option(
    'server',
    'protocol',
    '--poll-after',
    'one',
    ['SECONDS'],
    'How long an answer may keep its stream open before a client of 2025-11-25 is asked to poll for it. Default: 0: for ever.',
  ),

  option(
    'server',
    'limits',
    '--max-body',
    'one',
    ['SIZE'],
    'Octets that the body of a POST may have, as in 1048576, 10MB or 64MiB. Default: 64MiB.',
  ),
  option(
    'server',
    'limits',
    '--max-line',
    'one',
    ['SIZE'],
    'Octets that a line of a server process may have. Default: 65MiB.',
  ),
  option(
    'server',
    'limits',
    '--max-sessions',
    'one',
    ['N'],
    'Sessions at once, of all servers together. Default: 10000.',
  ),
  option(
    'server',
    'limits',
    '--max-connections',
    'one',
    ['N'],
    'Connections at once; one more is closed. Default: 20000, or two for each session where that is more.',
  ),
  option(
    'server',
    'limits',
    '--max-processes',
    'one',
    ['N'],
    'Processes at once, of each server. Default: 100.',
  ),
  option(
    'both',
    'limits',
    '--max-in-flight',
    'one',
    ['N'],
    'Requests that one session may have open; to a remote server, those of its client. Default: 1000.',
  ),
  option(
    'both',
    'limits',
    '--request-timeout',
    'one',
    ['SECONDS'],
    'Longest time for one request; progress starts it again. Default: 0: no limit.',
  ),
  option(
    'both',
    'limits',
    '--max-request-timeout',
    'one',
    ['SECONDS'],
    'Longest time for one request, whatever its progress; 0: no limit. Default: 10 times --request-timeout.',
  ),
  option(
    'server',
    'limits',
    '--start-timeout',
    'one',
    ['SECONDS'],
    'Longest wait for the first answer of a server process, which is ended then. Default: 300.',
  ),
  option(
    'server',
    'limits',
    '--session-idle',
    'one',
    ['SECONDS'],
    'When a session ends that has no request and no stream open; 0: never. Default: 1800.',
  ),
  option(
    'server',
    'limits',
    '--process-idle',
    'one',
    ['SECONDS'],
    'When a process ends that no session uses; 0: never. Default: 900.',
  ),

  option(
    'both',
    'limits',
    '--stop-timeout',
    'one',
    ['SECONDS'],
    'How long requests that are under way may take to finish when the proxy ends. Default: 5.',
  ),
  option(
    'both',
    'protocol',
    '--upstream-era',
    'one',
    ['{auto,legacy,modern}'],
    'What the servers speak: legacy (MCP up to 2025-11-25) or modern (since 2026-07-28). Default: auto: they are asked.',
  ),
  option(
    'both',
    'insight',
    '--log-level',
    'one',
    ['{debug,info,warning,error,critical}'],
    'What is written to stderr. Default: info; critical is the same as error.',
  ),
  option(
    'both',
    'insight',
    '--log-format',
    'one',
    ['{auto,text,json}'],
    'Lines of text, or one JSON object a line. Default: auto: JSON in server mode where stderr is no terminal.',
  ),
  option(
    'both',
    'insight',
    '--debug --no-debug',
    'switch',
    [],
    'The same as --log-level debug, and wins over it.',
  ),
  option(
    'check',
    'insight',
    '--json',
    'none',
    [],
    'Write the result of mcp-proxy check as one JSON document.',
  ),
  option('both', 'insight', '-h --help', 'none', [], 'Show this and end.'),
  option('both', 'insight', '--version', 'none', [], 'Show the version and end.'),
];

const BY_NAME = new Map(OPTIONS.flatMap((one) => one.names.map((name) => [name, one] as const)));

/** The option of exactly this name; options are never abbreviated. */
export function optionNamed(name: string): Option | undefined {
  return BY_NAME.get(name);
}
