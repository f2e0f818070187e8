import { ErrorCode, McpErrorCode } from '../../jsonrpc/errors.js';
import { makeCancelled, makeError } from '../../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf } from '../../jsonrpc/message.js';
import { LISTEN } from '../../relay/calls.js';
import { idInUse } from '../../relay/id-in-use.js';
import type { CloseReason, Link, Receiver } from '../../relay/link.js';
import { type Envelope, readEnvelope } from '../envelope.js';
import { isModernVersion, MODERN_VERSIONS } from '../versions.js';
import { cancellationOf } from './cancellation.js';

export interface ModernDemuxOptions {
  /** Opens the link on which this one request is answered. */
  readonly answer: (request: Message, envelope: Envelope) => Link;
  /** Takes what the client says that is about no request. */
  readonly notify?: (notification: Message) => void;
}

/**
 * Many requests of a modern client on one long-lived link (2026-07-28, `basic/transports/stdio`), each
 * answered on a link of its own: to the client it is the server.
 */
export class ModernDemux implements Link {
  readonly #answer: ModernDemuxOptions['answer'];
  readonly #notify: ModernDemuxOptions['notify'];
  /** The links of the requests that are not answered, by the key of the id. */
  readonly #open = new Map<Key, Link>();
  #receiver: Receiver | undefined;
  #closed = false;

  constructor({ answer, notify }: ModernDemuxOptions) {
    this.#answer = answer;
    this.#notify = notify;
  }

  send(message: Message): void {
    if (this.#closed) return;
    // A modern client answers nothing: nobody can ask it (`basic/transports/stdio`).
    if (message.kind === 'request') this.#request(message);
    else if (message.kind !== 'notification') return;
    else if (message.method === 'notifications/cancelled') this.#cancel(message);
    else this.#notify?.(message);
  }

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const link of [...this.#open.values()]) link.close(reason);
    this.#open.clear();
  }

  #request(request: Message): void {
    const id = request.id ?? 'null';
    const key = keyOf(id);
    if (this.#open.has(key)) {
      this.#receiver?.message(idInUse(id));
      return;
    }
    const envelope = readEnvelope(request);
    if (typeof envelope === 'string') {
      this.#receiver?.message(makeError(id, ErrorCode.InvalidParams, envelope), key);
      return;
    }
    if (!isModernVersion(envelope.version)) {
      const text = `unsupported protocol version; this server speaks ${MODERN_VERSIONS.join(', ')}`;
      const data = { supported: MODERN_VERSIONS, requested: envelope.version };
      this.#receiver?.message(makeError(id, McpErrorCode.UnsupportedVersion, text, data), key);
      return;
    }
    const link = this.#answer(request, envelope);
    this.#open.set(key, link);
    const isOpen = (): boolean => this.#open.get(key) === link;
    link.listen({
      message: (message) => {
        if (!isOpen()) return;
        const isAnswer = message.kind === 'response' || message.kind === 'error';
        if (isAnswer) this.#open.delete(key);
        this.#receiver?.message(message, key);
        if (isAnswer) link.close({ kind: 'ended', text: 'the request was answered' });
      },
      closed: (reason) => {
        if (!isOpen()) return;
        this.#open.delete(key);
        this.#receiver?.message(endOf(request, reason), key);
      },
    });
    link.send(request);
  }

  /** The client gives a request up: nothing more is said about it (`basic/patterns/cancellation`). */
  #cancel(notification: Message): void {
    const ref = refOf(notification);
    const key = ref === undefined ? undefined : keyOf(ref);
    const link = key === undefined ? undefined : this.#open.get(key);
    if (key === undefined || link === undefined) return;
    this.#open.delete(key);
    link.close(cancellationOf(notification));
  }
}

/**
 * What a client hears of a request whose link ended without an answer. On a channel that stays open the end
 * of a subscription is told by a cancellation of the server's (`basic/patterns/cancellation`).
 */
function endOf(request: Message, reason: CloseReason): Message {
  const id = request.id ?? 'null';
  return request.method === LISTEN
    ? makeCancelled(id, reason.text)
    : makeError(id, ErrorCode.InternalError, reason.text, reason.data);
}
