import type { Credential } from '../auth/credential.js';
import { crypto } from '../builtins.js';
import type { ClientInfo } from '../eras/client-info.js';
import type { Conversation } from '../observability/conversation.js';
import type { Exchanges } from '../observability/exchanges.js';
import type { SseDownstream } from '../transports/sse/downstream.js';
import type { StreamableHttpDownstream } from '../transports/streamable-http/downstream.js';

interface SessionBase extends Conversation {
  /** The id is what lets a client in: it is shown to nobody else. */
  readonly id: string;
  readonly shownId: string;
  readonly era: 'legacy';
  readonly openedAt: number;
  lastActivity: number;
  /** Undefined until `initialize` came. */
  client: ClientInfo | undefined;
  /** What passes in it; undefined until it has a server. */
  exchanges: Exchanges | undefined;
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

/** A session's id lets in whoever has it, so what is shown is a name that can't be turned back into it. */
export function shownId(id: string): string {
  return crypto().createHash('sha256').update(id).digest('hex').slice(0, 12);
}
