/** The requests that the client has open. */
import { type Key, keyOf, type Message, tokenOf } from '../../jsonrpc/message.js';
import { copyWire, type Wire } from '../../jsonrpc/wire.js';
import { Progress } from './progress.js';

/** One request of the client. */
export interface Call {
  /** As the client wrote it, and its key. */
  readonly id: Wire;
  readonly key: Key;
  readonly method: Wire;
  /** The key of the progress token that the client gave. */
  readonly token: Key | undefined;
  readonly progress: Progress;
  /** The id of the request upstream that is open for it. */
  upstreamId: Wire | undefined;
}

/** The books of the client's open requests. */
export class Calls {
  readonly #open = new Map<Key, Call>();
  readonly #tokens = new Map<Key, Call>();

  open(message: Message): Call {
    const token = tokenOf(message);
    const id = copyWire(message.id ?? 'null');
    const call: Call = {
      id,
      key: keyOf(id),
      method: copyWire(message.method ?? ''),
      token: token === undefined ? undefined : keyOf(copyWire(token)),
      progress: new Progress(),
      upstreamId: undefined,
    };
    this.#open.set(call.key, call);
    if (call.token !== undefined) this.#tokens.set(call.token, call);
    return call;
  }

  get(key: Key): Call | undefined {
    return this.#open.get(key);
  }

  byToken(token: Wire | undefined): Call | undefined {
    return token === undefined ? undefined : this.#tokens.get(keyOf(token));
  }

  isOpen(call: Call): boolean {
    return this.#open.get(call.key) === call;
  }

  all(): Call[] {
    return [...this.#open.values()];
  }

  /** The only call that has a request open upstream, where there is exactly one. */
  only(): Call | undefined {
    const asked = this.all().filter(({ upstreamId }) => upstreamId !== undefined);
    return asked.length === 1 ? asked[0] : undefined;
  }

  /** Returns false where it was settled before. */
  settle(call: Call): boolean {
    if (!this.isOpen(call)) return false;
    this.#open.delete(call.key);
    if (call.token !== undefined && this.#tokens.get(call.token) === call) this.#tokens.delete(call.token);
    return true;
  }
}
