import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthOptions } from '../auth/options.js';
import type { Principal } from '../auth/principal.js';
import type { ServerDefinition } from '../config/definition.js';
import type { Conversation } from '../observability/conversation.js';
import type { Emit } from '../observability/events.js';
import type { Observer } from '../observability/exchanges.js';
import { Offers } from '../observability/offers.js';
import { Rates } from '../observability/rates.js';
import { prefersHtml } from './accept-html.js';
import { answerLive, type LiveSource, type PageSource } from './live.js';
import { answerPage } from './page.js';
import { refuse } from './reply.js';
import { type InspectOptions, Traffic } from './traffic.js';

export interface PagesOptions {
  /** By what clients show who they are. */
  readonly auth: AuthOptions | undefined;
  readonly hasCertificates: boolean;
  /** Undefined: no messages are kept. */
  readonly inspect: InspectOptions | undefined;
  readonly emit: Emit;
}

/** What the proxy shows to people: it takes note of what passes, for when somebody looks. */
export class Pages {
  readonly #options: PagesOptions;
  readonly #rates = new Rates();
  readonly #offers = new Offers();
  readonly #traffic: Traffic | undefined;
  readonly observers: readonly Observer[];

  constructor(options: PagesOptions) {
    this.#options = options;
    const { inspect } = options;
    this.#traffic = inspect && new Traffic(inspect, String(Date.now()));
    this.observers = [this.#rates, this.#offers, ...(this.#traffic ? [this.#traffic.inspection] : [])];
  }

  /** A conversation with this server begins. */
  begins(conversation: Conversation, server: ServerDefinition): void {
    this.#traffic?.begins(conversation, server);
  }

  /**
   * Answers with the page where a browser asks. There is nothing of the proxy's in it, so that nobody is asked who they
   * are: a browser could not say it, and the page asks the person.
   */
  answersPage(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, headers } = request;
    if ((method !== 'GET' && method !== 'HEAD') || !prefersHtml(headers.accept ?? '')) return false;
    answerPage(response, this.#options.emit);
    return true;
  }

  /** Answers with what the page shows: how it is, or the messages that passed. */
  answer(
    kind: 'live' | 'traffic',
    source: LiveSource,
    request: IncomingMessage,
    response: ServerResponse,
    principal: Principal | undefined,
  ): void {
    const { auth, hasCertificates } = this.#options;
    if (kind === 'traffic') {
      const names = new Set(source.servers.map(({ definition }) => definition.name));
      if (this.#traffic !== undefined) this.#traffic.answer(request, response, principal, names);
      else refuse(response, 404, 'no messages are kept; see --inspect');
      return;
    }
    const whole: PageSource = {
      ...source,
      auth: {
        keys: auth?.apiKeyFile !== undefined || auth?.apiKeys !== undefined,
        tokens: auth?.tokens !== undefined,
        certificates: hasCertificates,
      },
      inspect: this.#traffic?.rightOf(request, principal) ?? 'off',
      rates: this.#rates,
      offers: this.#offers,
    };
    answerLive(whole, request, response, principal);
  }
}
