import type { IncomingMessage, ServerResponse } from 'node:http';
import { belongsTo } from '../auth/bound.js';
import type { Principal } from '../auth/principal.js';
import type { ServerDefinition } from '../config/definition.js';
import type { Conversation } from '../observability/conversation.js';
import { Inspection } from '../observability/inspection.js';
import { type ValueMask, valueMask } from '../observability/secrets.js';
import type { Inspect, Traffic as Shown } from '../page/live.js';
import { maskOf } from '../process/secrets.js';
import { isForwarded } from './forwarded.js';
import { HEADERS, SHOWN } from './live.js';
import { refuse, refuseUnlessRead } from './reply.js';

export interface InspectOptions {
  /** Principals, by id, who see the messages of others, too. */
  readonly access: readonly string[];
}

const NO_SECRETS: ValueMask = valueMask([]);

/** The messages that passed, for those who may see them. */
export class Traffic {
  readonly #access: ReadonlySet<string>;
  readonly #run: string;
  readonly #definitions = new WeakMap<Conversation, ServerDefinition>();
  readonly inspection = new Inspection((conversation) => this.#maskOf(conversation));

  /** @param run tells this run of the proxy from others */
  constructor({ access }: InspectOptions, run: string) {
    this.#access = new Set(access);
    this.#run = run;
  }

  /** A conversation with this server begins: whatever is secret of it is kept out of what is shown. */
  begins(conversation: Conversation, server: ServerDefinition): void {
    this.#definitions.set(conversation, server);
  }

  /**
   * What somebody may see. Who is known sees what is theirs, and all of the servers that they may use where
   * `--inspect-access` names them; where nobody is asked, whoever is on this machine sees all.
   */
  rightOf(request: IncomingMessage, principal: Principal | undefined): Inspect {
    if (principal !== undefined) return this.#access.has(principal.id) ? 'all' : 'own';
    return isForwarded(request) || isOfOtherPage(request) ? 'remote' : 'all';
  }

  /** @param servers the names of those that they may use */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    principal: Principal | undefined,
    servers: ReadonlySet<string>,
  ): void {
    if (refuseUnlessRead(request, response, SHOWN)) return;
    const right = this.rightOf(request, principal);
    if (right === 'remote') {
      refuse(response, 403, 'messages are shown on this machine only, because nobody is asked who they are');
      return;
    }
    const isOwn = ({ principal: owner }: Conversation): boolean =>
      owner !== undefined && principal !== undefined && belongsTo(owner, principal.id);
    const seen = this.inspection.see(
      fromOf(request),
      (conversation) => servers.has(conversation.server) && (right === 'all' || isOwn(conversation)),
    );
    const shown: Shown = { run: this.#run, ...seen };
    response.writeHead(200, HEADERS).end(JSON.stringify(shown));
  }

  #maskOf(conversation: Conversation): ValueMask {
    const definition = this.#definitions.get(conversation);
    return definition === undefined ? NO_SECRETS : maskOf(definition);
  }
}

/**
 * Whether a page of another origin asks, be it one that may use the servers: what others say to those is not for it. A
 * browser names no `Origin` for what a page only reads from its own (Fetch, "append a request `Origin` header").
 */
function isOfOtherPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined;
}

function fromOf({ url = '' }: IncomingMessage): number {
  const from = Number(new URLSearchParams(url.split('?')[1]).get('from'));
  return Number.isSafeInteger(from) ? from : 0;
}
