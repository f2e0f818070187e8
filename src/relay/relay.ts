import type { Link } from './link.js';
import type { Watcher } from './watcher.js';

/**
 * Joins a client's link with a server's: every message goes through, and the end of one ends the other. A server is
 * held back while its client is slow.
 */
export function relay(downstream: Link, upstream: Link, watcher?: Watcher): void {
  upstream.listen({
    message: (message, about) => {
      watcher?.toClient(message);
      downstream.send(message, about);
    },
    closed: (reason) => {
      downstream.close(reason);
      watcher?.closed(reason);
    },
  });
  downstream.listen({
    message: (message, about) => {
      upstream.send(watcher?.fromClient(message) ?? message, about);
    },
    slow: (isSlow) => upstream.hold?.(isSlow),
    closed: (reason) => {
      upstream.close(reason);
      watcher?.closed(reason);
    },
  });
}
