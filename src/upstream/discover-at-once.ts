import { META } from '../eras/meta-keys.js';
import { MODERN_VERSIONS } from '../eras/versions.js';
import { makeResponse } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf, withId, withRef } from '../jsonrpc/message.js';
import { copyWire, toWire, type Wire } from '../jsonrpc/wire.js';
import { OWN_INFO } from '../version.js';

/**
 * How long the remote server has to say for itself what it offers, in milliseconds. Clients start a process only
 * to ask that, and a person waits for them meanwhile.
 */
const DISCOVER_MS = 1500;

/** What ids begin with, towards the server, that no client would choose. */
const OWN_ID = 'mcp-proxy-discover-';

/** What is offered where the server has not said it yet: all that there is, so that nothing is kept from a client. */
const EVERYTHING = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

/**
 * Answers `server/discover` at once also where the remote server is slow, down, or wants its user to sign in
 * first: the answer is the proxy's own then, and no client may keep it (`ttlMs` 0). The server's own answer,
 * where it still comes, is nobody's any more: so that it is not taken for the answer to another request of
 * the same id, the server knows the request under an id of the proxy's own.
 */
export class DiscoverAtOnce {
  readonly #answer: (message: Message) => void;
  /** By the id that the server knows; `id` is the client's, raw. */
  readonly #waiting = new Map<Key, { readonly id: Wire; readonly timer: NodeJS.Timeout }>();
  #last = 0;

  constructor(answer: (message: Message) => void) {
    this.#answer = answer;
  }

  /** The client asks. Returns the request as it goes on to the server. */
  asked(request: Message): Message {
    const own = toWire(`${OWN_ID}${++this.#last}`);
    const key = keyOf(own);
    const timer = setTimeout(() => this.#inPlace(key), DISCOVER_MS).unref();
    this.#waiting.set(key, { id: copyWire(request.id ?? 'null'), timer });
    return withId(request, own);
  }

  /** The client gives something up. Returns that as it goes on to the server. */
  cancelled(notification: Message): Message {
    const ref = refOf(notification);
    for (const [own, { id }] of this.#waiting) {
      if (ref === undefined || keyOf(ref) !== keyOf(id)) continue;
      this.#forget(own);
      return withRef(notification, own);
    }
    return notification;
  }

  /** Something comes from the server. Returns what the client gets of it; undefined: nothing. */
  heard(message: Message): Message | undefined {
    if (message.kind !== 'response' && message.kind !== 'error') return message;
    const key = keyOf(message.id ?? 'null');
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return key.startsWith(`"${OWN_ID}`) ? undefined : message;
    if (message.kind === 'error') {
      // Whatever is wrong, the client's next request is told it, in words that it shows to somebody.
      this.#inPlace(key);
      return undefined;
    }
    this.#forget(key);
    return withId(message, waiting.id);
  }

  close(): void {
    for (const key of [...this.#waiting.keys()]) this.#forget(key);
  }

  #inPlace(key: Key): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#forget(key);
    const result = {
      resultType: 'complete',
      supportedVersions: MODERN_VERSIONS,
      capabilities: EVERYTHING,
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [META.serverInfo]: OWN_INFO },
    };
    this.#answer(makeResponse(waiting.id, toWire(result)));
  }

  #forget(key: Key): void {
    clearTimeout(this.#waiting.get(key)?.timer);
    this.#waiting.delete(key);
  }
}
