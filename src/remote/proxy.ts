import { type Failure, networkReason } from './failure.js';

/** A proxy on the way to a remote server, and the environment variable that names it. */
export interface OutboundProxy {
  readonly variable: string;
  readonly url: URL;
}

/** The same for texts. */
export interface NamedProxy {
  readonly variable: string;
  /** Its URL as it may be shown. */
  readonly where: string;
}

/** The proxy does not give a tunnel. */
export class ProxyRefused extends Error {
  /** Its HTTP status. */
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered with HTTP status ${status}`);
    this.status = status;
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** Variables that name the proxy, the first one that is set, by the protocol of the remote's URL. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'],
};

const PROTOCOLS = ['http:', 'https:'];

/**
 * The proxy for requests to `origin`. NO_PROXY holds, as hosts whose subdomains count too, and so does this
 * machine itself, which no proxy can reach for us.
 * Throws an `Error` in words, without the value, where the variable holds no URL, or that of a SOCKS proxy.
 */
export function proxyFor(origin: string, env: Env): OutboundProxy | undefined {
  const { protocol, hostname, port } = new URL(origin);
  const variable = VARIABLES[protocol]?.find((name) => env[name] !== undefined);
  const value = variable === undefined ? undefined : env[variable]?.trim();
  if (variable === undefined || value === undefined || value === '') return undefined;
  const portNumber = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  if (isLoopback(hostname) || isExempt(hostname, portNumber, env.no_proxy ?? env.NO_PROXY ?? '')) {
    return undefined;
  }
  const text = value.includes('://') ? value : `http://${value}`;
  if (/^socks/i.test(text)) {
    throw new Error(
      `The environment variable ${variable} names a SOCKS proxy, which is not supported: give an HTTP proxy, as http://HOST:PORT, or put the host in NO_PROXY.`,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isUsable(url)) {
    throw new Error(
      `The environment variable ${variable} does not hold the URL of a proxy, like http://HOST:PORT.`,
    );
  }
  return { variable, url };
}

function isUsable({ hostname, protocol, username, password }: URL): boolean {
  // A `%` that encodes nothing is part of no user name or password.
  const hasLonePercent = /%(?![0-9a-f]{2})/i.test(username + password);
  return hostname !== '' && PROTOCOLS.includes(protocol) && !hasLonePercent;
}

/** What is said of a status that the proxy may have given as well as the server behind it. */
export function maybeProxy({ where, variable }: NamedProxy): string {
  return ` The answer may be that of the proxy ${where} (${variable}).`;
}

/** The `Proxy-Authorization` for the user part of the proxy's URL, if it has one. */
export function proxyAuthorization({ url }: OutboundProxy): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** What must not be shown of it: its password, or a user that has none, and the header that this makes. */
export function proxySecrets(proxy: OutboundProxy | undefined): string[] {
  if (proxy === undefined) return [];
  const { username, password } = proxy.url;
  return [password || username, proxyAuthorization(proxy) ?? ''].filter((secret) => secret !== '');
}

/** Why there is no connection through the proxy; undefined where that is not for the proxy to say. */
export function proxyFailure(error: Error, proxy: NamedProxy, where: string): Failure | undefined {
  if (error instanceof ProxyRefused) return proxyRefusal(proxy, where, error.status);
  const reason = networkReason(error);
  return reason === undefined ? undefined : proxyUnreachable(proxy, where, reason);
}

/** No connection to the proxy: `reason` in words, with no end. */
function proxyUnreachable(proxy: NamedProxy, where: string, reason: string): Failure {
  const text = `${naming(proxy, where)} cannot be reached: ${reason}. Check ${proxy.variable}, or put the host in NO_PROXY.`;
  return { kind: 'unreachable', text };
}

/** The proxy's own no, with this HTTP status. */
export function proxyRefusal(proxy: NamedProxy, where: string, status: number): Failure {
  const hint =
    status === 407
      ? `It wants credentials: put them in ${proxy.variable}, as http://USER:PASSWORD@HOST:PORT.`
      : `Check ${proxy.variable}, or put the host in NO_PROXY.`;
  const isPassing = status === 502 || status === 503 || status === 504;
  return {
    kind: isPassing ? 'unreachable' : 'refused',
    text: `${naming(proxy, where)} answered with HTTP status ${status}. ${hint}`,
    status,
  };
}

function naming(proxy: NamedProxy, where: string): string {
  return `The proxy ${proxy.where} (${proxy.variable}), through which ${where} is asked,`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || host.startsWith('127.');
}

function isExempt(host: string, port: string, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => {
    const [, name = '', only = port] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    const bare = name.replace(/^\*?\.?/, '');
    if (only !== port || name === '') return false;
    return bare === '' || host === bare || host.endsWith(`.${bare}`);
  });
}
