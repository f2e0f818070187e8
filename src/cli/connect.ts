import { connectClient } from '../client.js';
import type { Emit } from '../observability/events.js';
import { MessageHeads } from '../observability/message-heads.js';
import { beginTracing, SEND_MS } from '../observability/tracing.js';
import { signInOf } from '../sign-in.js';
import type { ClientOptions } from './client-options.js';
import type { EndSignal } from './signals.js';

/**
 * Client mode: a stdio server for the client that started this process. Returns the exit code.
 * Rejects, before anything begins, for options that can't be used (`connectRemote`).
 */
export async function connect(
  { signIn, ...options }: ClientOptions,
  emit: Emit,
  signal: Promise<EndSignal>,
): Promise<number> {
  const tracing = await beginTracing(process.env, emit);
  const streams = { input: process.stdin, output: process.stdout };
  const heads = options.logLevel === 'debug' ? [new MessageHeads(emit)] : [];
  const observers = tracing === undefined ? heads : [...heads, tracing.observer];
  const asked = signInOf(options.url, signIn, emit);
  const client = connectClient({ ...options, ...asked, observers }, streams, emit);
  void signal.then((name) => {
    emit({ level: 'info', text: `${name}: stopping` });
    client.stop();
  });
  await client.done;
  await tracing?.end(SEND_MS);
  return 0;
}
