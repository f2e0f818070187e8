import { answerOf, asRecord, type Message, textOf } from '../jsonrpc/message.js';
import { parseWire, type Wire } from '../jsonrpc/wire.js';
import type { Offer, OfferItem, OfferKind } from '../page/live.js';
import type { Conversation } from './conversation.js';
import type { Exchange, Observer, Side } from './exchanges.js';

/** By the method that lists them: what they are called, in the result and here. */
const LISTS: ReadonlyMap<string, { readonly kind: OfferKind; readonly member: string }> = new Map([
  ['tools/list', { kind: 'tools', member: 'tools' }],
  ['prompts/list', { kind: 'prompts', member: 'prompts' }],
  ['resources/list', { kind: 'resources', member: 'resources' }],
  ['resources/templates/list', { kind: 'templates', member: 'resourceTemplates' }],
]);
/** Octets of the answers that are kept of one list: it may have several pages. */
const MAX_OCTETS = 262_144;
/** Principals whose lists are kept, per server; the one that listed first is forgotten first. */
const MAX_OWNERS = 8;
/** Items of a list that are shown. */
const MAX_ITEMS = 200;
/** Characters of a name and a title; of a description. */
const MAX_NAME = 200;
const MAX_DESCRIPTION = 300;

interface List {
  octets: number;
  isCut: boolean;
  readonly answers: Message[];
  /** Read from the answers when somebody looks. */
  items: OfferItem[] | undefined;
}

/**
 * What each server offers, by what its clients were told last when they asked. Nobody is asked for it: that would take
 * a process from the client for whom it was started. What one principal was told is shown to no other.
 */
export class Offers implements Observer {
  readonly #byServer = new Map<string, Map<string | undefined, Map<OfferKind, List>>>();
  /** Requests for a later page of a list. */
  readonly #later = new WeakSet<Exchange>();

  passed(
    _conversation: Conversation,
    from: Side,
    { kind, text }: Message,
    exchange: Exchange | undefined,
  ): void {
    if (from !== 'client' || kind !== 'request' || exchange === undefined) return;
    if (LISTS.has(exchange.method) && text.includes('"cursor"')) this.#later.add(exchange);
  }

  over(exchange: Exchange, answer: Message | undefined): void {
    const kind = LISTS.get(exchange.method)?.kind;
    if (kind === undefined || exchange.asker !== 'client' || answer?.kind !== 'response') return;
    const { server, principal } = exchange.conversation;
    const lists = this.#of(server, principal);
    const known = this.#later.has(exchange) ? lists.get(kind) : undefined;
    const list = known ?? { octets: 0, isCut: false, answers: [], items: undefined };
    lists.set(kind, list);
    list.items = undefined;
    if (list.octets + answer.text.length > MAX_OCTETS) {
      list.isCut = true;
      return;
    }
    list.octets += answer.text.length;
    list.answers.push(answer);
  }

  /** @param isShown whether what this principal was told may be shown */
  of(server: string, isShown: (principal: string | undefined) => boolean): Offer[] {
    const owners = [...(this.#byServer.get(server) ?? [])].filter(([principal]) => isShown(principal));
    const lists = owners.map(([, one]) => one);
    return [...LISTS.values()].map(({ kind, member }) => {
      const list = lists.findLast((one) => one.has(kind))?.get(kind);
      if (list === undefined) return { kind, items: null, isCut: false };
      list.items ??= list.answers.flatMap((answer) => itemsIn(answer, member));
      const isCut = list.isCut || list.items.length > MAX_ITEMS;
      return { kind, items: list.items.slice(0, MAX_ITEMS), isCut };
    });
  }

  #of(server: string, principal: string | undefined): Map<OfferKind, List> {
    const owners = this.#byServer.get(server) ?? new Map<string | undefined, Map<OfferKind, List>>();
    this.#byServer.set(server, owners);
    const known = owners.get(principal);
    if (known !== undefined) return known;
    const [oldest] = owners.keys();
    if (owners.size >= MAX_OWNERS) owners.delete(oldest);
    const lists = new Map<OfferKind, List>();
    owners.set(principal, lists);
    return lists;
  }
}

function itemsIn(answer: Message, member: string): OfferItem[] {
  const items = asRecord(parsed(answerOf(answer)))[member];
  if (!Array.isArray(items)) return [];
  return items.slice(0, MAX_ITEMS + 1).map((item) => {
    const { name, title, description, uri, uriTemplate } = asRecord(item);
    const shownName = textOf(uri, textOf(uriTemplate, textOf(name, '')));
    const shownTitle = textOf(title, shownName === name ? '' : textOf(name, ''));
    return {
      name: shownName.slice(0, MAX_NAME),
      title: shownTitle.slice(0, MAX_NAME),
      description: textOf(description, '').slice(0, MAX_DESCRIPTION),
    };
  });
}

function parsed(text: Wire): unknown {
  try {
    return parseWire(text);
  } catch {
    return undefined; // what is no text in UTF-8 is shown as nothing
  }
}
