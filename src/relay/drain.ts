import { type Key, keyOf, refOf } from '../jsonrpc/message.js';
import type { Clock } from './clock.js';
import type { CloseReason, Link } from './link.js';

/**
 * A link whose end is told later: when the requests that its peer has sent are answered, at most `ms`
 * milliseconds after it.
 */
export function drain(link: Link, ms: number, clock: Clock): Link {
  const open = new Set<Key>();
  let ending: (() => void) | undefined;
  let stop: (() => void) | undefined;
  const answered = (key: Key): void => {
    open.delete(key);
    if (open.size === 0) ending?.();
  };
  return {
    send(message, about) {
      link.send(message, about);
      if (message.kind === 'response' || message.kind === 'error') answered(keyOf(message.id ?? 'null'));
    },
    listen(receiver) {
      link.listen({
        message(message, about) {
          if (message.kind === 'request') open.add(keyOf(message.id ?? 'null'));
          receiver.message(message, about);
          // What the peer has given up gets no answer, so none is waited for.
          if (message.method === 'notifications/cancelled') answered(keyOf(refOf(message) ?? 'null'));
        },
        closed(reason: CloseReason) {
          const cancel = clock.after(ms, () => ending?.());
          stop = () => {
            ending = undefined;
            cancel();
          };
          ending = () => {
            stop?.();
            receiver.closed(reason);
          };
          if (open.size === 0) ending();
        },
      });
    },
    close(reason) {
      stop?.(); // its own close is not told to the receiver
      link.close(reason);
    },
  };
}
