import { setTimeout as wait } from 'node:timers/promises';
import { makeRequest } from '../../jsonrpc/make.js';
import type { Message } from '../../jsonrpc/message.js';
import { newOwnId } from '../../jsonrpc/own-id.js';

export interface PingOptions {
  /** Whether the server is at work for the client, and may be silent over it. */
  readonly busy: () => boolean;
  readonly post: (ping: Message) => void;
  /** Milliseconds that the server has to say something. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/**
 * Gives a server something to say on a stream that was silent for long, and time to say it. Resolves to what is
 * wrong where it then has said nothing; undefined where silence would prove nothing.
 */
export async function pingOnStream({ busy, post, limit, signal }: PingOptions): Promise<string | undefined> {
  if (busy()) return undefined;
  post(makeRequest(newOwnId(), 'ping'));
  await wait(limit, undefined, { signal }).catch(() => undefined); // the stream has ended, and nobody asks any more
  return busy() ? undefined : 'its event stream is silent, and brings no answer to a ping';
}
