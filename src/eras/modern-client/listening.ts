import { ErrorCode } from '../../jsonrpc/errors.js';
import { makeError, makeRawNotification, makeRequest, makeResponse } from '../../jsonrpc/make.js';
import { membersOf, objectOf } from '../../jsonrpc/members.js';
import { type Key, keyOf, type Message } from '../../jsonrpc/message.js';
import { withParams } from '../../jsonrpc/rewrite.js';
import { toWire, type Wire } from '../../jsonrpc/wire.js';
import type { CloseReason } from '../../relay/link.js';
import { lossText } from '../../relay/loss.js';
import { META } from '../meta-keys.js';
import { Held } from './held.js';
import type { Host } from './host.js';
import type { LegacySession } from './legacy-session.js';
import { filterOf, honourable, type ListenFilter, lets, withResources } from './listen-filter.js';
import type { RequestLink } from './request-link.js';

/**
 * One `subscriptions/listen` on a legacy session (2026-07-28, `basic/patterns/subscriptions`): a
 * `resources/subscribe` for each resource, then the acknowledgement of what is honoured, then the matching
 * notifications, each with the id of the request. It ends with the client or with the session.
 */
export class Listening {
  readonly #host: Host;
  readonly #session: LegacySession;
  readonly #client: RequestLink;
  readonly #honoured: ListenFilter;
  /** Resources whose subscription the server has not answered, by the id of the request for it. */
  readonly #asked = new Map<Key, string>();
  readonly #accepted = new Set<string>();
  readonly #held = new Held();
  #acknowledged: ListenFilter | undefined;
  #disarm: (() => void) | undefined;
  #over = false;

  constructor(host: Host, session: LegacySession, client: RequestLink, asked: ListenFilter) {
    this.#host = host;
    this.#session = session;
    this.#client = client;
    this.#honoured = honourable(asked, host.factsOf(session.initialized).capabilities);
  }

  start(): void {
    this.#session.link.listen({
      message: (message) => this.#fromServer(message),
      closed: (reason) => this.#lost(reason),
    });
    const requests = (this.#honoured.resourceSubscriptions ?? []).map((uri) => {
      const id = this.#host.nextId();
      this.#asked.set(keyOf(id), uri);
      return makeRequest(id, 'resources/subscribe', { uri });
    });
    for (const request of requests) if (!this.#over) this.#session.link.send(request);
    if (this.#over) return;
    if (this.#asked.size === 0) this.#acknowledge();
    else this.#disarm = this.#host.clock.after(this.#host.limits.subscribeMs, () => this.#acknowledge());
  }

  /** The client has gone. The session's end takes its subscriptions back. */
  giveUp(reason: CloseReason): void {
    this.#end();
    this.#session.link.close(reason);
  }

  #fromServer(message: Message): void {
    if (this.#over) return;
    if (message.kind === 'request') this.#question(message);
    else if (message.kind !== 'notification') this.#answered(message);
    else if (this.#acknowledged === undefined) this.#hold(message);
    else this.#pass(message, this.#acknowledged);
  }

  /** Nothing can be asked on a listen stream. */
  #question(question: Message): void {
    const id = question.id ?? 'null';
    if (question.method === 'ping') this.#session.link.send(makeResponse(id, '{}'));
    else {
      const text = `mcp-proxy refused ${question.method}: no call is open that could have caused it`;
      this.#session.link.send(makeError(id, ErrorCode.InternalError, text));
    }
  }

  #answered(answer: Message): void {
    const key = keyOf(answer.id ?? 'null');
    const uri = this.#asked.get(key);
    if (uri === undefined) return;
    this.#asked.delete(key);
    if (answer.kind === 'response') this.#accepted.add(uri);
    if (this.#asked.size === 0) this.#acknowledge();
  }

  /** What the server has refused, or not accepted in time, is left out. */
  #acknowledge(): void {
    if (this.#acknowledged !== undefined) return;
    this.#disarm?.();
    if (this.#asked.size > 0) {
      const text = `the server did not answer ${this.#asked.size} of the subscriptions that a client listens to`;
      this.#host.emit({ level: 'warning', text, server: this.#host.server });
    }
    const uris = (this.#honoured.resourceSubscriptions ?? []).filter((uri) => this.#accepted.has(uri));
    const honoured = withResources(this.#honoured, uris);
    this.#acknowledged = honoured;
    const params = `{"_meta":{${this.#tag()}},"notifications":${toWire(honoured)}}`;
    this.#client.pass(makeRawNotification('notifications/subscriptions/acknowledged', params));
    for (const notification of this.#held.take()) this.#pass(notification, honoured);
  }

  /** What comes before the acknowledgement waits for it, where it may be wanted. */
  #hold(notification: Message): void {
    if (lets(this.#honoured, notification)) this.#held.push(notification);
  }

  #pass(notification: Message, honoured: ListenFilter): void {
    if (!lets(honoured, notification)) return;
    const tagged = withTag(notification, this.#tag());
    if (tagged !== undefined) this.#client.pass(tagged);
  }

  /** The id keeps its type and its digits. */
  #tag(): Wire {
    return `"${META.subscription}":${this.#client.id}`;
  }

  /**
   * The end of the session. One that was meant is told as the end of the subscription; without that answer
   * the client knows that it may have missed something ("Graceful Closure").
   */
  #lost(reason: CloseReason): void {
    if (this.#over) return;
    const acknowledged = this.#acknowledged !== undefined;
    this.#end();
    if (reason.kind === 'stopping' || reason.kind === 'idle') {
      const result = `{"resultType":"complete","_meta":{${this.#tag()}}}`;
      this.#client.answer(makeResponse(this.#client.id, result));
    } else if (acknowledged) this.#client.lose(reason);
    else {
      const text = lossText(this.#host.server, reason);
      this.#client.fail(ErrorCode.InternalError, text, reason.data);
    }
  }

  #end(): void {
    this.#over = true;
    this.#disarm?.();
  }
}

/** Reads what is listened to. A text says, for an error -32602, what is wrong with it. */
export function listenFilterOf(request: Message, most: number): ListenFilter | string {
  const asked = filterOf(request);
  if (typeof asked === 'string' || (asked.resourceSubscriptions?.length ?? 0) <= most) return asked;
  return `params.notifications.resourceSubscriptions may name ${most} resources; use several requests for more`;
}

/** A notification with its subscription in `_meta`. */
function withTag(notification: Message, tag: Wire): Message | undefined {
  const { text, paramsAt, paramsEnd } = notification;
  const members = paramsAt < 0 ? [] : membersOf(text.slice(paramsAt, paramsEnd));
  const meta = membersOf(members.find(({ key }) => key === '_meta')?.value ?? '{}');
  const others = meta.filter(({ key }) => key !== META.subscription);
  const rest = others.length === 0 ? '' : `,${objectOf(others).slice(1, -1)}`;
  const params = objectOf([
    { rawKey: '"_meta"', value: `{${tag}${rest}}` },
    ...members.filter(({ key }) => key !== '_meta'),
  ]);
  return withParams(notification, params);
}
