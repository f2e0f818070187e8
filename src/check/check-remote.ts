import { asRecord } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import { Secrets } from '../observability/secrets.js';
import { describeUrl } from '../remote/describe-url.js';
import type { Failure } from '../remote/failure.js';
import { connectRemote, type RemoteOptions, type SignIn } from '../upstream/remote.js';
import { INITIALIZE, infoOf, listsOf } from './check-command.js';
import { Conversation, type Outcome } from './conversation.js';
import { type Offer, offerOf } from './offer.js';
import { findingOfRemote } from './remote-finding.js';
import type { ServerReport } from './report.js';
import { shown, shownName } from './shown.js';

/** How long the handshake may take, in milliseconds: a person waits for it. */
const HANDSHAKE_MS = 30_000;
/** How long what is kept of a sign-in may take to be renewed, in milliseconds. */
const RENEWAL_MS = 15_000;
/** How long a remote that cannot be reached is tried again, in milliseconds: whether it is there is what is asked. */
const RETRY_MS = 1000;

export interface CheckRemoteOptions extends Omit<RemoteOptions, 'timings' | 'secrets' | 'watch' | 'signIn'> {
  /** With what is kept of a sign-in; nobody is asked to sign in. */
  readonly signIn?: Omit<SignIn, 'browser' | 'device' | 'timeout' | 'isUnattended' | 'onAsked'> | undefined;
}

/** Meets a remote server as client mode does, and asks what it offers. Rejects where `connectRemote` throws. */
export async function checkRemote(
  options: CheckRemoteOptions,
  { emit, signal }: { readonly emit: Emit; readonly signal: AbortSignal },
): Promise<ServerReport> {
  const { url, transport } = options;
  const secrets = new Secrets();
  const mask = (text: string): string => secrets.mask(text);
  const first = await meet(options, { secrets, emit, signal });
  const isForced =
    first.outcome.kind !== 'answered' &&
    transport !== 'auto' &&
    !signal.aborted &&
    first.failure?.kind !== 'unreachable';
  // The other transport tells what is wrong, where that is all.
  const second = isForced
    ? await meet({ ...options, transport: 'auto' }, { secrets, emit, signal })
    : undefined;
  const { outcome, failure, offer, ms } = first;
  const answer = outcome.kind === 'answered' ? outcome.result : undefined;
  const target = describeUrl(url, mask);
  const finding = findingOfRemote({
    url: target,
    transport,
    otherwise: second?.outcome.kind === 'answered' ? second.transport : undefined,
    handshake: outcome.kind === 'late' ? 'silent' : outcome.kind,
    refusal: 'text' in outcome ? shown(outcome.text, mask) : '',
    failure: failure && { ...failure, text: shown(failure.text, mask) },
    waitedMs: ms,
    isKnown:
      options.credentials !== undefined || options.headers.some(([key]) => /^authorization$/i.test(key)),
    faults: offer?.faults ?? [],
  });
  const version = first.version ?? answer?.protocolVersion;
  return {
    name: url.host,
    target,
    ...finding,
    transport: first.transport,
    era: first.era,
    ...(answer === undefined
      ? {}
      : {
          protocolVersion: shownName(version, mask),
          serverInfo: infoOf(answer.serverInfo, mask),
          startMs: Math.round(ms),
        }),
    ...listsOf(offer),
  };
}

interface Met {
  readonly outcome: Outcome;
  readonly offer: Offer | undefined;
  readonly failure: Failure | undefined;
  readonly era: ServerReport['era'];
  /** What a modern server supports. */
  readonly version: string | undefined;
  readonly transport: 'sse' | 'streamablehttp' | undefined;
  /** Until that outcome, in milliseconds. */
  readonly ms: number;
}

async function meet(
  options: CheckRemoteOptions,
  { secrets, emit, signal }: { readonly secrets: Secrets; readonly emit: Emit; readonly signal: AbortSignal },
): Promise<Met> {
  const { signIn, ...rest } = options;
  const unattended = { browser: undefined, device: false, timeout: RENEWAL_MS, isUnattended: true };
  let era: ServerReport['era'];
  let version: string | undefined;
  let transport: Met['transport'];
  let failure: Failure | undefined;
  const link = connectRemote(
    {
      ...rest,
      ...(signIn === undefined ? {} : { signIn: { ...signIn, ...unattended } }),
      secrets,
      timings: { retryWindow: RETRY_MS, handshake: HANDSHAKE_MS },
      watch: {
        spoken: (spoken, supported) => {
          era = spoken;
          version = supported;
        },
        connected: (by) => {
          transport = by;
        },
        failed: (why) => {
          failure = why;
        },
      },
    },
    emit,
  );
  const conversation = new Conversation(link);
  const end = (): void => conversation.end('the check is over');
  signal.addEventListener('abort', end, { once: true });
  try {
    const begunAt = performance.now();
    const outcome = await conversation.ask('initialize', INITIALIZE, HANDSHAKE_MS);
    const ms = performance.now() - begunAt;
    const why = outcome.kind === 'answered' ? undefined : failure;
    let offer: Offer | undefined;
    if (outcome.kind === 'answered') {
      conversation.tell('notifications/initialized');
      offer = await offerOf(conversation, asRecord(outcome.result.capabilities), (text) =>
        secrets.mask(text),
      );
    }
    // The modern era has one transport.
    if (outcome.kind === 'answered') transport ??= 'streamablehttp';
    return { outcome, offer, failure: why, era: era ?? eraOf(outcome), version, transport, ms };
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await link.done;
  }
}

/** Who was not asked, because the transport says it. */
function eraOf(outcome: Outcome): ServerReport['era'] {
  return outcome.kind === 'answered' ? 'legacy' : undefined;
}
