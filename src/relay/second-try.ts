import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import type { CloseReason, Link, Receiver } from './link.js';

/**
 * A link that is replaced by another where the answer to the first request on it shows that it is not the right
 * one: the request, which must be one that does nothing by itself, is sent anew on the other. After that it is
 * whichever of the two has given the answer that holds.
 *
 * @param otherwise told of the first answer; returns what to try instead, or undefined where it holds
 */
export function withSecondTry(first: Link, otherwise: (answer: Message) => Link | undefined): Link {
  let link = first;
  let receiver: Receiver | undefined;
  let opening: { readonly message: Message; readonly key: Key } | undefined;
  let isOpen = true;
  let isSettled = false;

  const use = (next: Link): void => {
    link = next;
    next.listen({
      message: (message, about) => {
        if (link !== next) return;
        if (!isSettled && isAnswerTo(message, opening?.key)) {
          isSettled = true;
          const other = otherwise(message);
          if (other && opening) {
            link = other;
            next.close({ kind: 'ended', text: 'another way is tried' });
            use(other);
            other.send(opening.message);
            return;
          }
          opening = undefined;
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
  use(first);

  return {
    send(message, about) {
      if (!isSettled && opening === undefined && message.kind === 'request') {
        opening = { message, key: keyOf(message.id ?? 'null') };
      }
      link.send(message, about);
    },
    listen(to) {
      receiver = to;
    },
    close(reason) {
      if (!isOpen) return;
      isOpen = false;
      link.close(reason);
    },
  };
}

function isAnswerTo(message: Message, key: Key | undefined): boolean {
  return (message.kind === 'response' || message.kind === 'error') && keyOf(message.id ?? 'null') === key;
}
