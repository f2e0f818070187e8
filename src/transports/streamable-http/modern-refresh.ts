import { crypto } from '../../builtins.js';
import { META } from '../../eras/meta-keys.js';
import { makeRawRequest } from '../../jsonrpc/make.js';
import { memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { answerOf, type Message, metaOf } from '../../jsonrpc/message.js';
import { toWire, type Wire } from '../../jsonrpc/wire.js';
import type { RemoteTimings, UpstreamOptions } from '../../remote/remote-link.js';
import { askModern } from './modern-ask.js';
import { modernRequest } from './modern-request.js';
import type { ToolHeaders } from './tool-headers.js';

/** Pages of one listing that are asked for: a server that always has one more is believed no longer. */
const MAX_PAGES = 100;

/** What in the `_meta` of a call is about that call, and not about its client. */
const OF_THE_CALL: ReadonlySet<string> = new Set(['progressToken', META.logLevel, META.subscription]);

/**
 * Lists a server's tools again, because it wants other headers of a call than it got (2026-07-28, `transports/
 * streamable-http`, "Client Behavior").
 */
export class ToolRefresh {
  readonly #options: UpstreamOptions;
  readonly #limit: number;
  readonly #tools: ToolHeaders;
  readonly #end = new AbortController();
  #running: Promise<boolean> | undefined;

  constructor(options: UpstreamOptions, timings: RemoteTimings, tools: ToolHeaders) {
    this.#options = options;
    this.#limit = timings.refresh;
    this.#tools = tools;
  }

  /**
   * Resolves to whether the tools could be listed; never rejects. Calls that need it at the same time share
   * one listing.
   *
   * @param call in whose name, which is what its `_meta` says of its client
   */
  run(call: Message): Promise<boolean> {
    this.#running ??= this.#list(call).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  close(): void {
    this.#end.abort();
  }

  async #list(call: Message): Promise<boolean> {
    const until = performance.now() + this.#limit;
    let cursor: Wire | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.#page(call, cursor, until - performance.now());
      if (answer === undefined) return false;
      for (const text of this.#tools.take(answer).warnings) this.#options.emit({ level: 'warning', text });
      cursor = memberOf(answerOf(answer), 'nextCursor');
      if (cursor === undefined || cursor === 'null') return true;
    }
    return true;
  }

  async #page(call: Message, cursor: Wire | undefined, left: number): Promise<Message | undefined> {
    const { url, http, emit } = this.#options;
    const id = toWire(crypto().randomUUID());
    const request = modernRequest(makeRawRequest(id, 'tools/list', paramsFor(call, cursor)), { url });
    if ('code' in request || left <= 0) return undefined;
    const { message, failure } = await askModern(http, request, id, left, this.#end.signal);
    if (message?.kind === 'response') return message;
    const why = failure?.text ?? 'the server answered with an error.';
    emit({ level: 'debug', text: `The tools could not be listed again: ${why}` });
    return undefined;
  }
}

function paramsFor(call: Message, cursor: Wire | undefined): Wire {
  const meta = membersOf(metaOf(call) ?? '').filter(({ key }) => !OF_THE_CALL.has(key));
  const params = [{ rawKey: '"_meta"', value: objectOf(meta) }];
  if (cursor !== undefined) params.push({ rawKey: '"cursor"', value: cursor });
  return objectOf(params);
}
