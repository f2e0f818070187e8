import { ALL_VERSIONS } from '../eras/versions.js';
import type { Message } from '../jsonrpc/message.js';
import type { CloseReason } from '../relay/link.js';
import { PassingMap } from '../relay/passing.js';
import type { Conversation } from './conversation.js';
import type { Exchange, Observer, Side } from './exchanges.js';
import { failureOf } from './failure.js';
import { Histogram } from './histogram.js';
import { ListedTools } from './listed-tools.js';
import { shownMethod } from './method-names.js';

/** Ways in which the requests of one server are told apart, at most; what comes beyond is counted together. */
const MAX_KINDS = 500;

/** Requests of one kind. What it is not of is empty. */
export interface Kind {
  readonly asker: Side;
  readonly method: string;
  /** Where the server has listed it. */
  readonly tool: string;
  /** `error.type` of the OpenTelemetry conventions. */
  readonly error: string;
  readonly version: string;
  readonly durations: Histogram;
}

/** Sessions of one transport that have ended. */
export interface EndedSessions {
  readonly transport: Conversation['transport'];
  readonly error: string;
  readonly version: string;
  readonly durations: Histogram;
}

type Tree<T> = Map<string, T>;

/** A sum over what may go away (servers of single clients that are forgotten), as a number that never falls. */
class Rising {
  #last = 0;
  #gone = 0;

  /** @param sum of those that are there */
  seen(sum: number): number {
    this.#gone += Math.max(0, this.#last - sum);
    this.#last = sum;
    return this.#gone + sum;
  }
}

/** What was counted of one server definition. */
export class ServerTally {
  readonly kinds: Kind[] = [];
  readonly ended: EndedSessions[] = [];
  /** Sessions that have begun, by their transport. */
  readonly opened = new Map<Conversation['transport'], number>();
  readonly messages = { client: 0, server: 0 };
  /** Octets of messages, by who has sent them. */
  readonly octets = { client: 0, server: 0 };
  readonly tools = new ListedTools();
  readonly restarts = new Rising();
  readonly #ofClient: Tree<Tree<Tree<Tree<Kind>>>> = new Map();
  readonly #ofServer: Tree<Tree<Tree<Tree<Kind>>>> = new Map();

  /** The durations of requests of that kind. Nothing is allocated but for the first. */
  of(asker: Side, method: string, tool: string, error: string, version: string): Histogram {
    const root = asker === 'client' ? this.#ofClient : this.#ofServer;
    const found = root.get(method)?.get(tool)?.get(error)?.get(version);
    if (found !== undefined) return found.durations;
    const isOver = this.kinds.length >= MAX_KINDS;
    if (isOver && method !== 'other') return this.of(asker, 'other', '', error === '' ? '' : '_OTHER', '');
    const kind = { asker, method, tool, error, version, durations: new Histogram() };
    const byError = child(child(root, method), tool);
    child(byError, error).set(version, kind);
    this.kinds.push(kind);
    return kind.durations;
  }

  ofSessions(transport: Conversation['transport'], error: string, version: string): Histogram {
    const found = this.ended.find(
      (one) => one.transport === transport && one.error === error && one.version === version,
    );
    if (found !== undefined) return found.durations;
    const durations = new Histogram();
    this.ended.push({ transport, error, version, durations });
    return durations;
  }
}

/**
 * Counts what passes, for `/metrics`. It is always on, so it keeps numbers only, and what it adds to a message is a few
 * look-ups. All by which it tells one from another is bounded: whoever sends a message must not be able to fill it.
 */
export class Tally implements Observer {
  readonly #mayShow: (server: string, tool: string) => boolean;
  readonly #servers = new Map<string, ServerTally>();
  /** When each session that is open began, in milliseconds. */
  readonly #since = new PassingMap<Conversation, number>();
  /** HTTP answers by the first digit of their status; at 0 those whose client had gone before. */
  readonly answers = new Float64Array(6);

  /** @param mayShow whether the name of a tool of that server holds no secret */
  constructor(mayShow: (server: string, tool: string) => boolean = () => true) {
    this.#mayShow = mayShow;
  }

  /** What was counted of the server definition of that name. */
  of(server: string): ServerTally {
    const found = this.#servers.get(server);
    if (found !== undefined) return found;
    const made = new ServerTally();
    this.#servers.set(server, made);
    return made;
  }

  /** @param status undefined: none was sent */
  answered(status: number | undefined): void {
    const at = Math.trunc((status ?? 0) / 100);
    this.answers[at] = (this.answers[at] ?? 0) + 1;
  }

  opened(conversation: Conversation): void {
    if (conversation.shownId === undefined) return;
    const { opened } = this.of(conversation.server);
    opened.set(conversation.transport, (opened.get(conversation.transport) ?? 0) + 1);
    this.#since.set(conversation, performance.now());
  }

  passed(conversation: Conversation, from: Side, message: Message, exchange: Exchange | undefined): void {
    const server = this.of(conversation.server);
    server.messages[from]++;
    server.octets[from] += message.text.length;
    if (exchange !== undefined && message.kind === 'request' && exchange.method === 'tools/call') {
      exchange.tool = server.tools.named(message);
    }
  }

  over(exchange: Exchange, answer: Message | undefined, ms: number): void {
    const { conversation, asker, method, tool = '' } = exchange;
    const server = this.of(conversation.server);
    const version = shownVersion(conversation.version());
    server.of(asker, shownMethod(method), tool, failureOf(answer) ?? '', version).add(ms / 1000);
    // What a server offers to somebody may be for them alone, and whoever sees the metrics may be somebody else.
    const isForAll = conversation.principal === undefined;
    if (method === 'tools/list' && asker === 'client' && answer?.kind === 'response' && isForAll) {
      server.tools.learn(answer, (name) => this.#mayShow(conversation.server, name));
    }
  }

  closed(conversation: Conversation, reason: CloseReason): void {
    const since = this.#since.get(conversation);
    if (since === undefined) return;
    this.#since.delete(conversation);
    const error = reason.kind === 'failed' ? '_OTHER' : '';
    const version = shownVersion(conversation.version());
    const durations = this.of(conversation.server).ofSessions(conversation.transport, error, version);
    durations.add((performance.now() - since) / 1000);
  }
}

function child<T>(tree: Tree<Tree<T>>, key: string): Tree<T> {
  const found = tree.get(key);
  if (found !== undefined) return found;
  const made: Tree<T> = new Map();
  tree.set(key, made);
  return made;
}

/** A client may say any version. */
function shownVersion(version: string | undefined): string {
  if (version === undefined) return '';
  return ALL_VERSIONS.includes(version) ? version : 'other';
}
