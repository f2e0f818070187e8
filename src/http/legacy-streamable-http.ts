import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientInfoOf } from '../eras/client-info.js';
import { ALL_VERSIONS } from '../eras/versions.js';
import type { Message } from '../jsonrpc/message.js';
import { isLegacyVersion } from '../relay/handshake.js';
import type { CloseReason, Link } from '../relay/link.js';
import { type StreamableHttpSession, shownId } from '../sessions/session.js';
import { StreamableHttpDownstream } from '../transports/streamable-http/downstream.js';
import type { Accepted } from '../transports/streamable-http/exchange.js';
import { accepted } from './accept.js';
import {
  connect,
  conversationOf,
  type Endpoint,
  findOwn,
  join,
  refuseBusy,
  refuseIfFull,
  refuseIfNoRoom,
  tellBegun,
  tellEnded,
  whenKnown,
} from './endpoint.js';
import { unsupportedVersion } from './era-of.js';
import { answerFaults } from './fault.js';
import type { Posted } from './post.js';
import { refuse } from './reply.js';

/** The one version in which a POST may carry a batch (2025-03-26 `basic/index`; removed in 2025-06-18). */
const BATCH_VERSION = '2025-03-26';
const ANSWERED: CloseReason = { kind: 'ended', text: 'the request was answered' };

/** Messages of a client of the legacy era (`basic/transports` of each version up to 2025-11-25). */
export function handleLegacyPost(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  posted: Posted,
  accepts: Accepted,
): void {
  const [first] = posted.messages;
  if (first?.method === 'initialize' && !posted.batch) begin(endpoint, request, response, first, accepts);
  else if (endpoint.stateless) answerWithoutSession(endpoint, request, response, posted, accepts);
  else goOn(endpoint, request, response, posted, accepts);
}

/** A client begins: `initialize` opens a session, unless there are none. */
function begin(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  initialize: Message,
  accepts: Accepted,
): void {
  if (initialize.kind !== 'request') {
    refuse(response, 400, 'initialize is a request and needs an id');
    return;
  }
  if (endpoint.stateless) {
    const posted = { messages: [initialize], batch: false };
    answerWithoutSession(endpoint, request, response, posted, accepts);
    return;
  }
  if (request.headers['mcp-session-id'] !== undefined) {
    if (!findSession(endpoint, request, response)) return;
    refuse(response, 400, 'this session is initialized already', { id: initialize.id ?? 'null' });
    return;
  }
  if (refuseIfFull(endpoint, response, initialize)) return;
  whenKnown(endpoint, response, initialize, () => beginSession(endpoint, response, initialize, accepts));
}

function beginSession(
  endpoint: Endpoint,
  response: ServerResponse,
  initialize: Message,
  accepts: Accepted,
): void {
  // Others may have come meanwhile. What was under way when the proxy began to end may finish.
  if (refuseIfNoRoom(endpoint, response, initialize)) return;
  const session = openSession(endpoint, initialize);
  if (!join(endpoint, session, initialize, response)) return;
  endpoint.sessions.add(session);
  session.downstream.receive([initialize], false, accepts, response);
}

function openSession(endpoint: Endpoint, initialize: Message): StreamableHttpSession {
  const id = endpoint.sessions.newId();
  const server = endpoint.server.definition.name;
  const client = clientInfoOf(initialize);
  const downstream: StreamableHttpDownstream = new StreamableHttpDownstream({
    sessionId: id,
    streams: endpoint.streams,
    pollAfter: endpoint.pollAfter,
    onInitialized: (version) => {
      if (version !== undefined) tellBegun(endpoint, session, version);
      else downstream.end({ kind: 'ended', text: 'initialize was refused' });
    },
    onEnd: () => {
      endpoint.sessions.remove(id);
      tellEnded(endpoint, session);
    },
  });
  const session: StreamableHttpSession = {
    id,
    shownId: shownId(id),
    server,
    era: 'legacy',
    principal: endpoint.principal,
    transport: 'streamable-http',
    downstream,
    openedAt: Date.now(),
    lastActivity: Date.now(),
    client,
    exchanges: undefined,
    version: () => downstream.version,
    busy: () => downstream.connected,
    owes: () => downstream.owes,
    end: (text) => downstream.end({ kind: 'stopping', text }),
  };
  return session;
}

/** Messages of a session that has begun. */
function goOn(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  posted: Posted,
  accepts: Accepted,
): void {
  const session = findSession(endpoint, request, response);
  if (!session || !checkVersion(request, response, session.downstream.version)) return;
  if (!checkMessages(endpoint, response, posted, session.downstream.version)) return;
  const refused = session.downstream.receive(posted.messages, posted.batch, accepts, response);
  if (refused) refuse(response, 400, refused.reason, { id: refused.id });
}

function checkMessages(
  endpoint: Endpoint,
  response: ServerResponse,
  { messages, batch }: Posted,
  version: string | undefined,
): boolean {
  if (batch && version !== BATCH_VERSION) {
    refuse(response, 400, `a batch is not part of the protocol version ${version ?? 'of this request'}`);
    return false;
  }
  if (batch && messages.some((message) => message.method === 'initialize')) {
    refuse(response, 400, 'initialize must not be part of a batch');
    return false;
  }
  const request = messages.find((message) => message.kind === 'request');
  if (request && endpoint.stopping()) {
    refuseBusy(response, 'the proxy is stopping', request);
    return false;
  }
  return true;
}

/** `--stateless`: every POST stands alone and is answered by the process of the proxy's own profile. */
function answerWithoutSession(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  posted: Posted,
  accepts: Accepted,
): void {
  const stated = request.headers['mcp-protocol-version'];
  const version = typeof stated === 'string' ? stated : BATCH_VERSION;
  if (!checkVersion(request, response, undefined) || !checkMessages(endpoint, response, posted, version))
    return;
  const answerOnce = (upstream: Link): void => {
    const downstream: StreamableHttpDownstream = new StreamableHttpDownstream({
      sessionId: undefined,
      streams: endpoint.streams,
      pollAfter: 0,
      onIdle: () => downstream.end(ANSWERED),
    });
    const conversation = conversationOf(endpoint, 'legacy', undefined, version);
    connect(endpoint, conversation, downstream, upstream);
    const refused = downstream.receive(posted.messages, posted.batch, accepts, response);
    if (refused) refuse(response, 400, refused.reason, { id: refused.id });
    if (refused || !downstream.busy) downstream.end(ANSWERED);
  };
  const opening = endpoint.server.openWithoutHandshake(endpoint.principal, version);
  endpoint.server.held.until(opening, response).then(
    (upstream) => answerFaults(response, endpoint.emit, () => answerOnce(upstream)),
    (error: unknown) => {
      const [message] = posted.messages;
      refuseBusy(response, error, message);
    },
  );
}

/** A client opens its session's stream, or resumes one. */
export function handleLegacyGet(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (endpoint.stateless) {
    refuse(response, 405, 'there are no sessions here, so there is no stream to open', {
      headers: { allow: 'POST' },
    });
    return;
  }
  if (!accepted(request.headers.accept).stream) {
    refuse(response, 406, 'Accept must admit text/event-stream');
    return;
  }
  const session = findSession(endpoint, request, response);
  if (!session || !checkVersion(request, response, session.downstream.version)) return;
  const lastEventId = request.headers['last-event-id'];
  const refused = session.downstream.openStream(
    response,
    typeof lastEventId === 'string' ? lastEventId : undefined,
  );
  if (refused === 'unknown-event') refuse(response, 400, 'Last-Event-ID is not an id of this session');
  if (refused === 'too-many') refuse(response, 409, 'this session has too many streams open');
}

/** A client ends its session. */
export function handleLegacyDelete(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (endpoint.stateless) {
    refuse(response, 405, 'there are no sessions here', { headers: { allow: 'POST' } });
    return;
  }
  const session = findSession(endpoint, request, response);
  if (!session || !checkVersion(request, response, session.downstream.version)) return;
  session.downstream.end({ kind: 'ended', text: 'the client ended its session' });
  response.writeHead(200, { 'content-length': '0' }).end();
}

function findSession(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): StreamableHttpSession | undefined {
  const id = request.headers['mcp-session-id'];
  if (typeof id !== 'string' || id === '') {
    refuse(response, 400, 'the Mcp-Session-Id header is missing; a session begins with initialize');
    return undefined;
  }
  const session = findOwn(endpoint, id, 'streamable-http');
  if (!session)
    refuse(response, 404, 'there is no such session (it has ended, or never was); begin with initialize');
  return session;
}

/** `MCP-Protocol-Version`: absent is fine, what the session agreed on is, and so is every version known. */
function checkVersion(
  { headers }: IncomingMessage,
  response: ServerResponse,
  agreed: string | undefined,
): boolean {
  const version = headers['mcp-protocol-version'];
  if (version === undefined || version === agreed || isLegacyVersion(version)) return true;
  const { text, ...details } = unsupportedVersion(version, ALL_VERSIONS);
  refuse(response, 400, text, details);
  return false;
}
