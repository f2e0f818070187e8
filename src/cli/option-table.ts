/** The proxy's options as data: the splitter reads their shape here, the help their words. */

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

export interface Option {
  /** The long name without its dashes. */
  readonly id: string;
  /** Every spelling. */
  readonly names: readonly [string, ...string[]];
  readonly arity: Arity;
  readonly scope: Scope;
  /** What stands for the values in the help. */
  readonly metavar: readonly string[];
  readonly help: string;
}

function option(scope: Scope, names: string, arity: Arity, metavar: readonly string[], help: string): Option {
  const [first = '', ...more] = names.split(' ');
  const long = [first, ...more].find((name) => name.startsWith('--')) ?? first;
  return { id: long.slice(2), names: [first, ...more], arity, scope, metavar, help };
}

export const OPTIONS: readonly Option[] = [
  option(
    'client',
    '-H --headers',
    'two',
    ['KEY', 'VALUE'],
    'A header for every request to the remote server; repeatable. An Authorization given here wins over API_ACCESS_TOKEN.',
  ),
  option(
    'client',
    '--transport',
    'one',
    ['{auto,sse,streamablehttp}'],
    'How to talk to the remote server. Default: auto, which tries Streamable HTTP first, then HTTP+SSE.',
  ),
  option(
    'client',
    '--client-id',
    'one',
    ['ID'],
    'OAuth: who this client is, as it is registered with the authorization server. Default: it registers itself.',
  ),
  option('client', '--client-secret', 'one', ['SECRET'], 'OAuth: its secret, where it has one.'),
  option(
    'client',
    '--token-url',
    'one',
    ['URL'],
    'OAuth: where tokens are given out to the client itself (client credentials). Without it, a person signs in.',
  ),
  option(
    'client',
    '--client-metadata-url',
    'one',
    ['URL'],
    'OAuth: an https URL of a document that describes this client, where the authorization server takes such.',
  ),
  option(
    'client',
    '--redirect-port',
    'one',
    ['PORT'],
    'OAuth: the port of the redirect URI http://127.0.0.1:PORT/callback, where it is registered with one. Default: a free port.',
  ),
  option(
    'client',
    '--sign-in-timeout',
    'one',
    ['SECONDS'],
    'How long a request waits while a person signs in; the sign-in goes on. Default: 50.',
  ),
  option(
    'client',
    '--client-key-file',
    'one',
    ['FILE'],
    'OAuth: the private key of the client in PEM form. It gets tokens for itself with it, and nobody signs in.',
  ),
  option(
    'client',
    '--assertion-file',
    'one',
    ['FILE'],
    'OAuth: a JWT of the platform that the client runs on, made out for the authorization server (workload identity). It is redeemed for tokens, and nobody signs in. Read each time.',
  ),
  option(
    'client',
    '--id-token-file',
    'one',
    ['FILE'],
    'OAuth: the identity token of a person whose organisation says which servers they may use. It is exchanged there, and nobody signs in. Read each time.',
  ),
  option(
    'client',
    '--idp-token-url',
    'one',
    ['URL'],
    'OAuth: where the identity provider of that organisation exchanges it.',
  ),
  option('client', '--idp-client-id', 'one', ['ID'], 'OAuth: who this client is there.'),
  option(
    'client',
    '--idp-client-secret-file',
    'one',
    ['FILE'],
    'OAuth: a file with its secret there, if any.',
  ),
  option(
    'client',
    '--no-browser',
    'none',
    [],
    'Open no browser to sign in; only print the URL, and a code for another device where there is one.',
  ),
  option(
    'client',
    '--device',
    'none',
    [],
    'Sign in on another device, where the authorization server has that.',
  ),
  option(
    'client',
    '--verify-ssl',
    'optional',
    ['VALUE'],
    'Check the certificate of the remote server: true (the default), false, or the path of a PEM file with the authorities to trust.',
  ),
  option('client', '--no-verify-ssl', 'none', [], 'The same as --verify-ssl false.'),

  option(
    'default-server',
    '-e --env',
    'two',
    ['KEY', 'VALUE'],
    'A variable for its environment; repeatable.',
  ),
  option('default-server', '--cwd', 'one', ['DIR'], 'Its working directory.'),

  option(
    'server',
    '--named-server',
    'two',
    ['NAME', 'COMMAND_STRING'],
    'One more server, at /servers/NAME/; repeatable. The command is one string, quoted as for a shell.',
  ),
  option(
    'server',
    '--named-server-config',
    'one',
    ['FILE'],
    'A JSON file with an mcpServers section that names the servers; --named-server is then ignored.',
  ),
  option(
    'server',
    '--pass-environment --no-pass-environment',
    'switch',
    [],
    'Give the whole environment to every server process. Default: only what a process needs to start.',
  ),
  option(
    'server',
    '--sharing',
    'one',
    ['{auto,shared,session}'],
    'Which clients use which process. Default: auto: clients that a server can ask something have their own.',
  ),

  option(
    'server',
    '--port',
    'one',
    ['PORT'],
    'The port to listen on. Default: a free one, which is told at start.',
  ),
  option('server', '--host', 'one', ['HOST'], 'The address to listen on. Default: 127.0.0.1.'),
  option('server', '--sse-port', 'one', ['PORT'], 'Deprecated name of --port.'),
  option('server', '--sse-host', 'one', ['HOST'], 'Deprecated name of --host.'),
  option(
    'server',
    '--api-key-file',
    'one',
    ['FILE'],
    'A file of keys, one of which every request must have; a line for each: NAME:KEY, or the KEY alone, which is called # and the first 8 hexadecimal digits of its SHA-256. Read again when it changes.',
  ),
  option(
    'server',
    '--auth-issuer',
    'one',
    ['URL'],
    'The OAuth authorization server whose access tokens let in, as they name it. JWTs are checked by its keys.',
  ),
  option(
    'server',
    '--auth-audience',
    'one',
    ['AUDIENCE'],
    'What tokens must be for; a URL is where clients reach the proxy. Repeatable. Default: where it listens.',
  ),
  option(
    'server',
    '--required-scope',
    'one',
    ['SCOPE'],
    'What every token must have been granted; repeatable.',
  ),
  option(
    'server',
    '--auth-introspection-url',
    'one',
    ['URL'],
    'Ask there about each token (RFC 7662), instead of checking JWTs.',
  ),
  option('server', '--auth-client-id', 'one', ['ID'], 'Who the proxy is when it asks there.'),
  option('server', '--auth-client-secret-file', 'one', ['FILE'], 'A file with its secret.'),
  option(
    'server',
    '--tls-cert',
    'one',
    ['FILE'],
    'Serve HTTPS with this certificate (PEM), and those between it and its authority. Read again when it changes.',
  ),
  option('server', '--tls-key', 'one', ['FILE'], 'Its private key (PEM).'),
  option(
    'server',
    '--tls-client-ca',
    'one',
    ['FILE'],
    'Authorities (PEM) of client certificates, of which every client then needs one: its subject says who it is.',
  ),
  option(
    'server',
    '--allow-unauthenticated',
    'none',
    [],
    'Listen on an address that others reach without asking them who they are: for a proxy behind another that does.',
  ),
  option(
    'server',
    '--allow-origin',
    'many',
    ['ORIGIN'],
    'Web pages that may use the proxy, as in https://app.example; * is all. Repeatable. Default: none. Put -- between the last origin and the command.',
  ),
  option(
    'server',
    '--allow-host',
    'one',
    ['HOST'],
    'A host name under which clients reach a proxy that listens on a loopback address, as through a reverse proxy on this machine; * is all. Repeatable. Default: the names of this machine.',
  ),
  option(
    'server',
    '--expose-header',
    'one',
    ['HEADER'],
    'A response header that those pages may read, beside Mcp-Session-Id and WWW-Authenticate; repeatable.',
  ),
  option(
    'server',
    '--base-path',
    'one',
    ['PREFIX'],
    'The path prefix under which a reverse proxy shows this one. Default: what it says in X-Forwarded-Prefix.',
  ),
  option(
    'server',
    '--inspect',
    'none',
    [],
    'Keep the last messages in memory, and show them on the page: where nobody is asked who they are, to whoever is on this machine, else to everyone what is theirs. Secrets are masked.',
  ),
  option(
    'server',
    '--inspect-access',
    'one',
    ['PRINCIPAL'],
    'Who sees the messages of others, too: key:NAME, token:ISSUER SUBJECT or certificate:SUBJECT. Repeatable.',
  ),
  option(
    'server',
    '--stateless --no-stateless',
    'switch',
    [],
    'No sessions on Streamable HTTP. Default: sessions.',
  ),
  option(
    'server',
    '--poll-after',
    'one',
    ['SECONDS'],
    'How long an answer may keep its stream open before a client of 2025-11-25 is asked to poll for it. Default: 0: for ever.',
  ),

  option(
    'server',
    '--max-body',
    'one',
    ['SIZE'],
    'Octets that the body of a POST may have, as in 1048576, 10MB or 64MiB. Default: 64MiB.',
  ),
  option(
    'server',
    '--max-line',
    'one',
    ['SIZE'],
    'Octets that a line of a server process may have. Default: 65MiB.',
  ),
  option(
    'server',
    '--max-sessions',
    'one',
    ['N'],
    'Sessions at once, of all servers together. Default: 10000.',
  ),
  option(
    'server',
    '--max-connections',
    'one',
    ['N'],
    'Connections at once; one more is closed. Default: 20000, or two for each session where that is more.',
  ),
  option('server', '--max-processes', 'one', ['N'], 'Processes at once, of each server. Default: 100.'),
  option(
    'both',
    '--max-in-flight',
    'one',
    ['N'],
    'Requests that one session may have open; to a remote server, those of its client. Default: 1000.',
  ),
  option(
    'both',
    '--request-timeout',
    'one',
    ['SECONDS'],
    'Longest time for one request; progress starts it again. Default: 0: no limit.',
  ),
  option(
    'both',
    '--max-request-timeout',
    'one',
    ['SECONDS'],
    'Longest time for one request, whatever its progress; 0: no limit. Default: 10 times --request-timeout.',
  ),
  option(
    'server',
    '--start-timeout',
    'one',
    ['SECONDS'],
    'Longest wait for the first answer of a server process, which is ended then. Default: 300.',
  ),
  option(
    'server',
    '--session-idle',
    'one',
    ['SECONDS'],
    'When a session ends that has no request and no stream open; 0: never. Default: 1800.',
  ),
  option(
    'server',
    '--process-idle',
    'one',
    ['SECONDS'],
    'When a process ends that no session uses; 0: never. Default: 900.',
  ),

  option(
    'both',
    '--stop-timeout',
    'one',
    ['SECONDS'],
    'How long requests that are under way may take to finish when the proxy ends. Default: 5.',
  ),
  option(
    'both',
    '--upstream-era',
    'one',
    ['{auto,legacy,modern}'],
    'What the servers speak: legacy (MCP up to 2025-11-25) or modern (since 2026-07-28). Default: auto: they are asked.',
  ),
  option(
    'both',
    '--log-level',
    'one',
    ['LEVEL'],
    'What is written to stderr: debug, info (the default), warning, error or critical.',
  ),
  option(
    'both',
    '--log-format',
    'one',
    ['{auto,text,json}'],
    'Lines of text, or one JSON object a line. Default: auto: JSON in server mode where stderr is no terminal.',
  ),
  option('both', '--debug --no-debug', 'switch', [], 'The same as --log-level debug, and wins over it.'),
  option('check', '--json', 'none', [], 'Write the result of mcp-proxy check as one JSON document.'),
  option('both', '-h --help', 'none', [], 'Show this and end.'),
  option('both', '--version', 'none', [], 'Show the version and end.'),
];

const BY_NAME = new Map(OPTIONS.flatMap((one) => one.names.map((name) => [name, one] as const)));

/** The option of exactly this name; options are never abbreviated. */
export function optionNamed(name: string): Option | undefined {
  return BY_NAME.get(name);
}
