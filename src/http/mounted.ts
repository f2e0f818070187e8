import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Emit } from '../observability/events.js';
import type { Answering } from './answering.js';
import { answerFaults } from './fault.js';
import { isForwarded } from './forwarded.js';
import { isLoopback } from './host.js';
import type { Handler, Listening } from './listener.js';
import { refuse } from './reply.js';

/** Somebody else's HTTP server, which hands over requests. */
export interface Mount {
  /** Who asks, as that server has found out; undefined: it has not. */
  readonly callerOf: (request: IncomingMessage) => string | undefined;
}

/** In place of a port: requests come from a server that somebody else runs. */
export class Mounted implements Listening {
  readonly #answering: Answering;
  readonly #handler: Handler;
  readonly #emit: Emit;
  #isClosed = false;

  /** @param answering gets each answer */
  constructor(handler: Handler, emit: Emit, answering: Answering) {
    this.#answering = answering;
    this.#handler = handler;
    this.#emit = emit;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#isClosed) {
      refuse(response, 503, 'the proxy has ended');
      return;
    }
    this.#answering.add(response);
    answerFaults(response, this.#emit, () => this.#handler(request, response));
  }

  listen(): Promise<number> {
    return Promise.resolve(0);
  }

  async close(ms: number): Promise<void> {
    await this.#answering.none(ms);
    this.#isClosed = true;
    this.#answering.destroy();
  }
}

/** Whether a request has come from this machine itself, as far as its connection shows, and what a reverse proxy says. */
export function isLocal(request: IncomingMessage): boolean {
  if (isForwarded(request)) return false;
  return isLoopback((request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
}
