/** A connection on which an attacker writes octets as they like; text here is one character per octet. */
import { connect, type Socket as NetSocket } from 'node:net';
import type { Scope } from '../../e2e/harness/scope.js';

export interface HttpAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export class Socket {
  /** Settles when the connection is closed, from either side. */
  readonly closed: Promise<void>;
  readonly #socket: NetSocket;
  readonly #looking = new Set<() => void>();
  #text = '';
  #isClosed = false;

  private constructor(socket: NetSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        resolve();
        this.#look();
      });
    });
    // Whoever is attacked may well reset the connection.
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#text += chunk;
      this.#look();
    });
  }

  static async open(scope: Scope, url: string): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const open = scope.add(new Socket(socket), async (one) => void one.#socket.destroy());
    await new Promise((resolve) => socket.once('connect', resolve));
    return open;
  }

  /** What came so far. */
  get text(): string {
    return this.#text;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(octets: string): void {
    if (!this.#isClosed) this.#socket.write(octets, 'latin1');
  }

  /** Reads no more, so that what is sent piles up on the other side. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** All answers once the connection is closed, or so many of them, if they come before. */
  async answers(count = Number.POSITIVE_INFINITY): Promise<HttpAnswer[]> {
    await this.until(() => answersIn(this.#text).length >= count);
    return answersIn(this.#text);
  }

  /** Settles when that holds, or the connection is closed. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#looking.add(resolve);
      });
    }
  }

  #look(): void {
    const looking = [...this.#looking];
    this.#looking.clear();
    for (const look of looking) look();
  }
}

/** The whole answers in a text. `100 Continue` and the like are none. */
function answersIn(text: string): HttpAnswer[] {
  const answers: HttpAnswer[] = [];
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n\r\n', at) + 4;
    if (end < 4) return answers;
    const head = text.slice(at, end);
    const [, status = ''] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? [];
    at = endOfBody(text, head, end);
    if (at < 0) return answers;
    if (!status.startsWith('1')) answers.push({ status: Number(status), head, body: text.slice(end, at) });
  }
}

/** -1 where it has not come yet. */
function endOfBody(text: string, head: string, start: number): number {
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const last = text.indexOf('0\r\n\r\n', start);
    return last < 0 ? -1 : last + 5;
  }
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length < start + length ? -1 : start + length;
}
