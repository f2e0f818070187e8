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
/** Pages of tools that are read; a list that goes on for ever must end. */
const MAX_PAGES = 100;

type Open = (request: Message, envelope: Envelope, principal: string | undefined) => Link | Promise<Link>;

/**
 * Which arguments of a server's tools are repeated in headers over HTTP (2026-07-28, `basic/transports/
 * streamable-http`, "Server Behavior for Custom Headers"): whoever takes a call has to compare the two, and so
 * to know the tools. They are listed when the first call comes, and when one does not agree.
 */
export class ToolSchemas {
  readonly #clock: Clock;
  readonly #open: Open;
  readonly #headers = new ToolHeaders();
  #listing: Promise<void> | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;

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
   */
  async of(
    name: string,
    envelope: Envelope,
    anew: boolean,
    principal?: string,
  ): Promise<readonly DeclaredHeader[] | undefined> {
    const known = this.#headers.of(name);
    if (known !== undefined && !anew) return known;
    if (this.#listing === undefined && this.#clock.now() >= this.#notBefore) {
      const listed = this.#list(envelope, principal).catch(() => false);
      this.#listing = listed.then((isWhole) => {
        this.#notBefore = this.#clock.now() + (isWhole ? LIST_AGAIN_MS : FAILED_AGAIN_MS);
        this.#listing = undefined;
      });
    }
    await this.#listing;
    return this.#headers.of(name);
  }

  /** Returns whether all is listed that there is, or may be. */
  async #list(envelope: Envelope, principal: string | undefined): Promise<boolean> {
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.#ask(cursor, { envelope, principal });
      if (answer?.kind !== 'response') return false;
      this.#headers.take(answer);
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
