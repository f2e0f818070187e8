import { createServer, type IncomingMessage, request as send } from 'node:http';
import { type Duplex, duplexPair, Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Handler } from '../http/listener.js';

/** What belongs to a connection, not to the answer (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
/** Statuses whose answers have no body (Fetch, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * Answers a `Request` by a handler for Node's HTTP server: each goes through a connection in memory, so that all is as
 * it is on a socket, how a client goes away included.
 */
export class FetchServer {
  readonly #server: ReturnType<typeof createServer>;

  constructor(handler: Handler) {
    this.#server = createServer(handler);
    this.#server.timeout = 0;
    this.#server.maxHeadersCount = 0;
  }

  /** @param begun gets the handler's side of the connection, before the handler is called */
  fetch(request: Request, begun: (socket: Duplex) => void): Promise<Response> {
    const [near, far] = duplexPair();
    near.on('close', () => far.destroy());
    for (const side of [near, far]) side.on('error', () => undefined); // told by the request
    begun(far);
    this.#server.emit('connection', far);
    return new Promise((resolve, reject) => {
      const { pathname, search, host } = new URL(request.url);
      const outgoing = send({
        createConnection: () => near,
        method: request.method,
        path: pathname + search,
        headers: { ...Object.fromEntries(request.headers), host, connection: 'close' },
      });
      const giveUp = (): void => void outgoing.destroy();
      request.signal.addEventListener('abort', giveUp, { once: true });
      outgoing.once('close', () => request.signal.removeEventListener('abort', giveUp));
      outgoing.once('response', (answer) => resolve(responseOf(answer, request.method)));
      outgoing.once('error', (error) => reject(request.signal.aborted ? request.signal.reason : error));
      if (request.body === null) outgoing.end();
      else
        Readable.fromWeb(request.body as ReadableStream)
          .on('error', giveUp)
          .pipe(outgoing);
    });
  }
}

function responseOf(answer: IncomingMessage, method: string): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    if (!HOP_BY_HOP.has(name)) for (const value of values) headers.append(name, value);
  }
  const status = answer.statusCode ?? 500;
  const hasBody = method !== 'HEAD' && !WITHOUT_BODY.has(status);
  if (!hasBody) answer.resume();
  const body = hasBody
    ? (Readable.toWeb(answer) as unknown as ConstructorParameters<typeof Response>[0])
    : null;
  return new Response(body, { status, headers });
}
