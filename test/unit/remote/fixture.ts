import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Key, Message } from '../../../src/jsonrpc/message.js';
import { scan } from '../../../src/jsonrpc/scan.js';
import { parseWire, toWire } from '../../../src/jsonrpc/wire.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import type { CloseReason, Link } from '../../../src/relay/link.js';

/** A server process of test/fixtures/servers, on a port of its own. */
export class Fixture {
  readonly origin: string;
  /** Its TLS certificate, where it has one. */
  readonly certificate: string | undefined;
  readonly #end: () => Promise<void>;

  constructor(port: number, certificate: string | undefined, end: () => Promise<void>) {
    this.origin = `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    this.certificate = certificate;
    this.#end = end;
  }

  static async start(name: string, env: Record<string, string> = {}): Promise<Fixture> {
    const path = fileURLToPath(new URL(`../../fixtures/servers/${name}`, import.meta.url));
    const child = spawn(process.execPath, [path], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const ended = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { port, certificate } = JSON.parse(line) as { port: number; certificate?: string };
    return new Fixture(port, certificate, async () => {
      child.kill('SIGKILL');
      await ended;
    });
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  url(path: string): URL {
    return new URL(path, this.origin);
  }

  /** What requests came so far; or, once there are `count` that hold `match`. */
  async log(match?: string, count = 1): Promise<LogEntry[]> {
    const query = match === undefined ? '' : `?count=${count}&match=${encodeURIComponent(match)}`;
    const response = await fetch(this.url(`/log${query}`));
    return (await response.json()) as LogEntry[];
  }

  stop(): Promise<void> {
    return this.#end();
  }
}

export interface LogEntry {
  readonly method?: string;
  readonly path?: string;
  readonly name?: string;
  readonly params?: unknown;
  readonly headers?: Record<string, string>;
  readonly closed?: string;
  readonly token?: string;
}

export interface Got {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; message: string; data?: unknown };
  readonly about?: Key;
}

/** The client's side of a link: keeps what comes, and lets a test wait for it. */
export class Client {
  readonly link: Link;
  readonly got: Got[] = [];
  closed: CloseReason | undefined;
  #look: () => void = () => undefined;

  constructor(link: Link) {
    this.link = link;
    link.listen({
      message: (message, about) => {
        const value = parseWire(message.text) as Got;
        this.got.push(about === undefined ? value : { ...value, about });
        this.#look();
      },
      closed: (reason) => {
        this.closed = reason;
        this.#look();
      },
    });
  }

  send(message: object): void {
    this.link.send(wire({ jsonrpc: '2.0', ...message }));
  }

  initialize(id: number | string = 0, protocolVersion = '2025-11-25'): Promise<Got> {
    const clientInfo = { name: 'test', version: '1' };
    return this.request(id, 'initialize', { protocolVersion, capabilities: {}, clientInfo });
  }

  /** The handshake, up to the end of it. */
  async begin(protocolVersion?: string): Promise<Got> {
    const answer = await this.initialize(0, protocolVersion);
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  request(id: number | string, method: string, params?: object): Promise<Got> {
    this.send({ id, method, ...(params === undefined ? {} : { params }) });
    return this.until((got) => got.id === id && got.method === undefined);
  }

  async until(matches: (got: Got) => boolean): Promise<Got> {
    for (;;) {
      const found = this.got.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const before = this.#look;
        this.#look = () => {
          before();
          resolve();
        };
      });
    }
  }

  async ended(): Promise<CloseReason> {
    while (this.closed === undefined) {
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
    return this.closed;
  }
}

export function wire(value: object): Message {
  const message = scan(Buffer.from(JSON.stringify(value)).toString('latin1'));
  if (message.kind === 'batch' || message.kind === 'malformed') throw new Error(toWire(value));
  return message;
}

/** Collects what is told. */
export function events(): { emit: (event: ProxyEvent) => void; texts: () => string } {
  const told: ProxyEvent[] = [];
  return { emit: (event) => void told.push(event), texts: () => told.map(({ text }) => text).join('\n') };
}

/** Short enough for tests; none of them decides whether a test passes. */
export const QUICK = { reconnect: 10, reconnectMax: 40, cancelled: 50, retryFirst: 10, retryMax: 50 };
