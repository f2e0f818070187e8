import { LegacyClientLink, type LegacyClientOptions } from '../../../../src/eras/legacy-client/link.js';
import type { Key } from '../../../../src/jsonrpc/message.js';
import type { ProxyEvent } from '../../../../src/observability/events.js';
import { HandClock } from '../../relay/hand-clock.js';
import { MemoryLink, message } from '../../relay/memory-link.js';
import { Client } from '../../relay/stage.js';

export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
export const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
export const INFO_KEY = 'io.modelcontextprotocol/clientInfo';
export const LEVEL_KEY = 'io.modelcontextprotocol/logLevel';
export const SUBSCRIPTION_KEY = 'io.modelcontextprotocol/subscriptionId';
export const SERVER_KEY = 'io.modelcontextprotocol/serverInfo';

/** What the server says of itself. */
export const DISCOVERED = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    logging: {},
  },
  instructions: 'be kind',
  ttlMs: 0,
  cacheScope: 'private',
  _meta: { [SERVER_KEY]: { name: 'server', version: '3' } },
};

/** The same without anything that a stream would be opened for. */
export const QUIET = { ...DISCOVERED, capabilities: { tools: {}, logging: {} } };

const ALL_CAPABILITIES = {
  roots: { listChanged: true },
  sampling: { tools: {} },
  elicitation: { form: {}, url: {} },
};

/** What a message says, as a value. */
export interface Read {
  readonly id?: unknown;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever is there
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export function read(text: string): Read {
  return JSON.parse(text);
}

/** A legacy client and a modern server, both played by the test, and the translator between them. */
export class Stage {
  readonly server = new MemoryLink();
  readonly clock = new HandClock();
  readonly events: ProxyEvent[] = [];
  readonly link: LegacyClientLink;
  readonly client: Client;

  constructor(options: Partial<LegacyClientOptions> = {}) {
    this.link = new LegacyClientLink(this.server, {
      server: 'demo',
      clock: this.clock,
      emit: (event) => this.events.push(event),
      fallbackClient: { name: 'mcp-proxy', version: '0' },
      ...options,
    });
    this.client = new Client(this.link);
  }

  /** Past the handshake; the stream, where one is opened, is acknowledged. */
  static ready(
    capabilities: object = ALL_CAPABILITIES,
    discovered: object = QUIET,
    version = '2025-11-25',
  ): Stage {
    const stage = new Stage();
    stage.client.initializes(version, capabilities);
    stage.answers(stage.server.takeOne(), discovered);
    stage.client.take();
    stage.client.says('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    for (const listen of stage.server.take()) stage.acknowledges(listen);
    return stage;
  }

  /** The server answers a request that it was sent. */
  answers(request: string, result: unknown): void {
    const raw = typeof result === 'string' ? result : JSON.stringify(result);
    this.server.says(`{"jsonrpc":"2.0","id":${message(request).id},"result":${raw}}`);
  }

  refuses(request: string, code: number, data?: unknown, text = 'no'): void {
    const error = JSON.stringify({ code, message: text, ...(data === undefined ? {} : { data }) });
    this.server.says(`{"jsonrpc":"2.0","id":${message(request).id},"error":${error}}`);
  }

  /** The server honours all that a listen request asks for, or what is given. */
  acknowledges(listen: string, honoured: object = read(listen).params.notifications): void {
    this.tells(listen, 'notifications/subscriptions/acknowledged', { notifications: honoured });
  }

  /** The server says something on the stream of a listen request. */
  tells(listen: string, method: string, params: object = {}): void {
    const _meta = { [SUBSCRIPTION_KEY]: read(listen).id };
    this.server.says(JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, _meta } }));
  }

  says(method: string, params: object, about?: Key): void {
    this.server.says(JSON.stringify({ jsonrpc: '2.0', method, params }), about);
  }

  /** The client answers something that it was asked. */
  replies(question: string, result: unknown): void {
    const raw = typeof result === 'string' ? result : JSON.stringify(result);
    this.client.says(`{"jsonrpc":"2.0","id":${message(question).id},"result":${raw}}`);
  }

  /** The client calls a tool; returns what the server gets. */
  calls(id = '1', params: object = { name: 't' }): string {
    this.client.asks(id, 'tools/call', params);
    return this.server.takeOne();
  }
}

/** What a result with questions looks like. */
export function inputRequired(inputRequests?: object, requestState?: string): object {
  return {
    resultType: 'input_required',
    ...(inputRequests === undefined ? {} : { inputRequests }),
    ...(requestState === undefined ? {} : { requestState }),
  };
}

export const FORM = {
  method: 'elicitation/create',
  params: { mode: 'form', message: 'name?', requestedSchema: { type: 'object', properties: {} } },
};
export const URL_QUESTION = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'go', url: 'https://example.com/' },
};
export const SAMPLING = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }], maxTokens: 1 },
};
export const ROOTS = { method: 'roots/list' };
