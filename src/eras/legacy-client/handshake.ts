/** The client's `initialize`, answered by discovery, and what is said of the client from then on. */
import { ErrorCode, McpErrorCode } from '../../jsonrpc/errors.js';
import { makeError, makeRawRequest, makeResponse } from '../../jsonrpc/make.js';
import { answerOf, type Message, paramsOf, resultTypeOf } from '../../jsonrpc/message.js';
import { toWire, type Wire } from '../../jsonrpc/wire.js';
import { NEWEST_LEGACY_VERSION } from '../../relay/handshake.js';
import { NEWEST_MODERN_VERSION } from '../versions.js';
import type { Call } from './calls.js';
import type { LegacyVersion } from './downgrade.js';
import { legacyError, readError } from './errors.js';
import { discoverMeta, initializeResult, introductionOf, knownVersion, type List } from './initialize.js';
import { envelopeOf, type Identity, isCarriable, stamped } from './stamp.js';

/** What the handshake needs of the translator. */
export interface HandshakeHost {
  /** The server definition's name. */
  readonly server: string;
  /** Who asks where the client has not said who it is. */
  readonly fallbackClient: { readonly name: string; readonly version: string };
  /** The version that the client speaks without having begun; undefined: the newest of its era. */
  readonly stated: LegacyVersion | undefined;
  ask(request: Message, onAnswer: (answer: Message) => void, call: Call): void;
  answer(call: Call, answer: Message): void;
  /** The server has said which lists it tells of. */
  discovered(lists: ReadonlySet<List>): void;
}

export class Handshake {
  readonly #host: HandshakeHost;
  #identity: Identity;
  #declared: Readonly<Record<string, unknown>> = {};
  #agreed: LegacyVersion;

  constructor(host: HandshakeHost) {
    this.#host = host;
    this.#agreed = host.stated ?? NEWEST_LEGACY_VERSION;
    this.#identity = {
      version: NEWEST_MODERN_VERSION,
      clientInfo: toWire(host.fallbackClient),
      capabilities: '{}',
      logLevel: undefined,
    };
  }

  /** What the client said it can be asked: the `capabilities` of its `initialize`, in its own era. */
  get declared(): Readonly<Record<string, unknown>> {
    return this.#declared;
  }

  /** The version that binds what the client is told; until one is agreed on, what it states, or the newest of its era. */
  get agreed(): LegacyVersion {
    return this.#agreed;
  }

  /** What the `_meta` of the client's requests gets. */
  get envelope(): Wire {
    return envelopeOf(this.#identity);
  }

  /** The same without a log level: for streams, where log messages do not belong (2026-07-28, `server/utilities/logging`). */
  get quietEnvelope(): Wire {
    return envelopeOf({ ...this.#identity, logLevel: undefined });
  }

  setLevel(logLevel: string): void {
    this.#identity = { ...this.#identity, logLevel };
  }

  initialize(call: Call, message: Message): void {
    const { clientInfo, capabilities, declared } = introductionOf(message);
    const identity: Identity = {
      version: this.#identity.version,
      clientInfo: clientInfo ?? toWire(this.#host.fallbackClient),
      capabilities,
      logLevel: undefined,
    };
    if (!isCarriable(envelopeOf(identity))) {
      const text = 'what the client says of itself is nested too deep to be sent on';
      this.#host.answer(call, makeError(call.id, ErrorCode.InvalidParams, text));
      return;
    }
    this.#identity = identity;
    this.#declared = declared;
    this.#discover(call, message, true);
  }

  #discover(call: Call, initialize: Message, mayRetry: boolean): void {
    const request = makeRawRequest('0', 'server/discover', `{"_meta":${discoverMeta(initialize)}}`);
    const onAnswer = (answer: Message): void => {
      if (answer.kind === 'error') this.#refused(call, initialize, answer, mayRetry);
      else this.#discovered(call, answer, paramsOf(initialize).protocolVersion);
    };
    this.#host.ask(stamped(request, this.envelope) ?? request, onAnswer, call);
  }

  #refused(call: Call, initialize: Message, error: Message, mayRetry: boolean): void {
    const { code, data } = readError(error);
    const version = code === McpErrorCode.UnsupportedVersion ? knownVersion(data.supported) : undefined;
    if (version !== undefined && mayRetry) {
      this.#identity = { ...this.#identity, version };
      this.#discover(call, initialize, false);
      return;
    }
    const { server } = this.#host;
    const why = readError(legacyError(error, server)).message;
    this.#fail(call, `the handshake with server "${server}" failed: ${why}`);
  }

  /** @param requested the version that the client asked for */
  #discovered(call: Call, answer: Message, requested: unknown): void {
    const { server } = this.#host;
    if (!isComplete(answer)) {
      this.#fail(
        call,
        `server "${server}" answered server/discover with a result of a type that is not known`,
      );
      return;
    }
    const discovery = initializeResult(answerOf(answer), requested, server);
    if (typeof discovery === 'string') {
      this.#fail(call, discovery);
      return;
    }
    this.#identity = { ...this.#identity, version: discovery.version ?? this.#identity.version };
    this.#agreed = discovery.agreed;
    this.#host.answer(call, makeResponse(call.id, discovery.result));
    this.#host.discovered(discovery.lists);
  }

  #fail(call: Call, text: string): void {
    this.#host.answer(call, makeError(call.id, ErrorCode.InternalError, text));
  }
}

/** A result without a type is a complete one (2026-07-28, `basic/index`, "ResultType"). */
export function isComplete(response: Message): boolean {
  return response.typeAt < 0 || resultTypeOf(response) === 'complete';
}
