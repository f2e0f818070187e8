import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientInfo, clientInfo } from '../eras/client-info.js';
import { type Envelope, readEnvelope } from '../eras/envelope.js';
import { McpErrorCode } from '../jsonrpc/errors.js';
import { type Message, nameOf, paramsOf } from '../jsonrpc/message.js';
import { wordsOf } from '../observability/events.js';
import { LISTEN } from '../relay/calls.js';
import type { CloseReason, Link } from '../relay/link.js';
import type { Accepted } from '../transports/streamable-http/exchange.js';
import { ModernDownstream } from '../transports/streamable-http/modern-downstream.js';
import { paramMismatch } from '../transports/streamable-http/param-headers.js';
import { connect, conversationOf, type Endpoint, refuseBusy, tellHeard } from './endpoint.js';
import { answerFaults } from './fault.js';
import { refuse } from './reply.js';

/** One modern request over HTTP, whose standard headers agree with its body. */
export interface ModernPost {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly message: Message;
  readonly envelope: Envelope;
  readonly accepts: Accepted;
}

const GONE: CloseReason = { kind: 'ended', text: 'the client has gone before its request had a server' };

/** Joins a modern request to its server (2026-07-28, `basic/transports/streamable-http`). */
export function handleModern(endpoint: Endpoint, post: ModernPost): void {
  const { response, message, accepts } = post;
  if (endpoint.stopping()) {
    refuseBusy(response, 'the proxy is stopping', message);
    return;
  }
  if (message.method === LISTEN && !accepts.stream) {
    const text = 'a subscription is answered with an event stream; Accept must admit text/event-stream';
    refuse(response, 406, text, { id: message.id ?? 'null' });
    return;
  }
  const checked = checkParams(endpoint, post);
  const isKnown = endpoint.server.known() === undefined;
  (isKnown ? checked : endpoint.server.held.until(checked, response))
    .then((fault) => {
      if (fault === undefined) return serve(endpoint, post);
      const details = { code: McpErrorCode.HeaderMismatch, id: message.id ?? 'null' };
      return refuse(response, 400, fault, details);
    })
    .catch((error: unknown) =>
      answerFaults(response, endpoint.emit, () => refuseBusy(response, error, message)),
    );
}

/**
 * Takes a modern client's notification. A cancellation is ignored: over HTTP a request is given up by
 * closing its response (2026-07-28, `basic/patterns/cancellation`), and the id of another client's request
 * may be the same.
 */
export function takeNotification(
  { modern, principal }: Endpoint,
  message: Message,
  response: ServerResponse,
): void {
  const envelope = readEnvelope(message);
  if (message.method !== 'notifications/cancelled') {
    modern.notify(message, typeof envelope === 'string' ? undefined : envelope, principal);
  }
  response.writeHead(202, { 'content-length': '0' }).end();
}

/** How the `Mcp-Param-*` headers of a call differ from its arguments ("Server Behavior for Custom Headers"). */
async function checkParams(
  { modern, principal }: Endpoint,
  { request, message, envelope }: ModernPost,
): Promise<string | undefined> {
  const name = message.method === 'tools/call' ? nameOf(message) : undefined;
  if (name === undefined) return undefined;
  const mismatch = async (anew: boolean): Promise<string | undefined> => {
    const declared = await modern.toolHeaders(name, envelope, anew, principal);
    // Most tools declare none: then the arguments, which may be large, are not read.
    if (declared === undefined || declared.length === 0) return undefined;
    return paramMismatch(request.headers, declared, paramsOf(message).arguments);
  };
  // What is known of the tool may be out of date.
  return (await mismatch(false)) && mismatch(true);
}

function takeNote(endpoint: Endpoint, client: ClientInfo, version: string): void {
  const isNew = endpoint.sessions.heard(endpoint.server.definition.name, client, version, endpoint.principal);
  if (!isNew) return;
  const finding = endpoint.server.known();
  if (finding === undefined) tellHeard(endpoint, client, version);
  else void finding.then(() => tellHeard(endpoint, client, version));
}

async function serve(endpoint: Endpoint, post: ModernPost): Promise<void> {
  const { response, message, envelope, accepts } = post;
  const downstream = new ModernDownstream(response, message, {
    accepted: accepts,
    streams: endpoint.streams,
  });
  if (!downstream.open) return;
  const client = clientInfo(envelope.clientInfo);
  takeNote(endpoint, client, envelope.version);
  let upstream: Link;
  try {
    const finding = endpoint.server.known();
    if (finding !== undefined) await endpoint.server.held.until(finding, response);
    const opened = endpoint.modern.openModern(message, envelope, endpoint.principal);
    // At once where it can be, so that no other request takes the place that was there for this one.
    upstream = opened instanceof Promise ? await opened : opened;
  } catch (error) {
    // Where that took long, the answer is a stream by now, and its status has been sent.
    if (!response.headersSent) throw error;
    downstream.close({ kind: 'failed', text: wordsOf(error) });
    return;
  }
  if (!downstream.open) {
    upstream.close(GONE);
    return;
  }
  answerFaults(response, endpoint.emit, () => {
    const conversation = conversationOf(endpoint, 'modern', client, envelope.version);
    connect(endpoint, conversation, downstream, upstream);
    downstream.receive();
  });
}
