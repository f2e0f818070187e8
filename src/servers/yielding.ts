import type { LegacySession } from '../eras/modern-client/legacy-session.js';
import type { ModernClients as Translator } from '../eras/modern-client/modern-clients.js';
import type { Emit } from '../observability/events.js';
import type { Link } from '../relay/link.js';
import type { ServerProcess } from './server-process.js';

/**
 * How long a call that waits for its client keeps its process from others, in milliseconds: a program has answered by
 * then, and a person has begun to. Where no other needs the process, it waits for as long as a round may take.
 */
export const KEEPS_MS = 30_000;

/**
 * Processes that take turns and are held by calls which wait for their clients. A client that never comes back costs
 * nothing, and each of its calls a process: so the one that has waited for longest makes place for who needs one.
 */
export class Yielding {
  readonly #translator: Translator;
  readonly #server: string;
  readonly #emit: Emit;
  /** The process of each call that takes a turn, by the link of its session. */
  readonly #taken = new Map<Link, ServerProcess>();

  /** @param server the server definition's name, for events */
  constructor(translator: Translator, server: string, emit: Emit) {
    this.#translator = translator;
    this.#server = server;
    this.#emit = emit;
  }

  /** A call has begun its turn. */
  begin(link: Link, process: ServerProcess): void {
    this.#taken.set(link, process);
  }

  end(link: Link): void {
    this.#taken.delete(link);
  }

  /** Milliseconds until a process can be had, 0: now; undefined: as long as nobody comes back for his call, none. */
  get inMs(): number | undefined {
    const longest = this.#longest();
    return longest && Math.max(0, KEEPS_MS - longest.ms);
  }

  /** Gives up the call that has waited for longest, where that is long enough. Its process, which nobody uses then. */
  take(): ServerProcess | undefined {
    const longest = this.#longest();
    if (longest === undefined || longest.ms < KEEPS_MS) return undefined;
    const { call, ms } = longest;
    const process = this.#taken.get(call.session.link);
    const text = `gave up a call that had waited for its client for ${Math.floor(ms / 1000)} s, because its process was needed`;
    this.#emit({ level: 'warning', text, server: this.#server });
    call.giveUp({ kind: 'idle', text: 'the client did not answer, and others need its place' });
    return process;
  }

  #longest(): ReturnType<Translator['longestParked']> {
    return this.#translator.longestParked((session) => this.#isAlone(session));
  }

  /** Whether nobody would use the process of a call any more without that. */
  #isAlone({ link }: LegacySession): boolean {
    const process = this.#taken.get(link);
    return process !== undefined && !process.ended && process.sessions === 1;
  }
}
