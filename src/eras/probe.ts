import { McpErrorCode } from '../jsonrpc/errors.js';
import { makeRequest } from '../jsonrpc/make.js';
import { answerOf, asRecord, type Key, type Message } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';
import type { Clock } from '../relay/clock.js';
import { isLegacyVersion } from '../relay/handshake.js';
import type { CloseReason, Link, Receiver } from '../relay/link.js';
import { META } from './meta-keys.js';
import { isModernVersion, NEWEST_MODERN_VERSION, shownVersion } from './versions.js';

/**
 * How long a server has to say what it speaks, in milliseconds. Silence means the legacy era (2026-07-28,
 * `basic/transports/stdio`, "Backward Compatibility") where the server is there: that is asked next, with a
 * `ping`, which servers of that era answer at any time.
 */
export const PROBE_MS = 5000;
/**
 * How long a server has to say anything at all, in milliseconds: many a one starts by downloading itself. What it
 * says later is taken note of then.
 */
export const SIGN_MS = 15_000;

/** The ids of what is asked: none that a client would choose. */
const PROBE_ID = '"mcp-proxy-probe"';
const PING_ID = '"mcp-proxy-ping"';
/** Messages kept that come before anybody listens, and their octets; a server has hardly anything to say by then. */
const MAX_EARLY = 64;
const MAX_EARLY_OCTETS = 1024 * 1024;

/** What a server turned out to speak, and what shows it. */
export type Verdict =
  /** `version`: what it supports, as it is shown; undefined where it has not said that. */
  | { readonly era: 'modern'; readonly alsoLegacy: boolean; readonly version: string | undefined }
  /** `by`: an answer that no modern server gives, none though it is there, no sign of it at all, or its end. */
  | { readonly era: 'legacy'; readonly by: 'answer' | 'silence' | 'nothing' | 'end' };

/** What the answer to `server/discover` says (2026-07-28, `basic/transports/stdio`, "Backward Compatibility"). */
export function verdictOf(answer: Message): Verdict {
  const value = asRecord(parseWire(answerOf(answer)));
  if (answer.kind === 'response') return supporting(value.supportedVersions);
  const { supported, requiredCapabilities } = asRecord(value.data);
  switch (value.code) {
    case McpErrorCode.UnsupportedVersion:
      return supporting(supported);
    case McpErrorCode.MissingClientCapability:
      return isObject(requiredCapabilities)
        ? { era: 'modern', alsoLegacy: false, version: undefined }
        : LEGACY;
    default:
      return LEGACY;
  }
}

/**
 * What the refusal of an `initialize` says. That one is sent without what modern requests have, so that a modern
 * server over HTTP may say just that (2026-07-28, `basic/transports/streamable-http`, "Server Validation"), with
 * -32020: of the codes that MCP keeps to itself the only one whose `data` shows nothing more.
 */
export function verdictOfRefusal(refusal: Message): Verdict {
  const { code } = asRecord(parseWire(answerOf(refusal)));
  if (code !== McpErrorCode.HeaderMismatch) return verdictOf(refusal);
  return { era: 'modern', alsoLegacy: false, version: undefined };
}

function isAnswer({ kind }: Message): boolean {
  return kind === 'response' || kind === 'error';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

const LEGACY: Verdict = { era: 'legacy', by: 'answer' };

/** @param versions what a server says it supports */
function supporting(versions: unknown): Verdict {
  if (!Array.isArray(versions) || !versions.some((version) => typeof version === 'string')) return LEGACY;
  const alsoLegacy = versions.some(isLegacyVersion);
  // One that names only versions which nobody knows yet is no legacy server, and says itself what it wants.
  if (alsoLegacy && !versions.some(isModernVersion)) return LEGACY;
  return { era: 'modern', alsoLegacy, version: shownVersion(versions) };
}

/**
 * A link whose server is asked, before anything else, which era it speaks. After the verdict it is the link
 * of whoever listens to it.
 */
export class ProbedLink implements Link {
  /** Never rejects. */
  readonly verdict: Promise<Verdict>;
  readonly #upstream: Link;
  #early: [Message, Key | undefined][] = [];
  #earlyOctets = 0;
  readonly #onLate: (verdict: Verdict) => void;
  #receiver: Receiver | undefined;
  #ended: CloseReason | undefined;
  #settle: (verdict: Verdict) => void = () => undefined;
  #settled = false;

  /**
   * @param client what the proxy says of itself, as a plain value
   * @param onLate told of an answer that comes after the verdict
   */
  constructor(upstream: Link, clock: Clock, client: object, onLate: (verdict: Verdict) => void) {
    this.#upstream = upstream;
    this.#onLate = onLate;
    this.verdict = new Promise((resolve) => {
      let cancel = clock.after(PROBE_MS, () => {
        cancel = clock.after(SIGN_MS - PROBE_MS, () => this.#settle({ era: 'legacy', by: 'nothing' }));
        upstream.send(makeRequest(PING_ID, 'ping', {}));
      });
      this.#settle = (verdict) => {
        if (this.#settled) return;
        this.#settled = true;
        cancel();
        resolve(verdict);
      };
    });
    upstream.listen({
      message: (message, about) => this.#message(message, about),
      closed: (reason) => this.#closed(reason),
    });
    const meta = {
      [META.version]: NEWEST_MODERN_VERSION,
      [META.clientInfo]: client,
      [META.capabilities]: {},
    };
    upstream.send(makeRequest(PROBE_ID, 'server/discover', { _meta: meta }));
  }

  send(message: Message, about?: Key): void {
    this.#upstream.send(message, about);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    const early = this.#early;
    this.#early = [];
    for (const [message, about] of early) receiver.message(message, about);
    if (this.#ended) receiver.closed(this.#ended);
  }

  hold(isHeld: boolean): void {
    this.#upstream.hold?.(isHeld);
  }

  close(reason: CloseReason): void {
    this.#settle({ era: 'legacy', by: 'end' });
    this.#upstream.close(reason);
  }

  #message(message: Message, about: Key | undefined): void {
    if (this.#isVerdict(message)) {
      const verdict = verdictOf(message);
      if (this.#settled) this.#onLate(verdict);
      else this.#settle(verdict);
      return;
    }
    if (isAnswer(message) && message.id === PING_ID) {
      this.#settle({ era: 'legacy', by: 'silence' });
      return;
    }
    if (this.#receiver) {
      this.#receiver.message(message, about);
      return;
    }
    this.#earlyOctets += message.text.length;
    if (this.#early.length < MAX_EARLY && this.#earlyOctets <= MAX_EARLY_OCTETS) {
      this.#early.push([message, about]);
    } else this.#earlyOctets -= message.text.length;
  }

  /** An error that names no request is the answer too, as long as nothing else was sent. */
  #isVerdict(message: Message): boolean {
    const { kind, id = 'null' } = message;
    return isAnswer(message) && (id === PROBE_ID || (kind === 'error' && id === 'null' && !this.#settled));
  }

  #closed(reason: CloseReason): void {
    this.#settle({ era: 'legacy', by: 'end' });
    this.#ended = reason;
    this.#receiver?.closed(reason);
  }
}
