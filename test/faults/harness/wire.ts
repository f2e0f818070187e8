/** The way to a remote server, octet by octet, and what can become of it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How a connection is cut: by a reset, by an orderly end in the wrong place, or without a word on our side of it. */
export type Cut = 'reset' | 'end' | 'half-open';

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  /** What the client has sent on it. */
  sent: string;
  /** Nothing goes through any more. */
  dead: boolean;
}

export class Wire {
  readonly port: number;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** The server's octets come one by one. */
  slow = false;
  /** What is answered to every request in place of the server, who hears nothing of it. */
  answer: string | undefined;

  private constructor(server: Server, to: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near: Socket) => this.#join(near, connect(to, '127.0.0.1')));
  }

  /** @param to port of the server */
  static async to(to: number): Promise<Wire> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Wire(server, to);
  }

  /** Cuts the connection whose last request holds that text. */
  cut(text: string, how: Cut): void {
    const cut = [...this.#connections].filter(({ sent }) => sent.includes(text));
    if (cut.length === 0) throw new Error(`no connection carries ${text}`);
    for (const connection of cut) {
      connection.dead = true;
      connection.far.destroy();
      if (how === 'reset') connection.near.resetAndDestroy();
      else if (how === 'end') connection.near.end();
    }
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#connections) {
      near.destroy();
      far.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, far: Socket): void {
    const connection: Connection = { near, far, sent: '', dead: false };
    this.#connections.add(connection);
    far.setNoDelay(true);
    near.on('data', (chunk: Buffer) => {
      if (connection.dead) return;
      if (this.answer !== undefined) {
        near.end(this.answer);
        return;
      }
      const text = chunk.toString('latin1');
      // Each request anew: a connection is used for one after the other.
      connection.sent = /^(GET|POST|DELETE) /.test(text) ? text : connection.sent + text;
      far.write(chunk);
    });
    let passing = Promise.resolve();
    far.on('data', (chunk: Buffer) => {
      if (this.slow) passing = passing.then(() => oneByOne(chunk, near));
      else if (!connection.dead) near.write(chunk);
    });
    far.on('end', () => void passing.then(() => connection.dead || near.end()));
    far.on('close', () => void passing.then(() => connection.dead || near.destroy()));
    near.on('close', () => {
      this.#connections.delete(connection);
      far.destroy();
    });
    near.on('error', () => near.destroy());
    far.on('error', () => far.destroy());
  }
}

async function oneByOne(chunk: Buffer, to: Socket): Promise<void> {
  for (let at = 0; at < chunk.length && to.writable; at++) {
    to.write(chunk.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
