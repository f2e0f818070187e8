import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Page, page } from './page.js';
import { SignInError } from './sign-in-error.js';

const PATH = '/callback';

/** How long, in ms, an answer to the browser has to arrive once the listener is closed. */
const LAST_WORDS = 500;

/** What the authorization server sent the person's browser back with. */
export interface CallbackAnswer {
  readonly params: URLSearchParams;
  /** Answers the browser. To be called once. */
  respond(outcome: 'done' | 'failed'): void;
}

/**
 * Where the person's browser is sent to after the sign-in: a listener on this machine alone (RFC 8252,
 * section 7.3), for one answer. Whoever does not know the state is turned away, and changes nothing.
 */
export class Callback {
  readonly port: number;
  readonly #server: Server;
  #expected: { readonly state: string; readonly take: (answer: CallbackAnswer) => void } | undefined;

  private constructor(server: Server) {
    const address = server.address();
    this.port = isAddress(address) ? address.port : 0;
    this.#server = server;
    server.on('request', (request, response) => this.#serve(request, response));
  }

  /** @param port tried first; where it is in use, and without it, a free one is taken */
  static async listen(port: number | undefined): Promise<Callback> {
    const wanted = port === undefined ? undefined : await listening(port);
    const server = wanted ?? (await listening(0));
    if (server === undefined) throw new Error('no port is free on 127.0.0.1');
    return new Callback(server);
  }

  /** On that port and no other. Rejects with `SignInError` where it is in use. */
  static async listenOn(port: number): Promise<Callback> {
    const server = await listening(port);
    if (server !== undefined) return new Callback(server);
    throw new SignInError(`port ${port} (--redirect-port) is in use by another program.`);
  }

  get redirectUri(): string {
    return redirectUri(this.port);
  }

  /** Settles with the first answer that has this state. */
  answer(state: string): Promise<CallbackAnswer> {
    return new Promise((take) => {
      this.#expected = { state, take };
    });
  }

  close(): void {
    this.#server.close();
    // Browsers open connections ahead that they never use. What is still being answered gets a moment.
    setTimeout(() => this.#server.closeAllConnections(), LAST_WORDS);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = URL.canParse(request.url ?? '', this.redirectUri)
      ? new URL(request.url ?? '', this.redirectUri)
      : undefined;
    if (url?.pathname !== PATH || request.headers.host !== `127.0.0.1:${this.port}`) {
      show(response, 404, 'unknown');
      return;
    }
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      show(response, 405, 'unknown');
      return;
    }
    const expected = this.#expected;
    const { searchParams: params } = url;
    if (expected === undefined || !isSame(params.get('state') ?? '', expected.state)) {
      show(response, 400, 'unknown');
      return;
    }
    this.#expected = undefined;
    expected.take({
      params,
      respond: (outcome) => show(response, outcome === 'done' ? 200 : 400, outcome),
    });
  }
}

/** Whether somebody listens on a port of this machine. */
export async function isServed(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused: nobody does
  } finally {
    socket.destroy();
  }
}

/** The redirect URI that goes with a port. */
function redirectUri(port: number): string {
  return `http://127.0.0.1:${port}${PATH}`;
}

async function listening(port: number): Promise<Server | undefined> {
  const server = createServer({ maxHeaderSize: 64 * 1024 });
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  } catch (error) {
    // Another program has it by now; any other trouble would meet a free port as well.
    if (port !== 0) return undefined;
    throw error;
  }
}

function show(response: ServerResponse, status: number, name: Page): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(page(name));
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address !== 'string';
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
