import { asRecord, type Message, paramsOf, textOf } from '../jsonrpc/message.js';
import type { SseDownstream } from '../transports/sse/downstream.js';
import type { StreamableHttpDownstream } from '../transports/streamable-http/downstream.js';

/** What a client says of itself in `initialize`. */
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
  const { name, version } = asRecord(paramsOf(initialize).clientInfo);
  return { name: textOf(name, 'unknown'), version: textOf(version, 'unknown') };
}
