/** What a client may not have heard of while no stream was there. */
import { makeNotification } from '../../jsonrpc/make.js';
import type { Message } from '../../jsonrpc/message.js';
import type { List } from './initialize.js';

interface Watched {
  readonly lists: ReadonlySet<List>;
  readonly uris: ReadonlySet<string>;
}

export class Missed {
  readonly #lists = new Set<List>();
  readonly #uris = new Set<string>();

  /** Nothing is heard of these any more, for now. */
  add({ lists, uris }: Watched): void {
    for (const list of lists) this.#lists.add(list);
    for (const uri of uris) this.#uris.add(uri);
  }

  /**
   * Notifications of what may have changed, for the client to look for itself; nothing is missed after that.
   *
   * @param heard what is heard of again
   * @param wanted the resources that the client is still subscribed to
   */
  take(heard: Watched, wanted: ReadonlySet<string>): Message[] {
    const lists = [...this.#lists].filter((list) => heard.lists.has(list));
    const uris = [...this.#uris].filter((uri) => heard.uris.has(uri) && wanted.has(uri));
    this.#lists.clear();
    this.#uris.clear();
    return [
      ...lists.map((list) => makeNotification(`notifications/${list}/list_changed`)),
      ...uris.map((uri) => makeNotification('notifications/resources/updated', { uri })),
    ];
  }
}
