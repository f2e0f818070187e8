import type { Socket } from 'node:net';
import { Opening, type Way } from './opening.js';

/**
 * Longest time, in ms, that a connection waits for the next request, whatever its server offers: what is written
 * on one that is dead meanwhile is repeated by the system for a quarter of an hour before that is told.
 */
const MAX_IDLE = 30_000;

/** The same where the server does not say how long it waits: common ones do for 5 s. */
const UNTOLD_IDLE = 4_000;

/** A server that says how long it waits is left so many ms before, lest it closes what is written on just then. */
const MARGIN = 2_000;

/** How often, in ms, it is looked for connections that have waited for long enough. */
const SWEEP = 1_000;

/** One that stands. */
export class Connection {
  readonly socket: Socket;
  /** Milliseconds that it may wait for the next request. */
  #patience = UNTOLD_IDLE;
  #idleUntil = Number.POSITIVE_INFINITY;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** `Keep-Alive` of an answer that it brought. */
  told(keepAlive: string | undefined): void {
    const seconds = keepAlive === undefined ? undefined : /timeout=(\d+)/.exec(keepAlive)?.[1];
    this.#patience =
      seconds === undefined ? UNTOLD_IDLE : Math.min(Number(seconds) * 1000 - MARGIN, MAX_IDLE);
  }

  get isIdle(): boolean {
    return this.#idleUntil !== Number.POSITIVE_INFINITY;
  }

  /** It waits for a request, and keeps no process alive over that. */
  rest(now: number): void {
    this.#idleUntil = now + this.#patience;
    this.socket.unref();
  }

  wake(): void {
    this.#idleUntil = Number.POSITIVE_INFINITY;
    this.socket.ref();
  }

  /** Whether a request may be written on it. */
  isFit(now: number): boolean {
    return this.socket.writable && !this.socket.readableEnded && now < this.#idleUntil;
  }
}

/** Who wants a connection. Exactly one of the two is called, unless it is cancelled. */
export interface Waiting {
  connected(connection: Connection): void;
  failed(error: Error): void;
}

/**
 * Kept-alive connections to one server. The one that was used last is used first, so that those which are not needed
 * any more end.
 */
export class Connections {
  readonly #way: Way;
  readonly #limit: number;
  readonly #all = new Set<Connection>();
  /** The last one was used last. */
  readonly #idle: Connection[] = [];
  readonly #openings = new Map<Waiting, Opening>();
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  #sweeping: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param limit how many there may be at once; who comes beyond that waits */
  constructor(way: Way, limit: number) {
    this.#way = way;
    this.#limit = limit;
  }

  /** Asks for one. */
  ask(one: Waiting): void {
    if (this.#closed) {
      one.failed(closedError());
      return;
    }
    const connection = this.#takeIdle();
    if (connection !== undefined) one.connected(connection);
    else if (this.#hasRoom) this.#open(one);
    else this.#waiting.add(one);
  }

  /** Whoever asked for one, and has none yet, wants none any more. */
  cancel(one: Waiting): void {
    if (this.#waiting.delete(one)) return;
    this.#openings.get(one)?.cancel();
    if (this.#openings.delete(one)) this.#openNext();
  }

  /** It can take the next request. */
  release(connection: Connection): void {
    const now = performance.now();
    connection.rest(now);
    if (!connection.isFit(now)) {
      connection.socket.destroy();
      return;
    }
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(connection);
      this.#sweepLater();
      return;
    }
    this.#waiting.delete(next);
    connection.wake();
    next.connected(connection);
  }

  /** Ends every connection, and what is under way on it. Resolves when all are closed. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sweeping);
    const asking = [...this.#waiting, ...this.#openings.keys()];
    this.#waiting.clear();
    for (const opening of this.#openings.values()) opening.cancel();
    this.#openings.clear();
    const ends = [...this.#all].map(
      ({ socket }) => new Promise<void>((resolve) => void socket.once('close', () => resolve())),
    );
    for (const { socket } of this.#all) socket.destroy(closedError());
    for (const one of asking) one.failed(closedError());
    await Promise.all(ends);
  }

  get #hasRoom(): boolean {
    return this.#all.size + this.#openings.size < this.#limit;
  }

  #takeIdle(): Connection | undefined {
    if (this.#idle.length === 0) return undefined;
    const now = performance.now();
    for (let one = this.#idle.pop(); one !== undefined; one = this.#idle.pop()) {
      if (one.isFit(now)) {
        one.wake();
        return one;
      }
      one.socket.destroy();
    }
    return undefined;
  }

  #open(one: Waiting): void {
    const opening = new Opening(
      this.#way,
      (socket) => {
        this.#openings.delete(one);
        one.connected(this.#keep(socket));
      },
      (error) => {
        this.#openings.delete(one);
        this.#openNext();
        one.failed(error);
      },
    );
    this.#openings.set(one, opening);
  }

  /** There may be room for whoever waits longest. */
  #openNext(): void {
    const [next] = this.#waiting;
    if (this.#closed || next === undefined || !this.#hasRoom) return;
    this.#waiting.delete(next);
    this.#open(next);
  }

  #keep(socket: Socket): Connection {
    const connection = new Connection(socket);
    this.#all.add(connection);
    socket.on('close', () => {
      this.#all.delete(connection);
      const at = this.#idle.indexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#openNext();
    });
    // Node's HTTP client says so when request and answer are over.
    socket.on('free', () => this.release(connection));
    // What comes unasked would be taken for the next answer.
    socket.on('data', () => {
      if (connection.isIdle) socket.destroy();
    });
    return connection;
  }

  #sweepLater(): void {
    this.#sweeping ??= setTimeout(() => {
      this.#sweeping = undefined;
      const now = performance.now();
      for (const one of this.#idle) if (!one.isFit(now)) one.socket.destroy();
      if (this.#idle.length > 0) this.#sweepLater();
    }, SWEEP).unref();
  }
}

function closedError(): Error {
  return new Error('the client is closed');
}
