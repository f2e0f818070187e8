import { membersOf, objectOf } from '../../jsonrpc/members.js';
import type { Message } from '../../jsonrpc/message.js';
import { toWire } from '../../jsonrpc/wire.js';
import type { Clock } from '../../relay/clock.js';
import { canonical } from './canonical.js';
import type { Seal } from './seal.js';

/** What a `requestState` says. */
export interface RequestState {
  /** `parked`: the call waits for its answers. `anew`: nothing waits, the retry begins the call again. */
  readonly kind: 'parked' | 'anew';
  /** The round that it belongs to. */
  readonly round: string;
  /** When it is no good any more, in milliseconds of the clock. */
  readonly expires: number;
}

/** Why a state is no good any more that was good once: whatever became of its call, its client does the same. */
export const CALL_IS_OVER =
  'params.requestState has expired or was used already, or its call was given up; begin the call anew without it';

/** Members of params that differ between a request and its retry without making it another request. */
const NOT_SALIENT: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState']);

/**
 * Writes and reads `requestState`, which an attacker may have in hand (2026-07-28, `basic/patterns/mrtr`,
 * "Server Requirements", 4 and 5): the seal covers who the client is, when the state expires, and a digest
 * of the method and of what the request is about. What can be used only once is remembered elsewhere.
 */
export class RequestStates {
  readonly #seal: Seal;
  readonly #clock: Clock;

  constructor(seal: Seal, clock: Clock) {
    this.#seal = seal;
    this.#clock = clock;
  }

  /** @param principal who the client is, as authenticated; undefined where nobody is */
  write(state: RequestState, request: Message, principal: string | undefined): string {
    const kind = state.kind === 'parked' ? 'p' : 'a';
    // Without a fraction, which some clocks have: the parts stand between dots.
    const expires = Math.floor(state.expires).toString(36);
    const body = [kind, expires, this.#digest(request), state.round].join('.');
    return `${body}.${this.#seal.sign(sealed(body, principal))}`;
  }

  /** Reads what a client sent back with this request. A text says, for an error -32602, why it is no good. */
  read(text: string, request: Message, principal: string | undefined): RequestState | string {
    const end = text.lastIndexOf('.');
    const body = text.slice(0, Math.max(end, 0));
    if (!this.#seal.verify(sealed(body, principal), text.slice(end + 1))) {
      return 'params.requestState was not given to this client by this server, or was altered; begin the call anew without it';
    }
    const [kind, expiry = '', digest, ...round] = body.split('.');
    const expires = Number.parseInt(expiry, 36);
    if (!(this.#clock.now() < expires)) {
      return CALL_IS_OVER;
    }
    if (digest !== this.#digest(request)) {
      return 'params.requestState belongs to another request; a retry has the method and params of the request that it goes on with';
    }
    return { kind: kind === 'p' ? 'parked' : 'anew', round: round.join('.'), expires };
  }

  #digest(request: Message): string {
    const params = request.paramsAt < 0 ? '{}' : request.text.slice(request.paramsAt, request.paramsEnd);
    const salient = objectOf(membersOf(params).filter(({ key }) => !NOT_SALIENT.has(key)));
    return this.#seal.digest(`${request.method ?? ''}\n${canonical(salient)}`);
  }
}

/** What the MAC is of: in a form that no two pairs of body and principal share. */
function sealed(body: string, principal: string | undefined): string {
  return toWire([principal ?? null, body]);
}
