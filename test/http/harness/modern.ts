/**
 * An endpoint of both eras on a real port, whose modern side the test plays, message by message; its legacy
 * side is the puppet.
 */

import { clock } from '../../../src/clock.js';
import type { Envelope } from '../../../src/eras/envelope.js';
import { Answering } from '../../../src/http/answering.js';
import { Bodies } from '../../../src/http/body.js';
import type { Endpoint, ModernDoor } from '../../../src/http/endpoint.js';
import { Listener } from '../../../src/http/listener.js';
import { handleStreamableHttp } from '../../../src/http/streamable-http.js';
import type { Message } from '../../../src/jsonrpc/message.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { Exchanges } from '../../../src/observability/exchanges.js';
import type { CloseReason, Link, Receiver } from '../../../src/relay/link.js';
import { Server } from '../../../src/servers/server.js';
import { SessionRegistry } from '../../../src/sessions/registry.js';
import { Heartbeat } from '../../../src/transports/heartbeat.js';
import type { DeclaredHeader } from '../../../src/transports/streamable-http/param-headers.js';
import { message } from '../../unit/relay/memory-link.js';
import { BOTH, post } from './client.js';
import { type Answer, type Sent, Stream, send } from './http.js';
import { puppet } from './proxy.js';

export const MODERN = '2026-07-28';

/** A link to a server that the test plays. */
class PlayedLink implements Link {
  readonly request: Message;
  readonly envelope: Envelope;
  /** What came from the client, as text. */
  readonly received: string[] = [];
  /** Why the client's side closed it; settles when it does. */
  readonly closed: Promise<CloseReason>;
  /** How often it was closed. */
  closings = 0;
  readonly #answer: PlayedDoor['answer'];
  #tell: (reason: CloseReason) => void = () => undefined;
  #receiver: Receiver | undefined;

  constructor(request: Message, envelope: Envelope, answer: PlayedDoor['answer']) {
    this.request = request;
    this.envelope = envelope;
    this.#answer = answer;
    this.closed = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  send({ text }: Message): void {
    this.received.push(text);
    const answer = this.#answer?.(this.request);
    if (answer) this.answers(answer);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(reason: CloseReason): void {
    this.closings++;
    this.#tell(reason);
  }

  /** The server sends something. */
  says(what: object): void {
    const octets = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...what }));
    this.#receiver?.message(message(octets.toString('latin1')));
  }

  /** The server sends the answer to the request. */
  answers(what: object): void {
    this.says({ id: JSON.parse(this.request.id ?? 'null'), ...what });
  }

  /** The server is gone. */
  goes(reason: CloseReason): void {
    this.#receiver?.closed(reason);
  }
}

/** The way to that server. */
class PlayedDoor implements ModernDoor {
  readonly links: PlayedLink[] = [];
  readonly notified: { text: string; envelope: Envelope | undefined }[] = [];
  /** Tools that want their arguments in headers. */
  readonly declared = new Map<string, readonly DeclaredHeader[]>();
  /** Does something else than to open a link. */
  instead: ((link: PlayedLink) => Link | Promise<Link>) | undefined;
  /** Answers each request as it comes. */
  answer: ((request: Message) => object) | undefined;
  #taken = 0;
  readonly #watchers = new Set<() => void>();

  openModern(request: Message, envelope: Envelope): Link | Promise<Link> {
    const link = new PlayedLink(request, envelope, this.answer);
    this.links.push(link);
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
    if (this.instead) return this.instead(link);
    return link;
  }

  notify({ text }: Message, envelope: Envelope | undefined): void {
    this.notified.push({ text, envelope });
  }

  toolHeaders(name: string): Promise<readonly DeclaredHeader[] | undefined> {
    return Promise.resolve(this.declared.get(name));
  }

  /** The next link that was asked for, once it is. */
  async next(): Promise<PlayedLink> {
    for (;;) {
      const link = this.links[this.#taken];
      if (link) {
        this.#taken++;
        return link;
      }
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }
}

export interface PlayedEndpoint {
  readonly url: string;
  readonly door: PlayedDoor;
  readonly events: readonly ProxyEvent[];
  readonly heartbeat: Heartbeat;
  stop(): void;
}

const running = new Set<() => Promise<void>>();

export async function startEndpoint(
  more: Partial<Endpoint> & { readonly silence?: number } = {},
): Promise<PlayedEndpoint> {
  const { silence, ...options } = more;
  const events: ProxyEvent[] = [];
  const emit = (event: ProxyEvent): void => void events.push(event);
  const server = new Server(puppet(), { clock, emit });
  const sessions = new SessionRegistry();
  const heartbeat = new Heartbeat(silence);
  const door = new PlayedDoor();
  let stopping = false;
  const endpoint: Endpoint = {
    server,
    modern: door,
    principal: undefined,
    sessions,
    emit,
    watch: (conversation) => new Exchanges(conversation, []),
    stateless: false,
    pollAfter: 0,
    streams: { heartbeat },
    bodies: new Bodies(1_000_000),
    stopping: () => stopping,
    messagesPath: () => '/messages/',
    ...options,
  };
  const listener = new Listener(
    (request, response) => handleStreamableHttp(endpoint, request, response),
    emit,
    new Answering(),
  );
  const port = await listener.listen('127.0.0.1', 0);
  running.add(async () => {
    sessions.close('the test is over');
    await Promise.all([listener.close(0), server.stop('the test is over')]);
  });
  const stop = (): void => {
    stopping = true;
  };
  return { url: `http://127.0.0.1:${port}/mcp`, door, events, heartbeat, stop };
}

export async function closeEndpoints(): Promise<void> {
  const all = [...running];
  running.clear();
  await Promise.all(all.map((close) => close()));
}

/** What a modern client says of itself in every request. */
export const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export function modernBody(id: unknown, method: string, params: object = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: META } });
}

export function modernHeaders(method: string, name?: string): Record<string, string> {
  const named = name === undefined ? {} : { 'Mcp-Name': name };
  return {
    'content-type': 'application/json',
    accept: BOTH,
    'MCP-Protocol-Version': MODERN,
    'Mcp-Method': method,
    ...named,
  };
}

/** POSTs a request as a modern client should, and reads the whole answer. */
export function ask(url: string, method: string, params: object = {}, more: Sent = {}): Promise<Answer> {
  const headers = { ...modernHeaders(method, nameIn(params)), ...more.headers };
  return post(url, modernBody(1, method, params), { ...more, headers });
}

/** POSTs a request whose answer comes as an event stream. Settles when the stream begins. */
export async function stream(url: string, method: string, params: object = {}): Promise<Stream> {
  const headers = modernHeaders(method, nameIn(params));
  return new Stream(await send(url, { method: 'POST', body: modernBody(1, method, params), headers }));
}

function nameIn(params: object): string | undefined {
  if ('name' in params && typeof params.name === 'string') return params.name;
  return 'uri' in params && typeof params.uri === 'string' ? params.uri : undefined;
}
