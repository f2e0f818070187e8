import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long an idle connection is kept for its client's next request, in milliseconds: longer than the
 * 60 s of common reverse proxies, so that they close first and no request meets a closing connection. */
const KEEP_ALIVE_MS = 75_000;

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The port that the proxy listens on. */
export class Listener {
  readonly #server: Server;

  constructor(handler: Handler) {
    this.#server = createServer(handler);
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    // Streams stay open for as long as their client wants; only receiving a request has a limit (Node's 300 s).
    this.#server.timeout = 0;
  }

  /**
   * Listens. Rejects with words where the port is taken or the host is not this machine's.
   *
   * @param port 0: the system chooses
   * @returns the real port
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new Error(explain(error, host, port))),
      );
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /**
   * Takes no more connections. Those that are idle end; the others do when their answer is written, at
   * the latest after `ms` milliseconds.
   */
  async close(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    this.#server.closeIdleConnections();
    await Promise.race([closed, late]);
    clearTimeout(timer);
    this.#server.closeAllConnections();
    await closed;
  }
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use by another program; choose another with --port, or 0 for a free one`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine; see --host`;
    case 'EACCES':
      return `this user may not listen on port ${port}; choose one above 1023 with --port`;
    default:
      return `can't listen on ${host}, port ${port}: ${error.message}`;
  }
}
