import { makeRequest } from '../../jsonrpc/make.js';
import type { Message } from '../../jsonrpc/message.js';
import { newOwnId } from '../../jsonrpc/own-id.js';
import type { ServerEvent } from '../../remote/event-reader.js';
import type { RemoteTimings, UpstreamOptions } from '../../remote/remote-link.js';
import { ask } from './upstream-ask.js';
import { saysSessionGone } from './upstream-gone.js';
import type { UpstreamSession } from './upstream-session.js';
import { ResumableStream } from './upstream-stream.js';

/** Tries in a row that bring nothing, after which one that was never there is not asked for any more. */
const TRIES = 10;

export interface EventsTaker {
  event(event: ServerEvent): void;
  /** What comes beside the stream. */
  heard(message: Message): void;
  /** Whether the server is at work for the client, and may be silent over it. */
  busy(): boolean;
  /** The server does not know the session any more. */
  sessionGone(): void;
}

/**
 * Opens the stream on which the server speaks unasked (2025-11-25, transports, "Listening for Messages from
 * the Server"), and keeps it open. A server need not have one, and many answer 404 then: only where the
 * stream has been there, its absence says that the session is gone. Silence is looked into with a ping, since
 * a dead stream would never be missed.
 */
export function openEvents(
  session: UpstreamSession,
  { url, http, emit }: UpstreamOptions,
  timings: RemoteTimings,
  taker: EventsTaker,
): ResumableStream {
  const where = http.describe(url);
  const stream = new ResumableStream({
    open: (lastId, reading) => session.get(lastId, reading),
    event: (event) => taker.event(event),
    gone: (failure) => {
      const { status, text } = failure;
      if (stream.wasThere && session.id !== undefined && saysSessionGone(failure, undefined)) {
        taker.sessionGone();
        return;
      }
      const none = status === 404 || status === 405 || status === 501;
      const what = `What ${where} says unasked is not heard`;
      if (none) emit({ level: 'debug', text: `${what}: it has no event stream for it (status ${status}).` });
      else emit({ level: 'warning', text: `${what}: ${text}` });
    },
    tries: TRIES,
    waits: ({ text }) =>
      emit({ level: 'warning', text: `What ${where} says unasked is not heard at the moment: ${text}` }),
    ask: async (signal) => {
      if (taker.busy()) return undefined;
      const ping = makeRequest(newOwnId(), 'ping');
      const { failure } = await ask(ping, {
        session,
        where,
        mask: (text) => http.mask(text),
        limit: timings.pong,
        grace: timings.cancelled,
        heard: (message) => taker.heard(message),
        signal,
      });
      if (failure === undefined || signal.aborted || taker.busy()) return undefined;
      if (session.id !== undefined && saysSessionGone(failure, ping)) taker.sessionGone();
      return failure.kind === 'unreachable' || failure.kind === 'timeout' ? failure.text : undefined;
    },
    restartable: true,
    timings,
    where,
  });
  stream.open();
  return stream;
}
