import type { Link } from './link.js';

/**
 * A link whose end is told later: when what its peer has asked for by then is done.
 *
 * @param settled resolves when nothing is left to wait for, and in bounded time; must not reject
 */
export function linger(link: Link, settled: () => Promise<void>): Link {
  let open = true;
  return {
    send: (message, about) => link.send(message, about),
    listen(receiver) {
      link.listen({
        message: (message, about) => receiver.message(message, about),
        closed(reason) {
          void settled().then(() => {
            if (open) receiver.closed(reason);
          });
        },
      });
    },
    close(reason) {
      open = false;
      link.close(reason);
    },
  };
}
