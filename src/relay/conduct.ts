import type { Message } from '../jsonrpc/message.js';
import type { Wire } from '../jsonrpc/wire.js';
import type { Call, Port } from './port.js';

/**
 * Whose the sessions are that share an upstream: of several clients, which must not hear of each other; of clients
 * that nobody can tell apart, one call at a time; or of one, whose person and answers are the same in all of them.
 */
export type Clients = 'several' | 'alike' | 'one';

/**
 * What an era adds to the correlation of ids and tokens: which requests mean something to all who share the
 * upstream, what the server may ask, and who hears what it says.
 */
export interface Conduct {
  /** Whether the server may still be at work for what was given up (`abandoned`). */
  readonly haunted: boolean;
  /** The protocol version that was agreed on with the server; undefined before that. */
  readonly version: string | undefined;
  /** The server's raw result of the last handshake that was done; undefined before, and where there is none. */
  readonly initialized: Wire | undefined;
  /** A session joins, or leaves. `isQuiet`: it wants nothing that no request of its own causes. */
  join(port: Port, isQuiet: boolean): void;
  leave(port: Port): void;
  /** A session that has joined can be told something from now on. */
  listens(port: Port): void;
  /** A session has requests open, or none any more. */
  busy(port: Port): void;
  idle(port: Port): void;
  /** Does the handshake in the proxy's own name, where the era has one and it is not done. Rejects with why not. */
  initialize(params: object): Promise<Wire>;
  /** Takes a session's request whose meaning depends on who shares the server. Returns false for all others. */
  request(port: Port, message: Message, id: Wire): boolean;
  /** A request is sent on, or was given up before it was answered. */
  opened(call: Call, message: Message): void;
  abandoned(call: Call): void;
  /** Whether the server has to hear a session's notification. */
  concernsServer(port: Port, message: Message): boolean;
  /** Whether a session's answer is one that the server waits for. */
  isAwaited(port: Port, answer: Message): boolean;
  /** The server has answered a session's request: what the session is to get. Ids are not restored yet. */
  answered(call: Call, answer: Message): Message;
  /** An answer to what nobody waits for any more. */
  lateAnswer(id: Wire): void;
  /** A question of the server. `cause`: the request on whose own stream it came, where the transport has one. */
  question(message: Message, cause: Call | undefined): void;
  /** A notification of the server, other than progress. */
  inform(message: Message, cause: Call | undefined): void;
  /**
   * What the server has asked this session, and nobody will answer any more.
   *
   * @param wasAnswered the session gave up no request of its own
   */
  forget(port: Port, wasAnswered: boolean): readonly Message[];
}

/** What the correlation does for a conduct. */
export interface ConductHost {
  readonly ports: ReadonlySet<Port>;
  readonly exclusive: boolean;
  readonly clients: Clients;
  /** Sends a session's request on; `onAnswer` sees the answer first and may replace it. */
  forward(port: Port, message: Message, id: Wire, onAnswer?: Call['onAnswer']): void;
  /** Keeps a session's request open without sending it. */
  hold(port: Port, message: Message, id: Wire, onAnswer: Call['onAnswer']): Call;
  /** Answers a request that is still open. */
  answer(call: Call, answer: Message): void;
  /** Sends a request of the proxy's own. */
  ask(method: string, params: object, onAnswer?: (answer: Message) => void): void;
  /** Sends a message of the proxy's own, or one that is as it has to be. */
  send(message: Message): void;
  /** Forgets the progress token of a request. */
  dropToken(call: Call): void;
  /** The open request that the server knows under this id (raw JSON). */
  byId(id: Wire): Call | undefined;
  /** Takes a request out of the books: nobody waits for its answer any more. */
  settle(call: Call): void;
  /** Stops the time limits of a session's requests, because the server waits for that session; or lets them go on. */
  stand(port: Port, isStill: boolean): void;
  /** Milliseconds of the clock. */
  now(): number;
  /** Does something `ms` milliseconds from now, unless the upstream is gone by then. Returns what takes that back. */
  after(ms: number, action: () => void): () => void;
  tell(level: 'debug' | 'warning', text: string): void;
}
