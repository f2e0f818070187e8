import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerDefinition } from '../config/definition.js';
import type { ClientInfo } from '../eras/client-info.js';
import type { Envelope } from '../eras/envelope.js';
import { NEWEST_MODERN_VERSION } from '../eras/versions.js';
import { ErrorCode } from '../jsonrpc/errors.js';
import type { Message } from '../jsonrpc/message.js';
import type { Conversation } from '../observability/conversation.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { Exchanges } from '../observability/exchanges.js';
import type { Hook } from '../relay/hook.js';
import { hooked } from '../relay/hooked.js';
import type { Link } from '../relay/link.js';
import { relay } from '../relay/relay.js';
import { AtCapacity } from '../servers/at-capacity.js';
import type { Server } from '../servers/server.js';
import type { SessionRegistry } from '../sessions/registry.js';
import type { Session } from '../sessions/session.js';
import type { StreamSettings } from '../transports/event-stream.js';
import type { DeclaredHeader } from '../transports/streamable-http/param-headers.js';
import type { Bodies } from './body.js';
import { answerFaults } from './fault.js';
import type { Stay } from './open-answers.js';
import { refuse } from './reply.js';

/** Where modern requests go: each by itself, with all that it says of its client. */
export interface ModernDoor {
  /**
   * The link on which one request is sent, and nothing else. It is closed when the request is answered, or
   * given up by its client. Throws or rejects with `AtCapacity` where there is no place; rejects with words
   * for the client where the server can't be had.
   *
   * @param principal who asks; undefined where nobody is asked who they are
   */
  openModern(request: Message, envelope: Envelope, principal: string | undefined): Link | Promise<Link>;
  /** Takes a notification. `envelope` is undefined where it does not say who its client is. Never throws. */
  notify(notification: Message, envelope: Envelope | undefined, principal: string | undefined): void;
  /**
   * Which arguments of a tool are to be repeated in headers (`x-mcp-header`); undefined where that is not
   * known. Never rejects.
   *
   * @param anew what is known does not agree with a call, and is to be looked up again
   */
  toolHeaders(
    name: string,
    envelope: Envelope,
    anew: boolean,
    principal: string | undefined,
  ): Promise<readonly DeclaredHeader[] | undefined>;
}

/** What the handlers of a server's endpoints have to do with. */
export interface Endpoint {
  readonly server: Server;
  readonly modern: ModernDoor;
  /** Who asks, by id (`Principal.id`): what is begun is bound to it. Undefined where nobody is asked who they are. */
  readonly principal: string | undefined;
  /** The answer to the request; undefined where nobody is asked who they are. */
  readonly stay?: Stay | undefined;
  readonly sessions: SessionRegistry;
  readonly emit: Emit;
  /** What is to see the messages of a conversation that begins with that server. */
  readonly watch: (conversation: Conversation, server: ServerDefinition) => Exchanges;
  /** What its messages go through; undefined: nothing. */
  readonly hook?: ((conversation: Conversation) => Hook) | undefined;
  readonly stateless: boolean;
  readonly pollAfter: number;
  readonly streams: StreamSettings;
  readonly bodies: Bodies;
  /** True while the proxy ends: nothing new is begun. */
  readonly stopping: () => boolean;
  /** Where the client is to POST over HTTP+SSE, for this request: an absolute path. */
  readonly messagesPath: (request: IncomingMessage) => string;
}

/** How long a client should wait that came while there was no place, and nobody knows when there is one, in seconds. */
const RETRY_AFTER = 5;

/** Refuses what would begin something new while there is no place for it. Returns whether it did. */
export function refuseIfFull(endpoint: Endpoint, response: ServerResponse, message?: Message): boolean {
  if (!endpoint.stopping()) return refuseIfNoRoom(endpoint, response, message);
  refuseBusy(response, 'the proxy is stopping', message);
  return true;
}

/** The same for what had come before the proxy began to end. */
export function refuseIfNoRoom(endpoint: Endpoint, response: ServerResponse, message?: Message): boolean {
  if (!endpoint.sessions.full) return false;
  refuseBusy(response, 'the proxy has as many sessions as it may have', message);
  return true;
}

/**
 * Does something for a client that needs to know what the server speaks: at once where that is known, and not
 * at all where the client has gone by then. While it waits, its request is under way; it is refused where the
 * proxy has ended before that is known.
 */
export function whenKnown(
  endpoint: Endpoint,
  response: ServerResponse,
  request: Message,
  action: () => void,
): void {
  const finding = endpoint.server.known();
  if (finding === undefined) {
    action();
    return;
  }
  endpoint.server.held.until(finding, response).then(
    () => {
      if (!response.destroyed) answerFaults(response, endpoint.emit, action);
    },
    (error: unknown) => refuseBusy(response, error, request),
  );
}

/** The session of this id at this endpoint. That of another principal is not there for whoever asks. */
export function findOwn<T extends Session['transport']>(
  { sessions, server, principal }: Endpoint,
  id: string,
  transport: T,
): Extract<Session, { transport: T }> | undefined {
  return sessions.find(id, { server: server.definition.name, transport, principal });
}

/**
 * Joins a session to its server. Returns false, and has refused, where there is no process for it, or the
 * client has gone: nobody would end what was begun for it.
 */
export function join(
  endpoint: Endpoint,
  session: Session,
  initialize: Message,
  response: ServerResponse,
): boolean {
  const { downstream } = session;
  if (!downstream.open) {
    refuse(response, 404, 'this session has ended', { id: initialize.id ?? 'null' });
    return false;
  }
  try {
    const upstream = endpoint.server.open(initialize, endpoint.principal);
    session.exchanges = connect(endpoint, session, downstream, upstream);
    return true;
  } catch (error) {
    if (!(error instanceof AtCapacity)) throw error;
    refuseBusy(response, error, initialize);
    return false;
  }
}

/** Joins a client to its server. What passes is seen by those who watch, and goes through the hook where there is one. */
export function connect(
  { server, watch, hook, emit }: Endpoint,
  conversation: Conversation,
  downstream: Link,
  upstream: Link,
): Exchanges {
  const exchanges = watch(conversation, server.definition);
  relay(downstream, hook === undefined ? upstream : hooked(upstream, hook(conversation), emit), exchanges);
  return exchanges;
}

/** The conversation that one POST is, where it belongs to no session. */
export function conversationOf(
  { server, principal }: Endpoint,
  era: Conversation['era'],
  client: ClientInfo | undefined,
  version: string,
): Conversation {
  return {
    server: server.definition.name,
    shownId: undefined,
    transport: 'streamable-http',
    era,
    principal,
    client,
    version: () => version,
  };
}

/** Tells that a session of the legacy era has begun, and what is spoken on either side. */
export function tellBegun(
  { server, emit }: Endpoint,
  { shownId, client = UNNAMED, transport }: Conversation,
  version: string | undefined,
): void {
  const far =
    server.era === 'modern' && !server.servesLegacy
      ? `, translated for a server of ${server.modernVersion ?? NEWEST_MODERN_VERSION}`
      : '';
  const over = transport === 'sse' ? 'HTTP+SSE' : 'Streamable HTTP';
  const text = `session of ${client.name} ${client.version} over ${over}, MCP ${version ?? 'unknown'}${far}`;
  const fields = { event: 'session_opened', session: shownId, transport, protocol_version: version };
  emit({ level: 'info', text, server: server.definition.name, fields: { ...fields, ...named(client) } });
}

/** Tells of a client of the modern era that was not known, and what is spoken on either side. */
export function tellHeard({ server, emit }: Endpoint, client: ClientInfo, version: string): void {
  const far = server.era === 'legacy' ? ', translated for a server of the legacy era' : '';
  const text = `requests of ${client.name} ${client.version} over Streamable HTTP, MCP ${version}${far}`;
  const fields = { event: 'client_heard', protocol_version: version, ...named(client) };
  emit({ level: 'info', text, server: server.definition.name, fields });
}

export function tellEnded({ server, emit }: Endpoint, session: Session): void {
  const { shownId, client = UNNAMED, transport, exchanges } = session;
  const text = `session of ${client.name} ${client.version} ended`;
  const fields = {
    event: 'session_ended',
    session: shownId,
    transport,
    ...named(client),
    seconds: (Date.now() - session.openedAt) / 1000,
    requests: exchanges?.requests,
    octets_received: exchanges?.received,
    octets_sent: exchanges?.sent,
  };
  emit({ level: 'info', text, server: server.definition.name, fields });
}

/** One that has not said who it is. */
const UNNAMED: ClientInfo = { name: 'a client', version: '' };

function named({ name, version }: ClientInfo): Readonly<Record<string, string>> {
  return { client: name, client_version: version };
}

/** @param reason an error, or words */
export function refuseBusy(response: ServerResponse, reason: unknown, message: Message | undefined): void {
  const retryAfter = reason instanceof AtCapacity ? reason.retryAfter : undefined;
  refuse(response, 503, wordsOf(reason), {
    code: ErrorCode.InternalError,
    id: message?.id ?? 'null',
    headers: { 'retry-after': String(retryAfter ?? RETRY_AFTER) },
  });
}
