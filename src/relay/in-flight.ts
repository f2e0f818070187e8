import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf } from '../jsonrpc/message.js';
import type { Link, Receiver } from './link.js';
import { PassingSet } from './passing.js';

export interface InFlightOptions {
  /** Requests that may be open at once. */
  readonly most: number;
  /** The server definition's name, for the error. */
  readonly server: string;
}

/**
 * A session's link to its server, on which so many requests may be open: one more is refused at once, as an answer
 * like any other, so that its client loses nothing but that. (An HTTP status is for some clients the end of their
 * session.) What the proxy asks for itself, on the other side of this link, does not count.
 */
export function withInFlightLimit(link: Link, { most, server }: InFlightOptions): Link {
  const open = new PassingSet<Key>();
  let receiver: Receiver | undefined;

  /** Whether a message may go on. */
  const admits = (message: Message): boolean => {
    if (message.kind === 'request') {
      if (open.size >= most) return false;
      open.add(keyOf(message.id ?? 'null'));
    } else if (message.method === 'notifications/cancelled') {
      // Nobody has to answer it any more. Whoever is at work for it is bounded by what the server takes.
      const ref = refOf(message);
      if (ref !== undefined) open.delete(keyOf(ref));
    }
    return true;
  };

  const refuse = (id: string): void => {
    const text = `this session has ${most} requests open at server "${server}", and no more may be; send it again when one is answered`;
    receiver?.message(makeError(id, ErrorCode.InternalError, text, { server, limit: most }), keyOf(id));
  };

  return {
    send(message, about) {
      if (admits(message)) link.send(message, about);
      else refuse(message.id ?? 'null');
    },
    listen(to) {
      receiver = to;
      link.listen({
        message(message, about) {
          const isAnswer = message.kind === 'response' || message.kind === 'error';
          if (isAnswer) open.delete(keyOf(message.id ?? 'null'));
          to.message(message, about);
        },
        closed: (reason) => to.closed(reason),
      });
    },
    hold: (isHeld) => link.hold?.(isHeld),
    close: (reason) => link.close(reason),
  };
}
