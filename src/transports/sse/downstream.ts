import type { ServerResponse } from 'node:http';
import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import { answerOf, asRecord, type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { copyWire, parseWire, type Wire } from '../../jsonrpc/wire.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { PassingMap } from '../../relay/passing.js';
import { Asked } from '../asked.js';
import { Backlog } from '../backlog.js';
import { EventStream, type StreamSettings } from '../event-stream.js';

/**
 * A client over HTTP+SSE (2024-11-05, `basic/transports`): its messages come in POSTs, everything for it
 * goes on the one stream that it opened.
 */
export class SseDownstream implements Link {
  readonly #stream: EventStream;
  /** The ids of the client's requests that are not answered, as it wrote them. */
  readonly #unanswered = new PassingMap<Key, Wire>();
  readonly #asked = new Asked();
  /** The request that begins the session, while it is open. */
  #initializing: Key | undefined;
  #version: string | undefined;
  /** `initialize` was answered, with this version. */
  onInitialized: ((version: string) => void) | undefined;
  #receiver: Receiver | undefined;
  #open: boolean;

  /** @param endpoint where the client is to POST: an absolute path with the session's id */
  constructor(response: ServerResponse, endpoint: string, streams: StreamSettings) {
    const backlog = new Backlog(streams, (isSlow) => this.#receiver?.slow?.(isSlow));
    this.#stream = new EventStream(response, { heartbeat: streams.heartbeat, backlog });
    this.#open = this.#stream.open;
    this.#stream.event('endpoint', endpoint);
    response.once('close', () => {
      if (!this.#open) return;
      this.#open = false;
      this.#receiver?.closed({ kind: 'ended', text: 'the client closed its stream' });
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** The version that `initialize` agreed on; undefined before that. */
  get version(): string | undefined {
    return this.#version;
  }

  /**
   * Takes a message that the client has POSTed. Its POST is accepted already, so what is wrong with it is said
   * on the stream.
   */
  receive(message: Message): void {
    if (!this.#open) return;
    const reason = this.#asked.refusal(message);
    if (reason !== undefined) {
      this.#stream.event('message', makeError('null', ErrorCode.InvalidRequest, reason).text);
      return;
    }
    this.#asked.answered(message);
    this.#note(message);
    this.#receiver?.message(message);
  }

  send(message: Message): void {
    this.#asked.note(message);
    if (message.kind === 'response' || message.kind === 'error') {
      const key = keyOf(message.id ?? 'null');
      this.#unanswered.delete(key);
      if (key === this.#initializing) this.#initialized(message);
    }
    this.#stream.event('message', message.text);
  }

  /** Ends the session from the proxy's side. */
  end(text: string): void {
    if (!this.#open) return;
    const reason: CloseReason = { kind: 'stopping', text };
    this.close(reason);
    this.#receiver?.closed(reason);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(reason: CloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    for (const id of this.#unanswered.values()) {
      const { text } = makeError(id, ErrorCode.InternalError, reason.text, reason.data);
      this.#stream.event('message', text);
    }
    this.#stream.end();
  }

  #initialized(answer: Message): void {
    this.#initializing = undefined;
    const { protocolVersion } = asRecord(parseWire(answer.kind === 'response' ? answerOf(answer) : '{}'));
    if (typeof protocolVersion !== 'string') return;
    this.#version = protocolVersion;
    this.onInitialized?.(protocolVersion);
  }

  #note(message: Message): void {
    if (message.kind === 'request') {
      const id = copyWire(message.id ?? 'null');
      this.#unanswered.set(keyOf(id), id);
      if (message.method === 'initialize') this.#initializing = keyOf(id);
    } else if (message.method === 'notifications/cancelled') {
      const ref = refOf(message);
      if (ref !== undefined) this.#unanswered.delete(keyOf(ref));
    }
  }
}
