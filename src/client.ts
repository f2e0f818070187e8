import type { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { clock } from './clock.js';
import { DEFAULT_LIMITS } from './config/limits.js';
import type { Emit } from './observability/events.js';
import { Exchanges, type Observer } from './observability/exchanges.js';
import { hookOf, type MessageHook } from './observability/hooks.js';
import { StdioConversation } from './observability/stdio-conversation.js';
import { hooked } from './relay/hooked.js';
import { withInFlightLimit } from './relay/in-flight.js';
import { linger } from './relay/linger.js';
import type { Link } from './relay/link.js';
import { relay } from './relay/relay.js';
import { type TimedOptions, withTimeLimit } from './relay/timed.js';
import type { Watcher } from './relay/watcher.js';
import { StdioDownstream } from './transports/stdio/downstream.js';
import { connectRemote, type RemoteOptions } from './upstream/remote.js';

/** How long what is under way gets to finish after the client has closed its side, in milliseconds: `--stop-timeout`. */
const FINISH_MS = 5000;

/** Times are in milliseconds; what is not set is the default. */
export interface ClientModeOptions extends Omit<RemoteOptions, 'timings' | 'secrets' | 'watch'> {
  /** Longest time for one request; progress starts it again. 0: no limit, which is the default. */
  readonly timeout?: number | undefined;
  /** The same whatever its progress. 0: no limit. */
  readonly maxTimeout?: number | undefined;
  /** How long what is under way may take to finish at the end. */
  readonly stopMs?: number | undefined;
  /** What all messages go through. */
  readonly hook?: MessageHook | undefined;
  /** Whoever wants to know what passes. */
  readonly observers?: readonly Observer[];
}

/** The client's two streams: what it writes, and what it reads. */
export interface ClientStreams {
  readonly input: Readable;
  readonly output: Writable;
}

export interface ClientMode {
  /** Settles when all has ended, and the client has taken what was written to it, or was given the time to. */
  readonly done: Promise<void>;
  /** Ends it in the same order as the end of the input, but that what is under way may still ask the client. */
  stop(): void;
}

/** Client mode: a stdio server in front of a remote one. Throws, before anything begins, as `connectRemote` does. */
export function connectClient(options: ClientModeOptions, streams: ClientStreams, emit: Emit): ClientMode {
  let stand: (isStill: boolean) => void = () => undefined;
  const signIn = options.signIn && { ...options.signIn, onAsked: (isAsked: boolean) => stand(isAsked) };
  const { signIn: _, ...others } = options;
  const upstream = connectRemote(signIn === undefined ? others : { ...others, signIn }, emit);
  const client = new StdioDownstream(streams);
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
  const bounded = inNumber(limited(upstream, { ...options, onStill }, emit), options);
  const conversation = new StdioConversation(options.url.origin);
  const { hook, observers = [] } = options;
  const far = hook === undefined ? bounded : hooked(bounded, hookOf(hook, conversation), emit);
  const isWatched = hook !== undefined || observers.length > 0;
  relay(lingering, far, isWatched ? watcherOf(conversation, observers) : undefined);
  return {
    done: upstream.done.then(() => client.drained(left())),
    stop: () => lingering.stop({ kind: 'stopping', text: 'the proxy is stopping' }),
  };
}

/** Who the client is, is known before anybody is shown what it says. */
function watcherOf(conversation: StdioConversation, observers: readonly Observer[]): Watcher {
  const exchanges = new Exchanges(conversation, observers);
  return {
    fromClient(message) {
      conversation.hear(message);
      return exchanges.fromClient(message);
    },
    toClient: (message) => exchanges.toClient(message),
    closed: (reason) => exchanges.closed(reason),
  };
}

/** Beyond so many, what carries requests would make them wait without a word, and what takes them back as well. */
function inNumber(
  upstream: Link,
  { url, maxInFlight = DEFAULT_LIMITS.maxInFlight }: Pick<ClientModeOptions, 'url' | 'maxInFlight'>,
): Link {
  return withInFlightLimit(upstream, { most: maxInFlight, server: url.origin });
}

type Limited = Pick<ClientModeOptions, 'url' | 'timeout' | 'maxTimeout'> &
  Required<Pick<TimedOptions, 'onStill'>>;

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
