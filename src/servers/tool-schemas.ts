import type { Envelope } from '../eras/envelope.js';
import { META } from '../eras/meta-keys.js';
import { makeRequest } from '../jsonrpc/make.js';
import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';
import type { Clock } from '../relay/clock.js';
import type { Link } from '../relay/link.js';
import type { DeclaredHeader } from '../transports/streamable-http/param-headers.js';
import { ToolHeaders } from '../transports/streamable-http/tool-headers.js';

/** How long the server may take to list its tools before a call goes on without them, in milliseconds. */
const LIST_MS = 5000;
/** The least time between two listings, in milliseconds: who calls what is not there makes no work by it. */
const LIST_AGAIN_MS = 5000;
/** The same after one that came to nothing: a server that does not list its tools must not hold up every call. */
const FAILED_AGAIN_MS = 60_000;
/** Places whose tools are known; the one that was asked for first is forgotten first. */
const MAX_PLACES = 100;
/** Pages of tools that are read; a list that goes on for ever must end. */
const MAX_PAGES = 100;

type Open = (request: Message, envelope: Envelope, principal: string | undefined) => Link | Promise<Link>;

/** The tools of one place. */
interface Tools {
  readonly headers: ToolHeaders;
  listing: Promise<void> | undefined;
  notBefore: number;
}

/**
 * Which arguments of a server's tools are repeated in headers over HTTP (2026-07-28, `basic/transports/
 * streamable-http`, "Server Behavior for Custom Headers"): whoever takes a call has to compare the two, and so
 * to know the tools. They are listed when the first call comes, and when one does not agree. Where clients have
 * processes of their own, each place has its own tools: what those of another declare refuses nobody's call.
 */
export class ToolSchemas {
  readonly #clock: Clock;
  readonly #open: Open;
  readonly #places = new Map<string, Tools>();

  /** @param open gives a link on which one request of the modern era is answered */
  constructor(clock: Clock, open: Open) {
    this.#clock = clock;
    this.#open = open;
  }

  /**
   * The declared headers of a tool; undefined where there is none of that name. Never rejects.
   *
   * @param anew lists the tools again first, since what is known of them does not agree with a call
   * @param principal who calls: the tools are listed by a process of theirs
   * @param place which process that is
   */
  async of(
    name: string,
    envelope: Envelope,
    anew: boolean,
    principal?: string,
    place = '',
  ): Promise<readonly DeclaredHeader[] | undefined> {
    const tools = this.#at(place);
    const known = tools.headers.of(name);
    if (known !== undefined && !anew) return known;
    if (tools.listing === undefined && this.#clock.now() >= tools.notBefore) {
      const listed = this.#list(tools.headers, envelope, principal).catch(() => false);
      tools.listing = listed.then((isWhole) => {
        tools.notBefore = this.#clock.now() + (isWhole ? LIST_AGAIN_MS : FAILED_AGAIN_MS);
        tools.listing = undefined;
      });
    }
    await tools.listing;
    return tools.headers.of(name);
  }

  #at(place: string): Tools {
    const known = this.#places.get(place);
    if (known !== undefined) return known;
    const tools = { headers: new ToolHeaders(), listing: undefined, notBefore: Number.NEGATIVE_INFINITY };
    this.#places.set(place, tools);
    const [oldest] = this.#places.keys();
    if (this.#places.size > MAX_PLACES && oldest !== undefined) this.#places.delete(oldest);
    return tools;
  }

  /** Returns whether all is listed that there is, or may be. */
  async #list(headers: ToolHeaders, envelope: Envelope, principal: string | undefined): Promise<boolean> {
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.#ask(cursor, { envelope, principal });
      if (answer?.kind !== 'response') return false;
      headers.take(answer);
      cursor = asRecord(parseWire(answerOf(answer))).nextCursor;
      if (typeof cursor !== 'string') return true;
    }
    return true;
  }

  /** One page; undefined where it can't be had: then nothing is known, and the server itself has to judge. */
  async #ask(
    cursor: unknown,
    { envelope, principal }: { envelope: Envelope; principal: string | undefined },
  ): Promise<Message | undefined> {
    const { version, capabilities, clientInfo } = envelope;
    const info = clientInfo === undefined ? {} : { [META.clientInfo]: clientInfo };
    const _meta = { [META.version]: version, [META.capabilities]: capabilities, ...info };
    const request = makeRequest('1', 'tools/list', { ...(cursor === undefined ? {} : { cursor }), _meta });
    let link: Link;
    try {
      link = await this.#open(request, envelope, principal);
    } catch {
      return undefined; // whoever makes the call meets the same, and is told
    }
    return new Promise((resolve) => {
      const settle = (answer: Message | undefined): void => {
        cancel();
        resolve(answer);
        link.close({ kind: 'ended', text: 'the tools are listed' });
      };
      const cancel = this.#clock.after(LIST_MS, () => settle(undefined));
      link.listen({
        message: (message) => {
          if (message.kind === 'response' || message.kind === 'error') settle(message);
        },
        closed: () => settle(undefined),
      });
      link.send(request);
    });
  }
}
