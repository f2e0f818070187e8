import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import type { CloseReason, Link } from './link.js';

/** A link that can be told to end, as its peer can. */
export interface LingeringLink extends Link {
  /**
   * Ends the link, as if its peer had, when what that has asked for by now is done. Until then its answers and
   * notifications go on; what it asks for anew is refused with the reason.
   */
  stop(reason: CloseReason): void;
}

/**
 * A link whose end is told later: when what its peer has asked for by then is done.
 *
 * @param settled resolves when nothing is left to wait for, and in bounded time; must not reject
 */
export function linger(link: Link, settled: () => Promise<void>): LingeringLink {
  let open = true;
  let stopping: CloseReason | undefined;
  let tell: (reason: CloseReason) => void = () => undefined;
  return {
    send: (message, about) => link.send(message, about),
    listen(receiver) {
      tell = (reason) => {
        void settled().then(() => {
          if (!open) return;
          open = false;
          receiver.closed(reason);
          if (stopping !== undefined) link.close(stopping);
        });
      };
      link.listen({
        message(message, about) {
          if (stopping === undefined || message.kind !== 'request') receiver.message(message, about);
          else link.send(makeError(message.id ?? 'null', ErrorCode.InternalError, stopping.text));
        },
        closed: (reason) => tell(reason),
      });
    },
    stop(reason) {
      if (stopping !== undefined || !open) return;
      stopping = reason;
      tell(reason);
    },
    close(reason) {
      open = false;
      link.close(reason);
    },
  };
}
