import { META } from '../eras/meta-keys.js';
import { MODERN_VERSIONS } from '../eras/versions.js';
import { makeResponse } from '../jsonrpc/make.js';
import { type Key, keyOf, type Message } from '../jsonrpc/message.js';
import { copyWire, toWire, type Wire } from '../jsonrpc/wire.js';
import { OWN_INFO } from '../version.js';

/**
 * How long the remote server has to say for itself what it offers, in milliseconds. Clients start a process only
 * to ask that, and a person waits for them meanwhile.
 */
const DISCOVER_MS = 1500;

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
 * where it still comes, is nobody's any more.
 */
export class DiscoverAtOnce {
  readonly #answer: (message: Message) => void;
  readonly #waiting = new Map<Key, { readonly id: Wire; readonly timer: NodeJS.Timeout }>();
  readonly #answered = new Set<Key>();

  constructor(answer: (message: Message) => void) {
    this.#answer = answer;
  }

  /** The client asks: `request` goes on to the server as well. */
  asked({ id = 'null' }: Message): void {
    const key = keyOf(id);
    const timer = setTimeout(() => this.#inPlace(key), DISCOVER_MS).unref();
    this.#waiting.set(key, { id: copyWire(id), timer });
  }

  /** Something comes from the server. Returns whether it has come too late, or was answered in its place. */
  answered(message: Message): boolean {
    if (message.kind !== 'response' && message.kind !== 'error') return false;
    const key = keyOf(message.id ?? 'null');
    if (this.#answered.delete(key)) return true;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return false;
    if (message.kind === 'error') {
      // Whatever is wrong, the client's next request is told it, in words that it shows to somebody.
      this.#inPlace(key);
      this.#answered.delete(key);
      return true;
    }
    this.#forget(key);
    return false;
  }

  close(): void {
    for (const key of [...this.#waiting.keys()]) this.#forget(key);
  }

  #inPlace(key: Key): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#forget(key);
    this.#answered.add(key);
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
