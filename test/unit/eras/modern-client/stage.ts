import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readEnvelope } from '../../../../src/eras/envelope.js';
import type { LegacySession, OpenSession } from '../../../../src/eras/modern-client/legacy-session.js';
import {
  ModernClients,
  type ModernClientsOptions,
} from '../../../../src/eras/modern-client/modern-clients.js';
import type { Seal } from '../../../../src/eras/modern-client/seal.js';
import { keyOf } from '../../../../src/jsonrpc/message.js';
import type { ProxyEvent } from '../../../../src/observability/events.js';
import type { CloseReason, Link } from '../../../../src/relay/link.js';
import { HandClock } from '../../relay/hand-clock.js';
import { MemoryLink, message } from '../../relay/memory-link.js';

export const VERSION = 'io.modelcontextprotocol/protocolVersion';
export const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const INFO = 'io.modelcontextprotocol/clientInfo';
export const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
export const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
export const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

export const ALL = { sampling: { tools: {} }, elicitation: { form: {}, url: {} }, roots: {} };
export const GONE: CloseReason = { kind: 'failed', text: 'exited with code 1', data: { exitCode: 1 } };

/** Digits that no JavaScript number has. */
export const SERVER = '{"name":"legacy","version":"1","n":9007199254740993.0}';
const INITIALIZED = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true,"listChanged":true},"logging":{},"tasks":{"list":{}}},"serverInfo":${SERVER},"instructions":"be good"}`;

export class TestSeal implements Seal {
  #count = 0;

  sign(text: string): string {
    return createHmac('sha256', 'key').update(text).digest('base64url');
  }

  verify(text: string, mac: string): boolean {
    const [own, given] = [Buffer.from(this.sign(text)), Buffer.from(mac)];
    return own.length === given.length && timingSafeEqual(own, given);
  }

  digest(text: string): string {
    return createHash('sha256').update(text).digest('base64url');
  }

  newId(): string {
    this.#count += 1;
    return `round-${this.#count}`;
  }
}

export interface Asking {
  readonly capabilities?: object;
  readonly logLevel?: string;
  readonly principal?: string;
  readonly token?: string | number;
  readonly meta?: object;
  readonly open?: OpenSession;
}

/** One request of a modern client: the test is that client. */
export class Asker {
  readonly closings: CloseReason[] = [];
  readonly #link: Link;
  #got: string[] = [];
  onMessage: ((text: string) => void) | undefined;

  constructor(link: Link, request: string) {
    this.#link = link;
    const key = keyOf(message(request).id ?? 'null');
    link.listen({
      message: (sent, about) => {
        const { kind, id, method } = message(sent.text);
        if (kind !== sent.kind || id !== sent.id || method !== sent.method)
          throw new Error(`torn: ${sent.text}`);
        if (about !== (id === undefined ? key : keyOf(id))) throw new Error(`about ${about}: ${sent.text}`);
        this.#got.push(sent.text);
        this.onMessage?.(sent.text);
      },
      closed: (reason) => this.closings.push(reason),
    });
  }

  says(text: string): void {
    this.#link.send(message(text));
  }

  leaves(): void {
    this.#link.close({ kind: 'ended', text: 'the client has gone' });
  }

  take(): string[] {
    return this.#got.splice(0);
  }

  takeOne(): string {
    const [text, ...more] = this.take();
    if (text === undefined || more.length > 0) throw new Error(`not one message: ${[text, ...more]}`);
    return text;
  }

  /** The `input_required` that was the only thing that came. */
  takeQuestions(): InputRequired {
    const { result } = JSON.parse(this.takeOne());
    if (result?.resultType !== 'input_required') throw new Error(`no questions: ${JSON.stringify(result)}`);
    return result;
  }
}

export interface InputRequired {
  readonly inputRequests: Readonly<Record<string, { method: string; params?: object }>>;
  readonly requestState: string;
}

/** Modern clients, and the legacy server that is opened for each: the test plays both. */
export class Stage {
  readonly clock = new HandClock();
  readonly events: ProxyEvent[] = [];
  readonly clients: ModernClients;
  /** The link of each session that was opened, in their order. */
  readonly sessions: MemoryLink[] = [];
  readonly #initialized: string;
  #ids = 0;

  constructor(limits: ModernClientsOptions['limits'] = {}, initialized = INITIALIZED) {
    this.#initialized = initialized;
    this.clients = new ModernClients({
      server: 'demo',
      clock: this.clock,
      emit: (event) => this.events.push(event),
      seal: new TestSeal(),
      limits,
    });
  }

  /** The newest session. */
  get server(): MemoryLink {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('no session was opened');
    return session;
  }

  open(): LegacySession {
    const link = new MemoryLink();
    this.sessions.push(link);
    return { link, initialized: this.#initialized };
  }

  /** A request that is not sent yet. */
  prepare(text: string, { principal, open }: Asking = {}): Asker {
    const request = message(text);
    const envelope = readEnvelope(request);
    if (typeof envelope === 'string') throw new Error(envelope);
    return new Asker(this.clients.link(request, envelope, principal, open ?? (() => this.open())), text);
  }

  sends(text: string, asking?: Asking): Asker {
    const asker = this.prepare(text, asking);
    asker.says(text);
    return asker;
  }

  /** Sends a request with a fresh id. */
  asks(method: string, params: object = {}, asking: Asking = {}): Asker {
    this.#ids += 1;
    return this.sends(request(this.#ids, method, params, asking), asking);
  }

  /** A call that the server has got. */
  calls(
    asking: Asking = { capabilities: ALL },
    method = 'tools/call',
    params: object = { name: 't' },
  ): Asker {
    const asker = this.asks(method, params, asking);
    this.server.take();
    return asker;
  }

  /** The server answers the newest call that it got; ids are in the order of requests. */
  answers(call: string, result: unknown): void {
    this.server.says(`{"jsonrpc":"2.0","id":${message(call).id},"result":${JSON.stringify(result)}}`);
  }

  /** Time enough for what is gathered. */
  gathers(): void {
    this.clock.advance(100);
  }
}

export function request(id: number | string, method: string, params: object, asking: Asking = {}): string {
  const { capabilities = {}, logLevel, token, meta } = asking;
  const _meta = {
    [VERSION]: '2026-07-28',
    [CAPABILITIES]: capabilities,
    [INFO]: { name: 'test', version: '1' },
    ...(logLevel === undefined ? {} : { [LOG_LEVEL]: logLevel }),
    ...(token === undefined ? {} : { progressToken: token }),
    ...meta,
  };
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } });
}

/** A message as a value. */
export function read(text: string): Record<string, unknown> {
  return JSON.parse(text);
}
