import { type Key, keyOf, type Message } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { LISTEN } from '../../relay/calls.js';
import type { Exchange } from '../../remote/http.js';

/** One request that a modern server has not answered yet, and the POST that is open for it. */
export class ModernCall {
  readonly request: Message;
  /** Raw JSON of the request's id. */
  readonly id: Wire;
  readonly key: Key;
  /** It listens for as long as its client wants: nobody waits for its answer. */
  readonly listens: boolean;
  /** The server has said something on it before its answer. */
  heard = false;
  /** It was sent a second time. */
  repeated = false;
  #post: Exchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(request: Message, id: Wire) {
    this.request = request;
    this.id = id;
    this.key = keyOf(id);
    this.listens = request.method === LISTEN;
  }

  /** Whether what comes on that POST is still this call's. */
  isAt(post: Exchange): boolean {
    return !this.#over && this.#post === post;
  }

  /** Nobody waits for it any more: it is answered, or given up. */
  get over(): boolean {
    return this.#over;
  }

  /** It is on its way. */
  carriedBy(post: Exchange): void {
    this.#post = post;
  }

  /** The POST has said all. The server may end it by itself, `grace` ms long; that saves a connection. */
  leave(grace: number): void {
    const post = this.#post;
    this.#post = undefined;
    if (post !== undefined) setTimeout(() => post.abort(), grace).unref();
  }

  /** Runs `action` in `ms`, unless it is over before. */
  after(ms: number, action: () => void): void {
    this.#timer = setTimeout(action, ms);
  }

  /** It is answered. */
  end(grace: number): void {
    this.#finish();
    this.leave(grace);
  }

  /** It is given up: the end of its POST tells the server so. */
  drop(): void {
    this.#finish();
    this.#post?.abort();
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
