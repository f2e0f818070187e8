import { asRecord, type Message, paramsOf, textOf } from '../jsonrpc/message.js';
import type { SseDownstream } from '../transports/sse/downstream.js';
import type { StreamableHttpDownstream } from '../transports/streamable-http/downstream.js';

/** Characters of a name or a version that are kept. */
const MAX_SHOWN = 200;

/** What a client says of itself. */
export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

interface SessionBase {
  /** The id is what lets a client in: it is shown to nobody else. */
  readonly id: string;
  /** The name of the server definition. */
  readonly server: string;
  readonly openedAt: number;
  lastActivity: number;
  /** Undefined until `initialize` came. */
  client: ClientInfo | undefined;
  /** The protocol version that was agreed on; undefined before that. */
  version(): string | undefined;
  /** Whether a request or a stream of the client is open. */
  busy(): boolean;
  /** Ends the session from the proxy's side. */
  end(text: string): void;
}

export interface StreamableHttpSession extends SessionBase {
  readonly transport: 'streamable-http';
  readonly downstream: StreamableHttpDownstream;
}

export interface SseSession extends SessionBase {
  readonly transport: 'sse';
  readonly downstream: SseDownstream;
  /** Whether `initialize` came, so that the session has a server. */
  joined: boolean;
}

/** One client's stretch of conversation over HTTP. */
export type Session = StreamableHttpSession | SseSession;

/** The client's name and version in its `initialize`. */
export function clientInfoOf(initialize: Message): ClientInfo {
  return clientInfo(paramsOf(initialize).clientInfo);
}

/** A client's name and version, of what it says of itself. */
export function clientInfo(said: unknown): ClientInfo {
  const { name, version } = asRecord(said);
  return { name: shown(name), version: shown(version) };
}

function shown(text: unknown): string {
  return textOf(text, 'unknown').slice(0, MAX_SHOWN);
}
