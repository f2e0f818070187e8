import { ErrorCode } from '../jsonrpc/errors.js';
import { makeCancelled, makeError } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf, tokenOf } from '../jsonrpc/message.js';
import { copyWire, type Wire } from '../jsonrpc/wire.js';
import type { Emit } from '../observability/events.js';
import { isOpening, LISTEN, MAX_PROLONGED } from './calls.js';
import type { Clock } from './clock.js';
import type { Link } from './link.js';
import { PassingMap } from './passing.js';
import { TimeLimit } from './time-limit.js';

export interface TimedOptions {
  /** How the server is called, for the error. */
  readonly server: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Longest time for one request, in milliseconds; progress starts it again. */
  readonly timeout: number;
  /** The same, whatever its progress; may be infinite. Undefined: `MAX_PROLONGED` times `timeout`. */
  readonly maxTimeout: number | undefined;
  /** Says who is to hear whether the server can't be asked now, because a person has to do something first. */
  readonly onStill?: (hear: (isStill: boolean) => void) => void;
}

interface Timed {
  readonly id: Wire;
  readonly method: Wire;
  readonly token: Key | undefined;
  readonly limit: TimeLimit;
}

/**
 * A client's link to a server of its own, on which a request may take so long: then the client gets an error, and
 * the server is told that nobody waits any more. It stands still while the server waits for the client, or both for a
 * person who signs in. What a server is asked first, and streams of notifications, have no limit here.
 */
export function withTimeLimit(link: Link, options: TimedOptions): Link {
  const { server, clock, emit, timeout, maxTimeout = MAX_PROLONGED * timeout } = options;
  const open = new PassingMap<Key, Timed>();
  /** Questions of the server that the client has not answered. */
  const questions = new Set<Key>();
  let isStill = false;
  let answer: (message: Message, about: Key) => void = () => undefined;

  const over = (key: Key): void => {
    open.get(key)?.limit.end();
    open.delete(key);
  };
  const runOut = (key: Key, { id, method }: Timed, ran: number): void => {
    open.delete(key);
    const text = `${server} did not answer ${method} within ${Math.round(ran / 100) / 10} s`;
    emit({ level: 'warning', text });
    link.send(makeCancelled(id, text));
    answer(makeError(id, ErrorCode.InternalError, text), key);
  };
  const begin = (request: Message): void => {
    const { id = 'null', method = '' } = request;
    if (isOpening(method) || method === LISTEN) return;
    const key = keyOf(id);
    const token = tokenOf(request);
    const limit = new TimeLimit({
      clock,
      ms: timeout,
      most: maxTimeout,
      onOver: (ran) => runOut(key, timed, ran),
    });
    // Copies, so that a large message is not kept in memory until it is answered.
    const timed: Timed = {
      id: copyWire(id),
      method: copyWire(method),
      token: token === undefined ? undefined : keyOf(copyWire(token)),
      limit,
    };
    over(key);
    open.set(key, timed);
    if (isStill || questions.size > 0) limit.stand(true);
  };
  const stand = (): void => {
    for (const { limit } of open.values()) limit.stand(isStill || questions.size > 0);
  };
  options.onStill?.((is) => {
    isStill = is;
    stand();
  });
  const progressed = (token: Wire | undefined): void => {
    if (token === undefined) return;
    const key = keyOf(token);
    for (const timed of open.values()) if (timed.token === key) timed.limit.restart();
  };
  const end = (): void => {
    for (const { limit } of open.values()) limit.end();
    open.clear();
  };

  return {
    send(message, about) {
      if (message.kind === 'request') begin(message);
      else if (message.kind !== 'notification') {
        if (questions.delete(keyOf(message.id ?? 'null'))) stand();
      } else if (message.method === 'notifications/cancelled') {
        const ref = refOf(message);
        if (ref !== undefined) over(keyOf(ref));
      }
      link.send(message, about);
    },
    listen(to) {
      answer = (message, about) => to.message(message, about);
      link.listen({
        message(message, about) {
          const key = message.id === undefined ? undefined : keyOf(message.id);
          if (message.kind === 'request' && key !== undefined) {
            questions.add(key);
            stand();
          } else if (message.kind !== 'notification') {
            if (key !== undefined) over(key);
          } else if (message.method === 'notifications/progress') progressed(tokenOf(message));
          else if (message.method === 'notifications/cancelled') {
            const ref = refOf(message);
            if (ref !== undefined && questions.delete(keyOf(ref))) stand();
          }
          to.message(message, about);
        },
        closed(reason) {
          end();
          to.closed(reason);
        },
      });
    },
    hold: (isHeld) => link.hold?.(isHeld),
    close(reason) {
      end();
      link.close(reason);
    },
  };
}
