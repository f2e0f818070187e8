import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { readBundle } from './ca-bundle.js';
import { type OutboundProxy, proxyAuthorization } from './proxy.js';

/** TLS verification: on, off, or the path of a PEM file with the certificate authorities to trust. */
export type Verify = boolean | string;

/**
 * A connection on which nothing came for this long, in ms, is asked by the system whether its peer is still
 * there. Ten questions without an answer, 1 s apart (Node's own numbers), end it: so a peer that has vanished, or
 * a network that has changed, costs 40 s. Well below the minute or more after which routers and firewalls forget
 * a silent connection.
 */
const KEEP_ALIVE = 30_000;

/** The way that connections to one server go. TLS and tunnels are loaded where it has some: starts are waited for. */
export class Way {
  readonly #origin: URL;
  readonly #proxy: OutboundProxy | undefined;
  /** Milliseconds until a connection must stand, tunnel and TLS included. */
  readonly timeout: number;
  readonly #verify: boolean;
  readonly #ca: string | undefined;
  #context: SecureContext | undefined;
  /** With which the next TLS handshake with the server is short. */
  #session: Buffer | undefined;
  readonly #serverName: string;

  /**
   * @param host the `Host` that the requests have, if it is another than the origin's: TLS asks for that server
   * @param timeout milliseconds
   * Throws an `Error` in words where the CA bundle cannot be read.
   */
  constructor(
    origin: string,
    host: string | undefined,
    verify: Verify,
    timeout: number,
    proxy: OutboundProxy | undefined,
  ) {
    this.#origin = new URL(origin);
    this.#proxy = proxy;
    this.timeout = timeout;
    this.#verify = verify !== false;
    this.#ca = typeof verify === 'string' ? readBundle(verify) : undefined;
    this.#serverName = serverName(host?.replace(/:\d*$/, '') ?? this.#origin.hostname);
  }

  /** A socket that connects to the server, or to the proxy in front of it. `ready`: it stands. */
  begin(ready: () => void): Socket {
    const first = this.#proxy?.url ?? this.#origin;
    const { protocol, hostname } = first;
    const isSecure = protocol === 'https:';
    const address = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(first.port === '' ? (isSecure ? 443 : 80) : first.port),
    };
    if (!isSecure) return connect(address).once('connect', ready);
    return this.#proxy === undefined
      ? this.#secure(address, ready)
      : this.#tls({ ...address, servername: serverName(hostname) }, ready);
  }

  /**
   * Makes of a connection to the proxy one to the server, where it takes a tunnel: ordinary proxies allow one to
   * port 443 only, and pass on what is not encrypted. Undefined: there is nothing more to do.
   */
  get tunnel(): ((socket: Socket, follow: Follow) => void) | undefined {
    const proxy = this.#proxy;
    if (proxy === undefined || this.#origin.protocol !== 'https:') return undefined;
    const { hostname, port } = this.#origin;
    const target = `${hostname}:${port === '' ? 443 : port}`;
    return (socket, { follow, opened, failed }) => {
      const dug = (far: Socket): void => {
        follow(this.#secure({ socket: far }, opened));
      };
      import('./tunnel.js').then(({ digTunnel }) => {
        digTunnel(socket, target, proxyAuthorization(proxy), dug, failed);
      }, failed);
    };
  }

  /** TLS with the server itself. */
  #secure(to: ConnectionOptions, ready: () => void): Socket {
    const session = this.#session === undefined ? {} : { session: this.#session };
    const socket = this.#tls({ ...to, ...session, servername: this.#serverName }, ready);
    return socket.on('session', (session: Buffer) => {
      this.#session = session;
    });
  }

  #tls(to: ConnectionOptions, ready: () => void): Socket {
    const tls = process.getBuiltinModule('node:tls');
    this.#context ??= tls.createSecureContext(this.#ca === undefined ? {} : { ca: this.#ca });
    return tls
      .connect({
        ...to,
        secureContext: this.#context,
        rejectUnauthorized: this.#verify,
        ALPNProtocols: ['http/1.1'],
      })
      .once('secureConnect', ready);
  }
}

/** What becomes of a connection on its way. */
interface Follow {
  /** It goes on as this socket. */
  follow(socket: Socket): void;
  opened(): void;
  failed(error: Error): void;
}

/** A connection that is being opened. Exactly one of the two is called, later, unless it is cancelled. */
export class Opening {
  readonly #opened: (socket: Socket) => void;
  readonly #failed: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  #socket: Socket | undefined;
  #over = false;

  constructor(way: Way, opened: (socket: Socket) => void, failed: (error: Error) => void) {
    this.#opened = opened;
    this.#failed = failed;
    this.#timer = setTimeout(() => this.#fail(tooSlow()), way.timeout);
    const socket = way.begin(() => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE);
      const { tunnel } = way;
      if (tunnel === undefined) this.#succeed();
      else if (!this.#over) {
        tunnel(socket, {
          follow: (next) => this.#follow(next),
          opened: () => this.#succeed(),
          failed: (error) => this.#fail(error),
        });
      }
    });
    this.#follow(socket);
  }

  cancel(): void {
    this.#finish();
    this.#socket?.destroy();
  }

  #follow(socket: Socket): void {
    this.#socket = socket;
    // The listeners stay: an error that nobody listens to would end the program.
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(hangUp()));
    if (this.#over) socket.destroy();
  }

  #succeed(): void {
    if (this.#over || this.#socket === undefined) return;
    this.#finish();
    this.#opened(this.#socket);
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.cancel();
    this.#failed(error);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}

/** For TLS (SNI). Addresses are not named there (RFC 6066, section 3). */
function serverName(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? bare : '';
}

/** As the system itself says it. */
function tooSlow(): Error {
  return Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT', syscall: 'connect' });
}

/** As Node says it of a connection that ends before an answer. */
export function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
