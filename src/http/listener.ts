import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { hasGoodCertificate, takeBackCertificate } from '../auth/certificates.js';
import type { Emit } from '../observability/events.js';
import { Seldom } from '../observability/seldom.js';
import type { Answering } from './answering.js';
import { answerFaults } from './fault.js';
import type { TlsFiles } from './tls.js';

/** How long an idle connection is kept for its client's next request, in milliseconds: longer than the
 * 60 s of common reverse proxies, so that they close first and no request meets a closing connection. */
const KEEP_ALIVE_MS = 75_000;
/**
 * How long a connection is silent until the system asks whether its peer is still there, in milliseconds. Peers vanish
 * without a word (a cable, a laptop that is closed); where nothing is written, nobody would ever know.
 */
const PROBE_MS = 60_000;
/** How long a client may take to begin with TLS, in milliseconds: nobody is known before that. */
const HANDSHAKE_MS = 10_000;
/** How long the head of a request may take to come, from its connection or the request before on: Node's own number. */
const HEAD_MS = 60_000;
/** How long all of a request may take to come: the largest body comes through 2 Mbit/s in that time. Node's own number. */
const REQUEST_MS = 300_000;
/** How often is looked for requests that have taken longer, in milliseconds: Node's own number. */
const CHECK_MS = 30_000;

/**
 * Connections at once, where there may be no more sessions than usual: each of 10,000 has a stream, and a request beside
 * it. What the system lets a program have open may be less, and holds then.
 */
const MAX_CONNECTIONS = 20_000;
/** How often at most it is told that there are too many, in milliseconds. */
const TELL_AGAIN_MS = 10_000;

/** What is not set is the default. */
export interface ListenerLimits {
  /** How long a client may take to send its request, in milliseconds; past that its connection ends, with 408. */
  readonly headMs?: number | undefined;
  readonly requestMs?: number | undefined;
  /** Connections at once: one more is closed as soon as it is there. */
  readonly maxConnections?: number | undefined;
  /** Sessions that there may be; by default there is room for two connections of each. */
  readonly maxSessions?: number | undefined;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Where requests come from. */
export interface Listening {
  /**
   * Rejects with words where the port is taken or the host is not this machine's.
   *
   * @param port 0: the system chooses
   * @returns the real port
   */
  listen(host: string, port: number): Promise<number>;
  /** Waits until every answer is written, at most `ms` milliseconds; then nothing is left open. */
  close(ms: number): Promise<void>;
}

/** The port that the proxy listens on. */
export class Listener implements Listening {
  readonly #server: Server;
  readonly #answering: Answering;

  /**
   * @param emit told of what the handler fails on
   * @param tls undefined: plain HTTP
   * @param answering gets each answer
   */
  constructor(
    handler: Handler,
    emit: Emit,
    answering: Answering,
    tls?: TlsFiles,
    limits: ListenerLimits = {},
  ) {
    this.#answering = answering;
    const { headMs = HEAD_MS, requestMs = REQUEST_MS, maxSessions = 0 } = limits;
    const times = {
      keepAlive: true,
      keepAliveInitialDelay: PROBE_MS,
      headersTimeout: Math.min(headMs, requestMs),
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, headMs, requestMs),
    };
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answering.add(response);
      answerFaults(response, emit, () => handler(request, response));
    };
    this.#server = tls === undefined ? createServer(times, answer) : tlsServer(times, tls, answer);
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    // Streams stay open for as long as their client wants; only receiving a request has a limit.
    this.#server.timeout = 0;
    // Node would leave out what comes past 2000 of them, such as an Origin; how many there may be is for `ambiguity`.
    this.#server.maxHeadersCount = 0;
    const most = limits.maxConnections ?? Math.max(MAX_CONNECTIONS, 2 * maxSessions);
    this.#server.maxConnections = most;
    this.#server.on('drop', tellDropped(most, emit));
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new Error(explain(error, host, port))),
      );
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  async close(ms: number): Promise<void> {
    // Node counts a connection as idle, and would cut it, as soon as its answer is complete but on its way.
    await this.#answering.none(ms);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

/** Whoever finds no room is not told why: the system has taken the connection before anybody knows of it. */
function tellDropped(most: number, emit: Emit): () => void {
  const dropped = new Seldom(TELL_AGAIN_MS, performance);
  return () => {
    const count = dropped.due();
    if (count === 0) return;
    const what = count === 1 ? 'a connection was' : `${count} connections were`;
    emit({ level: 'warning', text: `${what} closed: there are ${most} already, as many as may be` });
  };
}

function tlsServer(options: object, tls: TlsFiles, answer: Handler): Server {
  const { needsCertificate } = tls;
  const asking = { requestCert: needsCertificate, rejectUnauthorized: needsCertificate };
  const server = createTlsServer(
    { ...options, ...tls.context, ...asking, handshakeTimeout: HANDSHAKE_MS },
    needsCertificate ? (request, response) => answer(request, endingWithCertificate(response)) : answer,
  );
  const open = new Set<TLSSocket>();
  if (needsCertificate) {
    server.on('secureConnection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
  }
  tls.watch((context, isOtherAuthority) => {
    server.setSecureContext(context);
    if (!isOtherAuthority) return;
    // Who has a certificate of the new authorities, too, connects again; calls that are open get their answer.
    for (const socket of open) takeBackCertificate(socket);
    server.closeIdleConnections();
  });
  server.once('close', () => tls.close());
  return server;
}

/** A connection whose certificate is over takes no more requests: each would be refused. */
function endingWithCertificate(response: ServerResponse): ServerResponse {
  const { socket } = response.req;
  if (!hasGoodCertificate(socket)) response.shouldKeepAlive = false;
  response.once('finish', () => {
    if (!hasGoodCertificate(socket)) socket.destroySoon();
  });
  return response;
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
