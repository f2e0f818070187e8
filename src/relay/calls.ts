import { type Key, keyOf, type Message, tokenOf } from '../jsonrpc/message.js';
import { copyWire, type Wire } from '../jsonrpc/wire.js';
import type { Clock } from './clock.js';
import { PassingMap, PassingSet } from './passing.js';
import type { Call, Port } from './port.js';
import { TimeLimit } from './time-limit.js';

/**
 * How many times its time limit a request may last that reports progress, where nothing else is said: one that goes
 * on reporting without ever coming to an end must end too (2025-11-25, `basic/lifecycle`, "Timeouts").
 */
export const MAX_PROLONGED = 10;
/** Longest wait for the answer to a request of the proxy's own, in milliseconds: nothing depends on it. */
export const OWN_REQUEST_MS = 60_000;
/**
 * Longest wait for the first answer of a server, in milliseconds, where nothing else is said: it may have to download
 * itself first, and would have to begin anew if it was given up over that. Clients have limits of their own, of a
 * minute in most cases, so that nobody waits that long against his will.
 */
export const START_MS = 5 * 60_000;

/** What a server is asked first: it may still be on its way to the point where it can answer. */
const OPENING: ReadonlySet<string> = new Set(['initialize', 'server/discover']);

export function isOpening(method: string): boolean {
  return OPENING.has(method);
}

const NEVER = Number.POSITIVE_INFINITY;

/** A request whose answer is the end of a stream of notifications (2026-07-28, `basic/patterns/subscriptions`). */
export const LISTEN = 'subscriptions/listen';

/** Times are in milliseconds, and may be infinite. */
export interface TimeLimits {
  /** Longest time for one request; progress starts it again. Undefined: no limit. */
  readonly timeout: number | undefined;
  /** Longest time for one request, whatever its progress. Undefined: `MAX_PROLONGED` times `timeout`. */
  readonly maxTimeout?: number;
  /** Longest wait for the answer to what a server is asked first. Default: `START_MS`. */
  readonly startTimeout?: number;
}

export interface CallsOptions extends TimeLimits {
  /** Whether ids and tokens travel as they are. */
  readonly exclusive: boolean;
  readonly clock: Clock;
  /** A request has run out of time. It is still in the books. */
  readonly onTimeout: (call: Call, ms: number) => void;
  readonly onBusy: (port: Port) => void;
  readonly onIdle: (port: Port) => void;
}

/** The books of one upstream: which requests are open, under which ids and progress tokens. */
export class Calls {
  readonly #options: CallsOptions;
  /** Open requests by the id that the server knows. */
  readonly #sent = new PassingMap<Key, Call>();
  /** Open requests that wait for somebody else's handshake. */
  readonly #held = new PassingSet<Call>();
  /** Progress tokens by the form that the server knows; a task's token outlives its request. */
  readonly #tokens = new PassingMap<Key, Call>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** How many requests the server has not answered. */
  get sent(): number {
    return this.#sent.size;
  }

  /** The same without streams of notifications, which have no end that anybody waits for. */
  get awaited(): number {
    let listening = 0;
    for (const call of this.#sent.values()) if (call.method === LISTEN) listening++;
    return this.#sent.size - listening;
  }

  all(): Call[] {
    return [...this.#sent.values(), ...this.#held];
  }

  open(call: Call): void {
    if (call.upstreamId === undefined) this.#held.add(call);
    else this.#sent.set(keyOf(call.upstreamId), call);
    const token = this.#tokenKey(call);
    if (token !== undefined) this.#tokens.set(token, call);
    if (call.port) {
      call.port.calls.set(call.key, call);
      this.#options.onBusy(call.port);
    }
    this.#limit(call);
  }

  #limit(call: Call): void {
    const { clock, onTimeout } = this.#options;
    const { ms, most } = this.#timeFor(call);
    if (!Number.isFinite(ms) && !Number.isFinite(most)) return;
    call.limit = new TimeLimit({ clock, ms, most, onOver: (ran) => onTimeout(call, ran) });
  }

  #timeFor({ method, port }: Call): { readonly ms: number; readonly most: number } {
    const {
      timeout: ms = NEVER,
      maxTimeout: most = MAX_PROLONGED * ms,
      startTimeout = START_MS,
    } = this.#options;
    if (isOpening(method)) return { ms: startTimeout, most: startTimeout };
    // A stream of notifications has no end that one could wait for.
    if (method === LISTEN) return { ms: NEVER, most: NEVER };
    return port === undefined ? { ms: Math.min(ms, OWN_REQUEST_MS), most } : { ms, most };
  }

  /** Stops the time of a session's requests, while the server waits for that session, or lets it go on. */
  stand(port: Port, isStill: boolean): void {
    for (const { limit } of port.calls.values()) limit?.stand(isStill);
  }

  isOpen(call: Call): boolean {
    return call.upstreamId === undefined
      ? this.#held.has(call)
      : this.#sent.get(keyOf(call.upstreamId)) === call;
  }

  /** The open request that the server knows under this id (raw JSON). */
  byId(id: Wire): Call | undefined {
    return this.#sent.get(keyOf(id));
  }

  /** The request, or the task it has become, that the server knows under this token (raw JSON). */
  byToken(token: Wire | undefined): Call | undefined {
    return token === undefined ? undefined : this.#tokens.get(keyOf(token));
  }

  /** The progress token of a call as the server knows it. */
  #tokenKey(call: Call): Key | undefined {
    if (call.token === undefined) return undefined;
    return this.#options.exclusive ? keyOf(call.token) : call.upstreamId;
  }

  /** Takes a request out of the books; its progress token stays. */
  settle(call: Call): void {
    call.limit?.end();
    if (call.upstreamId === undefined) this.#held.delete(call);
    else this.#sent.delete(keyOf(call.upstreamId));
    this.leavePort(call);
  }

  /** Parts a request from its session, which no longer waits for it. */
  leavePort(call: Call): void {
    const { port } = call;
    if (port?.calls.get(call.key) !== call) return;
    port.calls.delete(call.key);
    if (port.calls.size === 0) this.#options.onIdle(port);
  }

  dropToken(call: Call): void {
    const key = this.#tokenKey(call);
    if (key !== undefined && this.#tokens.get(key) === call) this.#tokens.delete(key);
  }
}

/**
 * @param port undefined: the request is the proxy's own
 * @param upstreamId undefined: the request is not sent
 */
export function makeCall(
  port: Port | undefined,
  message: Message,
  id: Wire,
  upstreamId: Wire | undefined,
  onAnswer: Call['onAnswer'],
): Call {
  const token = tokenOf(message);
  // Copies, so that a large message is not kept in memory until it is answered.
  const ownId = copyWire(id);
  return {
    port,
    id: ownId,
    key: keyOf(ownId),
    upstreamId: upstreamId === id ? ownId : upstreamId,
    method: copyWire(message.method ?? ''),
    token: token === undefined ? undefined : copyWire(token),
    asTask: message.taskAt >= 0,
    onAnswer,
  };
}
