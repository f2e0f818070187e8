import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import { copyWire, type Wire } from '../jsonrpc/wire.js';
import type { CloseReason, Link, Receiver } from './link.js';

/** Messages that are kept until the first answer, and their octets, to be sent anew: more than any client sends before it. */
const MAX_KEPT = 256;
const MAX_KEPT_OCTETS = 16 * 1024 * 1024;

/** What a client has said before its first request was answered. */
interface Opening {
  readonly key: Key;
  /** The first request, then what came after it and was not answered. */
  readonly kept: Message[];
  octets: number;
  /** Ids (raw JSON) of requests that were too many to be kept. */
  readonly unkept: Wire[];
}

/**
 * A link that is replaced by another where the answer to the first request on it shows that it is not the right
 * one: the request, which must be one that does nothing by itself, is sent anew on the other, and with it what
 * the client has said since and that was not answered. After that it is whichever of the two has given the
 * answer that holds.
 *
 * @param otherwise told of the first answer; returns what to try instead, or undefined where it holds
 */
export function withSecondTry(first: Link, otherwise: (answer: Message) => Link | undefined): Link {
  let link = first;
  let receiver: Receiver | undefined;
  let opening: Opening | undefined;
  let isOpen = true;
  let isSettled = false;

  /** Looks at an answer that comes before the first request has one that holds. Returns what to try instead. */
  const lookAt = (answer: Message): Link | undefined => {
    const key = keyOf(answer.id ?? 'null');
    if (key === opening?.key) {
      isSettled = true;
      return otherwise(answer);
    }
    if (opening !== undefined) forget(opening, key);
    return undefined;
  };

  /** Sends on the other what was sent on the first in vain. */
  const repeat = (other: Link, { kept, unkept }: Opening): void => {
    for (const message of kept) if (isOpen) other.send(message);
    const text = 'too much was sent before the answer to the first request; send it again';
    for (const id of unkept) {
      if (isOpen) receiver?.message(makeError(id, ErrorCode.InternalError, text), keyOf(id));
    }
  };

  const use = (next: Link): void => {
    link = next;
    next.listen({
      message: (message, about) => {
        if (link !== next || !isOpen) return;
        if (!isSettled && (message.kind === 'response' || message.kind === 'error')) {
          const said = opening;
          const other = lookAt(message);
          if (isSettled) opening = undefined;
          if (other && said) {
            replace(next, other, said);
            return;
          }
        }
        receiver?.message(message, about);
      },
      closed: (reason: CloseReason) => {
        if (link !== next || !isOpen) return;
        isOpen = false;
        receiver?.closed(reason);
      },
    });
  };

  const replace = (next: Link, other: Link, said: Opening): void => {
    const reason: CloseReason = { kind: 'ended', text: 'another way is tried' };
    if (!isOpen) {
      other.close(reason);
      return;
    }
    link = other;
    next.close(reason);
    use(other);
    repeat(other, said);
  };
  use(first);

  return {
    send(message, about) {
      if (!isSettled) {
        if (opening !== undefined) keep(opening, message);
        else if (message.kind === 'request') {
          opening = { key: keyOf(message.id ?? 'null'), kept: [message], octets: 0, unkept: [] };
        }
      }
      link.send(message, about);
    },
    listen(to) {
      receiver = to;
    },
    hold: (isHeld) => link.hold?.(isHeld),
    close(reason) {
      if (!isOpen) return;
      isOpen = false;
      link.close(reason);
    },
  };
}

function keep(opening: Opening, message: Message): void {
  const octets = opening.octets + message.text.length;
  if (opening.kept.length < MAX_KEPT && octets <= MAX_KEPT_OCTETS) {
    opening.octets = octets;
    opening.kept.push(message);
  } else if (message.kind === 'request') opening.unkept.push(copyWire(message.id ?? 'null'));
}

/** A request has been answered, so that it is not sent anew. */
function forget({ kept, unkept }: Opening, key: Key): void {
  const at = kept.findIndex(({ kind, id }) => kind === 'request' && keyOf(id ?? 'null') === key);
  if (at >= 0) kept.splice(at, 1);
  const unkeptAt = unkept.findIndex((id) => keyOf(id) === key);
  if (unkeptAt >= 0) unkept.splice(unkeptAt, 1);
}
