import { makeNotification } from '../../jsonrpc/make.js';
import { answerOf, asRecord, type Message, textOf } from '../../jsonrpc/message.js';
import { parseWire } from '../../jsonrpc/wire.js';
import type { SessionMemory } from '../../relay/session-memory.js';
import type { Failure } from '../../remote/failure.js';
import type { RemoteTimings, UpstreamOptions } from '../../remote/remote-link.js';
import { pauseBefore } from '../../remote/retry.js';
import { ask, type Reply } from './upstream-ask.js';
import { saysSessionGone } from './upstream-gone.js';
import type { UpstreamSession } from './upstream-session.js';

/** Subscriptions that are restored at once: a server that has just begun is not to be flooded. */
const AT_ONCE = 8;

export interface HandshakeOptions {
  readonly upstream: UpstreamOptions;
  readonly timings: RemoteTimings;
  readonly memory: SessionMemory;
  /** A session that has not begun yet, for each try. */
  readonly open: () => UpstreamSession;
  /** What the server says meanwhile. */
  readonly heard: (message: Message, session: UpstreamSession) => void;
  /** The session stands; what belongs to it is not restored yet. */
  readonly begun: (session: UpstreamSession) => void;
  /** Ends all of it. */
  readonly signal: AbortSignal;
}

/** A new session with the server's answer to `initialize`, or why there is none. */
export type Outcome =
  | { readonly session: UpstreamSession; readonly answer: Message; readonly failure?: never }
  | { readonly failure: Failure };

/** A try, and what it works with. */
interface Try extends HandshakeOptions {
  readonly session: UpstreamSession;
}

/**
 * Begins a session for a client that has had one, as the client itself did (2025-11-25, lifecycle):
 * `initialize` with its own params, `notifications/initialized`, its log level, its subscriptions.
 * A server that cannot be reached is tried again for as long as `timings.retryWindow` says.
 * Never rejects.
 */
export async function beginAgain(options: HandshakeOptions): Promise<Outcome> {
  const { timings, signal } = options;
  const begunAt = performance.now();
  for (let tries = 1; ; tries++) {
    const outcome = await tryOnce({ ...options, session: options.open() });
    const elapsed = performance.now() - begunAt;
    const isPassing = outcome.failure?.kind === 'unreachable' || outcome.failure?.kind === 'lost';
    if (signal.aborted || !isPassing) return outcome;
    const pause = pauseBefore(tries, elapsed, timings);
    if (pause === undefined) {
      const seconds = Math.max(1, Math.round(elapsed / 1000));
      const text = `${outcome.failure.text} Tried ${tries} times in ${seconds} s.`;
      return { failure: { ...outcome.failure, text } };
    }
    await sleep(pause, signal);
  }
}

async function tryOnce(options: Try): Promise<Outcome> {
  const { upstream, timings, session, memory, begun, signal } = options;
  const { message: answer, failure } = await post(memory.initialize(), timings.handshake, options);
  if (answer === undefined) return { failure: failure ?? nothing(options) };
  if (answer.kind === 'error') return { failure: refused(answer, options) };
  session.agree(answer);
  if (session.version !== memory.version) {
    const where = upstream.http.describe(upstream.url);
    const versions = `version ${session.version ?? '(none)'} instead of ${memory.version ?? '(none)'}`;
    const text = `${where} now speaks MCP ${versions}, which the client did not agree to. Connect again.`;
    void session.end();
    return { failure: { kind: 'foreign', text } };
  }
  if (signal.aborted) return { failure: nothing(options) };
  const initialized = makeNotification('notifications/initialized');
  const taken = await post(initialized, timings.acceptance, options);
  const { failure: lost } = taken;
  if (lost?.kind === 'unreachable' || isGone(lost, options)) return { failure: lost ?? nothing(options) };
  if (lost !== undefined) warn(`${initialized.method} was not delivered: ${lost.text}`, options);
  if (signal.aborted) return { failure: nothing(options) };
  begun(session);
  const gone = await restore(options);
  return gone === undefined ? { session, answer } : { failure: gone };
}

/** Returns a failure only where the new session is lost over it; the client can live with any other. */
async function restore(options: Try): Promise<Failure | undefined> {
  const { memory, timings, signal } = options;
  const requests = memory.restoring();
  const until = performance.now() + timings.restore;
  let gone: Failure | undefined;
  let left = 0;
  const work = async (): Promise<void> => {
    for (const request of requests) {
      if (gone !== undefined || signal.aborted) return;
      const limit = until - performance.now();
      if (limit <= 0) {
        left++;
        continue;
      }
      const { message, failure } = await post(request, limit, options);
      if (failure?.kind === 'unreachable' || isGone(failure, options)) gone = failure;
      else if (failure !== undefined) warn(`"${request.method}" was not restored: ${failure.text}`, options);
      else if (message?.kind === 'error') warn(`"${request.method}" was refused this time.`, options);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (left > 0) warn(`${left} subscriptions were not restored in time.`, options);
  return gone;
}

function post(message: Message, limit: number, options: Try): Promise<Reply> {
  const { upstream, timings, session, heard, signal } = options;
  return ask(message, {
    session,
    where: upstream.http.describe(upstream.url),
    mask: (text) => upstream.http.mask(text),
    limit,
    grace: timings.cancelled,
    heard: (other) => heard(other, session),
    signal,
  });
}

function isGone(failure: Failure | undefined, { session }: Try): boolean {
  return failure !== undefined && session.id !== undefined && saysSessionGone(failure, undefined);
}

function refused(answer: Message, { upstream }: HandshakeOptions): Failure {
  const { code, message } = asRecord(parseWire(answerOf(answer)));
  const number = typeof code === 'number' ? ` (${code})` : '';
  const words = upstream.http.mask(`${textOf(message, 'without a message')}${number}`);
  return { kind: 'refused', text: `${upstream.http.describe(upstream.url)} refused "initialize": ${words}` };
}

/** For what ends without a word, because nobody wants it any more. */
function nothing({ upstream }: HandshakeOptions): Failure {
  return {
    kind: 'lost',
    text: `The connection to ${upstream.http.describe(upstream.url)} is not wanted any more.`,
  };
}

function warn(text: string, { upstream }: HandshakeOptions): void {
  upstream.emit({ level: 'warning', text: `${upstream.http.describe(upstream.url)}, new session: ${text}` });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
