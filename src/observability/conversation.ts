import type { ClientInfo } from '../eras/client-info.js';
import type { Era } from '../eras/versions.js';

/** What is known of a client and its server between whom messages pass: a session, or one request of the modern era. */
export interface Conversation {
  /** The name of the server definition. */
  readonly server: string;
  /** A name for it that may be shown, and lets nobody in; undefined where it is one request. */
  readonly shownId: string | undefined;
  readonly transport: 'streamable-http' | 'sse' | 'stdio';
  readonly era: Era;
  /** Who it belongs to, by id (`Principal.id`); undefined where nobody is asked who they are. */
  readonly principal: string | undefined;
  /** Undefined until it is known. */
  readonly client: ClientInfo | undefined;
  /** The protocol version that is spoken with the client; undefined before that is known. */
  version(): string | undefined;
}
