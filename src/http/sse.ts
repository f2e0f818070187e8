import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientInfoOf } from '../eras/client-info.js';
import type { Message } from '../jsonrpc/message.js';
import { type SseSession, shownId } from '../sessions/session.js';
import { SseDownstream } from '../transports/sse/downstream.js';
import { accepted } from './accept.js';
import {
  type Endpoint,
  findOwn,
  join,
  refuseBusy,
  refuseIfFull,
  tellBegun,
  tellEnded,
  whenKnown,
} from './endpoint.js';
import { readPost } from './post.js';
import { refuse } from './reply.js';

const NO_SESSION = 'there is no such session (its stream has ended, or never was)';

/** A client opens its stream (2024-11-05, `basic/transports`, "HTTP with SSE"). */
export function handleSse(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET') {
    // Clients find out which transport a server speaks by POSTing here first: this must be 405.
    refuse(response, 405, 'this endpoint is for GET; POST goes to the endpoint that its stream names', {
      headers: { allow: 'GET' },
    });
    return;
  }
  if (!accepted(request.headers.accept).stream) {
    refuse(response, 406, 'Accept must admit text/event-stream');
    return;
  }
  if (refuseIfFull(endpoint, response)) return;
  const id = endpoint.sessions.newId();
  const server = endpoint.server.definition.name;
  const downstream = new SseDownstream(
    response,
    `${endpoint.messagesPath(request)}?session_id=${id}`,
    endpoint.streams,
  );
  if (!downstream.open) return;
  const session: SseSession = {
    id,
    shownId: shownId(id),
    server,
    era: 'legacy',
    principal: endpoint.principal,
    transport: 'sse',
    downstream,
    stay: endpoint.stay,
    openedAt: Date.now(),
    lastActivity: Date.now(),
    client: undefined,
    exchanges: undefined,
    joined: false,
    version: () => downstream.version,
    busy: () => true,
    owes: () => false,
    end: (text) => downstream.end(text),
  };
  endpoint.sessions.add(session);
  downstream.onInitialized = (version) => {
    if (session.client !== undefined) tellBegun(endpoint, session, version);
  };
  response.once('close', () => {
    endpoint.sessions.remove(id);
    if (session.client !== undefined) tellEnded(endpoint, session);
  });
}

/** A client POSTs a message to the endpoint that its stream named. */
export function handleMessages(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    refuse(response, 405, `${request.method} is not for this endpoint`, { headers: { allow: 'POST' } });
    return;
  }
  const query = new URLSearchParams(request.url?.split('?')[1] ?? '');
  const id = query.get('session_id');
  if (id === null || id === '') {
    refuse(response, 400, 'the session_id is missing; use the URL that the endpoint event gave');
    return;
  }
  const session = findOwn(endpoint, id, 'sse');
  if (!session?.downstream.open) {
    refuse(response, 404, NO_SESSION);
    return;
  }
  // The stream is the session: it lasts as long as what its client shows with its messages.
  if (session.stay !== undefined && endpoint.stay !== undefined) {
    session.stay.credential = endpoint.stay.credential;
  }
  readPost(request, response, endpoint, ({ messages, batch }) => {
    const [message] = messages;
    // The stream may have ended while the body came.
    if (!session.downstream.open) {
      refuse(response, 404, NO_SESSION, { id: message?.id ?? 'null' });
      return;
    }
    if (batch || !message) {
      refuse(response, 400, 'HTTP+SSE takes one message in a POST');
      return;
    }
    if (message.kind === 'request' && endpoint.stopping()) {
      refuseBusy(response, 'the proxy is stopping', message);
      return;
    }
    if (session.joined) {
      take(session, message, response);
      return;
    }
    if (message.kind !== 'request' || message.method !== 'initialize') {
      refuse(response, 400, 'a session begins with initialize', { id: message.id ?? 'null' });
      return;
    }
    whenKnown(endpoint, response, message, () => {
      if (session.joined || joinSession(endpoint, session, message, response))
        take(session, message, response);
    });
  });
}

/** Returns false, and has refused, where there is no server for it. */
function joinSession(
  endpoint: Endpoint,
  session: SseSession,
  initialize: Message,
  response: ServerResponse,
): boolean {
  session.client = clientInfoOf(initialize);
  if (!join(endpoint, session, initialize, response)) return false;
  session.joined = true;
  return true;
}

function take(session: SseSession, message: Message, response: ServerResponse): void {
  response.writeHead(202, { 'content-length': '8' }).end('Accepted');
  session.downstream.receive(message);
}
