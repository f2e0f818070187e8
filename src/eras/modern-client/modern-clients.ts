import { ErrorCode } from '../../jsonrpc/errors.js';
import { memberOf } from '../../jsonrpc/members.js';
import type { Message } from '../../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import type { Emit } from '../../observability/events.js';
import { LISTEN } from '../../relay/calls.js';
import type { Clock } from '../../relay/clock.js';
import { guarded } from '../../relay/guarded.js';
import type { CloseReason, Link } from '../../relay/link.js';
import type { Envelope } from '../envelope.js';
import { type Caller, LegacyCall } from './call.js';
import { discoverResult } from './discover.js';
import { DEFAULT_LIMITS, type Host, type Limits } from './host.js';
import type { LegacySession, OpenSession } from './legacy-session.js';
import { Listening, listenFilterOf } from './listening.js';
import { ASKING_METHODS, isLegacyOnly } from './methods.js';
import { type Parked, Parking } from './parking.js';
import { type LetGo, RequestLink } from './request-link.js';
import { CALL_IS_OVER, RequestStates } from './request-state.js';
import { type Retry, retryOf } from './retry.js';
import type { Seal } from './seal.js';
import { factsReader } from './server-facts.js';
import { responseAround } from './splice.js';

export interface ModernClientsOptions {
  /** The server definition's name, for errors and events. */
  readonly server: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Its key must be of this object alone: what it has sealed names calls that are parked here. */
  readonly seal: Seal;
  readonly limits?: Partial<Limits>;
}

/**
 * Clients of the modern era in front of one server of the legacy era: each of their requests is a link of
 * its own. What outlives a request, which is the calls that wait for their clients' answers, is kept here.
 */
export class ModernClients {
  readonly #host: Host;
  #lastId = 0;

  constructor({ server, clock, emit, seal, limits: given }: ModernClientsOptions) {
    const limits = { ...DEFAULT_LIMITS, ...given };
    this.#host = {
      server,
      clock,
      emit,
      seal,
      limits,
      parking: new Parking(seal, clock, limits.parked, limits.parkedMs),
      states: new RequestStates(seal, clock),
      factsOf: factsReader(),
      // A text, so that it is none of the numbers that the proxy itself uses at a server.
      nextId: () => `"m${++this.#lastId}"`,
    };
  }

  /** Calls that wait for their clients, or are about to. */
  get parked(): number {
    return this.#host.parking.size;
  }

  /** Of the calls that are parked on one of these sessions, the one that has waited for its client for longest. */
  longestParked(isOne: (session: LegacySession) => boolean): Parked<LegacyCall> | undefined {
    return this.#host.parking.longest(({ session }) => isOne(session));
  }

  /**
   * The link on which one modern request is answered: it is to be sent on it, once. The link says nothing
   * after the answer, and ends without one only where a subscription is lost.
   *
   * @param envelope what the request says of its client: read, and valid
   * @param principal who the client is, as authenticated; undefined where nobody is
   * @param open gives a legacy session for this client; not called where a parked call goes on, nor where
   *   the request is refused. What it throws or rejects with becomes error -32603
   */
  link(request: Message, envelope: Envelope, principal: string | undefined, open: OpenSession): Link {
    return new RequestLink(request, (client) => this.#begin({ client, envelope, principal }, open));
  }

  /** Gives up everything that is parked: the server hears that those calls are off. */
  close(): void {
    this.#host.parking.close({ kind: 'stopping', text: 'the proxy is stopping' });
  }

  #begin(caller: Caller, open: OpenSession): LetGo {
    const { client } = caller;
    const method = client.request.method ?? '';
    if (isLegacyOnly(method)) return refused(client, ErrorCode.MethodNotFound, `Method not found: ${method}`);
    if (method === 'server/discover') return this.#open(client, open, (session) => discover(client, session));
    if (method === LISTEN) return this.#listen(client, open);
    const retry = ASKING_METHODS.has(method) ? retryOf(client.request) : undefined;
    if (typeof retry === 'string') return refused(client, ErrorCode.InvalidParams, retry);
    return retry === undefined ? this.#call(caller, open) : this.#retry(caller, retry, open);
  }

  #listen(client: RequestLink, open: OpenSession): LetGo {
    const filter = listenFilterOf(client.request, this.#host.limits.resources);
    if (typeof filter === 'string') return refused(client, ErrorCode.InvalidParams, filter);
    return this.#open(client, open, (session) => {
      const listening = new Listening(this.#host, session, client, filter);
      listening.start();
      return (reason) => listening.giveUp(reason);
    });
  }

  #call(caller: Caller, open: OpenSession): LetGo {
    return this.#open(caller.client, open, (session) => {
      const call = new LegacyCall(this.#host, session, caller);
      call.start();
      return (reason) => call.giveUp(reason);
    });
  }

  #retry(caller: Caller, { state: text, responses }: Retry, open: OpenSession): LetGo {
    const { client, principal } = caller;
    const state = this.#host.states.read(text, client.request, principal);
    if (typeof state === 'string') return refused(client, ErrorCode.InvalidParams, state);
    if (state.kind === 'anew') {
      if ([...responses.values()].every(isAccepted)) return this.#call(caller, open);
      const refusal = `server "${this.#host.server}" goes on only once its URL was visited, which was declined`;
      return refused(client, ErrorCode.InternalError, refusal);
    }
    const call = this.#host.parking.take(state.round);
    if (call === undefined) return refused(client, ErrorCode.InvalidParams, CALL_IS_OVER);
    call.resume(caller, responses);
    return (reason) => call.giveUp(reason);
  }

  /** Has a session opened and `take` take it, unless the client has gone by then. */
  #open(client: RequestLink, open: OpenSession, take: (session: LegacySession) => LetGo): LetGo {
    const { emit, server } = this.#host;
    let gone: CloseReason | undefined;
    let letGo: LetGo = (reason) => {
      gone = reason;
    };
    const opened = (session: LegacySession): void => {
      if (gone !== undefined) {
        session.link.close(gone);
        return;
      }
      const taken = guarded(
        () => {
          letGo = take(session);
        },
        emit,
        server,
      );
      if (!taken) {
        session.link.close({ kind: 'failed', text: 'mcp-proxy failed on the request' });
        client.fail(ErrorCode.InternalError, 'mcp-proxy failed on this request; its log says more');
      } else if (gone !== undefined) letGo(gone); // it went in the meantime
    };
    const failed = (error: unknown): void => {
      const text = error instanceof Error ? error.message : `no session could be opened on "${server}"`;
      client.fail(ErrorCode.InternalError, text);
    };
    try {
      const session = open();
      if (session instanceof Promise) session.then(opened, failed);
      else opened(session);
    } catch (error) {
      failed(error);
    }
    return (reason) => letGo(reason);
  }
}

function refused(client: RequestLink, code: number, text: string): LetGo {
  client.fail(code, text);
  return nothing;
}

function discover(client: RequestLink, session: LegacySession): LetGo {
  client.answer(responseAround(client.id, discoverResult(session.initialized)));
  session.link.close({ kind: 'ended', text: 'the request was answered' });
  return nothing;
}

function nothing(): void {}

/** Whether a user agreed to what was asked (schema, `ElicitResult`). */
function isAccepted(response: Wire): boolean {
  return parseWire(memberOf(response, 'action') ?? toWire(null)) === 'accept';
}
