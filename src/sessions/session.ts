import type { Credential } from '../auth/credential.js';
import type { ClientInfo } from '../eras/client-info.js';
import type { SseDownstream } from '../transports/sse/downstream.js';
import type { StreamableHttpDownstream } from '../transports/streamable-http/downstream.js';

interface SessionBase {
  /** The id is what lets a client in: it is shown to nobody else. */
  readonly id: string;
  /** The name of the server definition. */
  readonly server: string;
  /** Who opened it, by id (`Principal.id`); undefined where nobody is asked who they are. */
  readonly principal: string | undefined;
  readonly openedAt: number;
  lastActivity: number;
  /** Undefined until `initialize` came. */
  client: ClientInfo | undefined;
  /** The protocol version that was agreed on; undefined before that. */
  version(): string | undefined;
  /** Whether a request or a stream of the client is open. */
  busy(): boolean;
  /** Whether the client was told to come back for an answer that is there. */
  owes(): boolean;
  /** Ends the session from the proxy's side. */
  end(text: string): void;
}

export interface StreamableHttpSession extends SessionBase {
  readonly transport: 'streamable-http';
  readonly downstream: StreamableHttpDownstream;
}

export interface SseSession extends SessionBase {
  /** Its stream; undefined where nobody is asked who they are. */
  readonly stay: { credential: Credential } | undefined;
  readonly transport: 'sse';
  readonly downstream: SseDownstream;
  /** Whether `initialize` came, so that the session has a server. */
  joined: boolean;
}

/** One client's stretch of conversation over HTTP. */
export type Session = StreamableHttpSession | SseSession;
