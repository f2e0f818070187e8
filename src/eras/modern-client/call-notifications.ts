import { keyOf, type Message, paramsOf, textOf, tokenOf, withToken } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { LOG_LEVELS } from '../../relay/log-levels.js';

/**
 * Notifications that have no place on a call: the modern era has them on a listen stream, or not at all
 * (2026-07-28, `basic/patterns/subscriptions`; `notifications/elicitation/complete` and task status are of
 * 2025-11-25).
 */
const NOT_ON_A_CALL: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/subscriptions/acknowledged',
  'notifications/elicitation/complete',
  'notifications/tasks/status',
  'notifications/cancelled',
]);

/** Whether such a notification may be for the client of a call. */
export function belongsToCall(notification: Message): boolean {
  return !NOT_ON_A_CALL.has(notification.method ?? '');
}

/**
 * Whether a client that asked for `wanted` hears this log message: none without a level of its own
 * (2026-07-28, `server/utilities/logging`).
 */
export function hearsLog(notification: Message, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const level = LOG_LEVELS.indexOf(textOf(paramsOf(notification).level, ''));
  return level >= LOG_LEVELS.indexOf(wanted);
}

/**
 * The progress of one call, which goes on over all rounds, whose requests have tokens of their own
 * (2026-07-28, `basic/patterns/progress`).
 */
export class CallProgress {
  /** The token under which the server knows the call, raw JSON. */
  readonly #given: Wire | undefined;
  #last = Number.NEGATIVE_INFINITY;

  constructor(given: Wire | undefined) {
    this.#given = given;
  }

  /**
   * A progress notification for a client that waits under `token`. Undefined where it has none, where it is
   * not about this call, or where it is no progress: the value must increase, which 2024-11-05 left open.
   */
  restore(notification: Message, token: Wire | undefined): Message | undefined {
    const named = tokenOf(notification);
    if (this.#given === undefined || named === undefined || keyOf(named) !== keyOf(this.#given))
      return undefined;
    const { progress } = paramsOf(notification);
    if (token === undefined || typeof progress !== 'number' || progress <= this.#last) return undefined;
    this.#last = progress;
    return token === named ? notification : withToken(notification, token);
  }
}
