import type { Link } from './link.js';

/** The same link, with something that is done once when it is over, from whichever side. */
export function whenOver(link: Link, action: () => void): Link {
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    action();
  };
  return {
    send: (message, about) => link.send(message, about),
    listen(receiver) {
      link.listen({
        message: (message, about) => receiver.message(message, about),
        closed(reason) {
          over();
          receiver.closed(reason);
        },
      });
    },
    hold: (isHeld) => link.hold?.(isHeld),
    close(reason) {
      link.close(reason);
      over();
    },
  };
}
