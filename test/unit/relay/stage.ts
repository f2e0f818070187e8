import type { Key } from '../../../src/jsonrpc/message.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { Correlation, type CorrelationOptions } from '../../../src/relay/correlation.js';
import type { CloseReason, Link } from '../../../src/relay/link.js';
import { HandClock } from './hand-clock.js';
import { MemoryLink, message } from './memory-link.js';

export const GONE: CloseReason = { kind: 'failed', text: 'exited with code 1', data: { exitCode: 1 } };

/** One session: the test is its client. */
export class Client {
  readonly closings: CloseReason[] = [];
  readonly #link: Link;
  #got: { text: string; about: Key | undefined }[] = [];
  /** Called with each message that arrives, where a test wants to react at once. */
  onMessage: ((text: string) => void) | undefined;

  constructor(link: Link) {
    this.#link = link;
    link.listen({
      message: ({ text }, about) => {
        this.#got.push({ text, about });
        this.onMessage?.(text);
      },
      closed: (reason) => this.closings.push(reason),
    });
  }

  says(text: string): void {
    this.#link.send(message(text));
  }

  asks(id: string, method: string, params?: unknown): void {
    const rest = params === undefined ? '' : `,"params":${JSON.stringify(params)}`;
    this.says(`{"jsonrpc":"2.0","id":${id},"method":"${method}"${rest}}`);
  }

  /** Sends `initialize` with id 0. */
  initializes(version = '2025-11-25', capabilities: object = {}): void {
    const clientInfo = { name: 'test', version: '1' };
    this.asks('0', 'initialize', { protocolVersion: version, capabilities, clientInfo });
  }

  leaves(): void {
    this.#link.close({ kind: 'ended', text: 'the client has gone' });
  }

  take(): string[] {
    return this.takeAll().map(({ text }) => text);
  }

  takeAll(): { text: string; about: Key | undefined }[] {
    return this.#got.splice(0);
  }

  takeOne(): string {
    const [text, ...more] = this.take();
    if (text === undefined || more.length > 0) throw new Error(`not one message: ${[text, ...more]}`);
    return text;
  }
}

/** A correlation between a server that the test plays and any number of clients that it plays too. */
export class Stage {
  readonly server = new MemoryLink();
  readonly clock = new HandClock();
  readonly events: ProxyEvent[] = [];
  readonly correlation: Correlation;

  constructor(options: Partial<CorrelationOptions> = {}) {
    this.correlation = new Correlation(this.server, {
      server: 'demo',
      era: 'legacy',
      exclusive: false,
      timeout: undefined,
      clock: this.clock,
      emit: (event) => this.events.push(event),
      ...options,
    });
  }

  client(): Client {
    return new Client(this.correlation.attach());
  }

  /** A client past its handshake. */
  ready(capabilities: object = {}, version = '2025-11-25'): Client {
    const client = this.client();
    client.initializes(version, capabilities);
    for (const text of this.server.take()) this.answers(text, INITIALIZED);
    client.says('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    this.server.take();
    client.take();
    return client;
  }

  /** The server answers a request that it was sent. */
  answers(request: string, result: unknown = {}): void {
    this.server.says(`{"jsonrpc":"2.0","id":${message(request).id},"result":${JSON.stringify(result)}}`);
  }

  refuses(request: string, code = -32000): void {
    this.server.says(`{"jsonrpc":"2.0","id":${message(request).id},"error":{"code":${code},"message":"no"}}`);
  }
}

/** What the server answers to `initialize`. */
export const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'server', version: '1' },
};

/** A message as a value, for those that the proxy writes itself. */
export function read(text: string): Record<string, unknown> {
  return JSON.parse(text);
}
