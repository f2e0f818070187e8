import {
  type Message,
  metaOf,
  refOf,
  subscriptionOf,
  versionOf,
  withRef,
  withSubscription,
} from '../jsonrpc/message.js';
import { parseWire, type Wire } from '../jsonrpc/wire.js';
import { LISTEN } from './calls.js';
import type { Conduct, ConductHost } from './conduct.js';
import { PassingSet } from './passing.js';
import type { Call, Port } from './port.js';

/** In the `_meta` of a request that wants log messages (2026-07-28, `server/utilities/logging`). */
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

/** What only goes to who listens to it (2026-07-28, `basic/patterns/subscriptions`, "Receiving Notifications"). */
const CHANGES = /^notifications\/(?:(?:tools|prompts|resources)\/list_changed|resources\/updated)$/;

/**
 * How sessions use an upstream of the modern era: every request says all about its client, so what is left
 * is to whom the server's notifications belong (2026-07-28, `basic/transports/stdio`, "Receiving Messages").
 */
export class ModernConduct implements Conduct {
  readonly haunted = false;
  readonly initialized = undefined;
  version: string | undefined;
  readonly #host: ConductHost;
  /** Open requests that want log messages, which name no request. */
  readonly #logging = new PassingSet<Call>();
  /** Sessions with requests open, other than those that only listen. */
  readonly #open = new PassingSet<Call>();

  constructor(host: ConductHost) {
    this.#host = host;
  }

  join(): void {}
  leave(): void {}
  busy(): void {}
  idle(): void {}

  initialize(): Promise<Wire> {
    return Promise.reject(new TypeError('a modern server has no handshake'));
  }

  request(): boolean {
    return false;
  }

  opened(call: Call, message: Message): void {
    if (this.version === undefined) {
      const version = parseWire(versionOf(message) ?? 'null');
      if (typeof version === 'string') this.version = version;
    }
    if (call.method === LISTEN) return;
    this.#open.add(call);
    if (metaOf(message)?.includes(LOG_LEVEL) === true) this.#logging.add(call);
  }

  abandoned(call: Call): void {
    this.#forget(call);
  }

  /** Cancellation is dealt with before; no other notification of a client says whose it is. */
  concernsServer(): boolean {
    return true;
  }

  isAwaited(): boolean {
    return false;
  }

  answered(call: Call, answer: Message): Message {
    this.#host.dropToken(call);
    this.#forget(call);
    return subscriptionOf(answer) === undefined ? answer : withSubscription(answer, call.id);
  }

  lateAnswer(): void {}

  /** There are no questions in this era: they come in results (2026-07-28, `basic/patterns/mrtr`). */
  question(message: Message): void {
    const reason = 'a server of the protocol version 2026-07-28 must not send requests';
    this.#host.tell('warning', `dropped the server's ${message.method}: ${reason}`);
  }

  inform(message: Message, cause: Call | undefined): void {
    if (message.method === 'notifications/cancelled') {
      this.#endOfListening(message);
      return;
    }
    const subscription = subscriptionOf(message);
    if (subscription !== undefined) {
      const call = this.#host.byId(subscription);
      call?.port?.deliver(withSubscription(message, call.id), call.key);
      return;
    }
    if (CHANGES.test(message.method ?? '')) {
      this.#host.tell('debug', `dropped ${message.method}: it names no subscription that it belongs to`);
      return;
    }
    const call = cause ?? ofOne(message.method === 'notifications/message' ? this.#logging : this.#open);
    if (call?.port) call.port.deliver(message, call.key);
    else this.#host.tell('debug', `dropped ${message.method}: nothing says for which request it is`);
  }

  listens(): void {}

  forget(_port: Port): readonly Message[] {
    return [];
  }

  /** The server ends a subscription (2026-07-28, `basic/patterns/cancellation`). */
  #endOfListening(message: Message): void {
    const ref = refOf(message);
    const call = ref === undefined ? undefined : this.#host.byId(ref);
    if (call?.method !== LISTEN) return;
    this.#host.settle(call);
    call.port?.deliver(withRef(message, call.id), call.key);
  }

  #forget(call: Call): void {
    this.#open.delete(call);
    this.#logging.delete(call);
  }
}

/** The oldest of some calls, where they are all of one session. */
function ofOne(calls: PassingSet<Call>): Call | undefined {
  const [oldest, ...others] = calls;
  return others.every(({ port }) => port === oldest?.port) ? oldest : undefined;
}
