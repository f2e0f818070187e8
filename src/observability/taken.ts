import type { Writable } from 'node:stream';

/** Settles when all that was written to a stream was taken, or can't be any more, after `ms` milliseconds at the latest. */
export function taken(stream: Writable, ms: number): Promise<void> {
  if (stream.destroyed || stream.writableFinished || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stream.once('finish', done);
    stream.once('close', done);
    // Behind everything else: writes are told in their order.
    if (!stream.writableEnded) stream.write('', done);
  });
}
