import { setTimeout as wait } from 'node:timers/promises';
import { clock } from '../clock.js';
import { DEFAULT_LIMITS } from '../config/limits.js';
import type { Emit } from '../observability/events.js';
import { withInFlightLimit } from '../relay/in-flight.js';
import { linger } from '../relay/linger.js';
import type { Link } from '../relay/link.js';
import { relay } from '../relay/relay.js';
import { type TimedOptions, withTimeLimit } from '../relay/timed.js';
import { StdioDownstream } from '../transports/stdio/downstream.js';
import { connectRemote } from '../upstream/remote.js';
import type { ClientOptions } from './client-options.js';
import type { RequestLimits } from './limits.js';
import { signInOf } from './sign-in.js';
import type { EndSignal } from './signals.js';

/** How long what is under way gets to finish after the client has closed stdin, in milliseconds: `--stop-timeout`. */
const FINISH_MS = 5000;

/**
 * Client mode: a stdio server for the client that started this process. Returns the exit code.
 * Rejects, before anything begins, for options that can't be used (`connectRemote`).
 */
export async function connect(
  { signIn, ...options }: ClientOptions,
  emit: Emit,
  signal: Promise<EndSignal>,
): Promise<number> {
  let stand: (isStill: boolean) => void = () => undefined;
  const asked = signInOf(options.url, signIn, emit, (isAsked) => stand(isAsked));
  const upstream = connectRemote({ ...options, ...asked }, emit);
  const client = new StdioDownstream({ input: process.stdin, output: process.stdout });
  let deadline: number | undefined;
  /** What is left of the time to finish, which begins when this is asked first. */
  const left = (): number => {
    deadline ??= Date.now() + (options.stopMs ?? FINISH_MS);
    return Math.max(0, deadline - Date.now());
  };
  const finished = (): Promise<void> =>
    Promise.race([upstream.settled(), wait(left(), undefined, { ref: false })]);
  const lingering = linger(client, finished);
  const onStill = (hear: typeof stand): void => {
    stand = hear;
  };
  relay(lingering, inNumber(limited(upstream, { ...options, onStill }, emit), options));
  // A signal ends it in the same order as the end of stdin, but that what is under way may still ask the client.
  void signal.then((name) => {
    emit({ level: 'info', text: `${name}: stopping` });
    lingering.stop({ kind: 'stopping', text: 'the proxy is stopping' });
  });
  await upstream.done;
  await client.drained(left());
  return 0;
}

/** Beyond so many, what carries requests would make them wait without a word, and what takes them back as well. */
function inNumber(
  upstream: Link,
  { url, maxInFlight = DEFAULT_LIMITS.maxInFlight }: Pick<ClientOptions, 'url' | 'maxInFlight'>,
): Link {
  return withInFlightLimit(upstream, { most: maxInFlight, server: url.origin });
}

type Limited = { readonly url: URL } & Partial<RequestLimits> & Required<Pick<TimedOptions, 'onStill'>>;

/** Longest times of 0 are none. */
function limited(upstream: Link, { url, timeout = 0, maxTimeout, onStill }: Limited, emit: Emit): Link {
  const [ms, most] = [timeout, maxTimeout].map((limit) => (limit === 0 ? Number.POSITIVE_INFINITY : limit));
  if (ms === undefined || (ms === Number.POSITIVE_INFINITY && (most ?? ms) === ms)) return upstream;
  return withTimeLimit(upstream, {
    server: `the server at ${url.origin}`,
    clock,
    emit,
    timeout: ms,
    maxTimeout: most,
    onStill,
  });
}
