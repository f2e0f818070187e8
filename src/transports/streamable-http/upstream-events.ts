import type { ServerEvent } from '../../remote/event-reader.js';
import type { RemoteTimings, UpstreamOptions } from '../../remote/remote-link.js';
import { saysSessionGone } from './upstream-gone.js';
import type { UpstreamSession } from './upstream-session.js';
import { ResumableStream } from './upstream-stream.js';

/** Tries in a row that bring nothing: many, because the stream is wanted for as long as the session lasts. */
const TRIES = 10;

export interface EventsTaker {
  event(event: ServerEvent): void;
  /** The server does not know the session any more. */
  sessionGone(): void;
}

/**
 * Opens the stream on which the server speaks unasked (2025-11-25, transports, "Listening for Messages from
 * the Server"), and keeps it open. A server need not have one, and many answer 404 then: only where the
 * stream has been there, its absence says that the session is gone.
 */
export function openEvents(
  session: UpstreamSession,
  { url, http, emit }: UpstreamOptions,
  timings: RemoteTimings,
  taker: EventsTaker,
): ResumableStream {
  const where = http.describe(url);
  let wasThere = false;
  const stream = new ResumableStream({
    open: (lastId, reading) =>
      session.get(lastId, {
        ...reading,
        accepted: () => {
          wasThere = true;
        },
      }),
    event: (event) => taker.event(event),
    gone: (failure) => {
      const { status, text } = failure;
      if (wasThere && session.id !== undefined && saysSessionGone(failure, undefined)) {
        taker.sessionGone();
        return;
      }
      const none = status === 404 || status === 405 || status === 501;
      const what = `What ${where} says unasked is not heard`;
      if (none) emit({ level: 'debug', text: `${what}: it has no event stream for it (status ${status}).` });
      else emit({ level: 'warning', text: `${what}: ${text}` });
    },
    tries: TRIES,
    restartable: true,
    timings,
    where,
  });
  stream.open();
  return stream;
}
