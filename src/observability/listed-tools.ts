import { answerOf, asRecord, type Message, textOf } from '../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../jsonrpc/wire.js';

/** Tools of one server that have a name in the metrics: more would be more than anybody looks at. */
const MAX_TOOLS = 100;
/** Characters of such a name. */
const LONGEST = 64;
/** Octets of a list that is read for it: reading one must hold nobody up. */
const LARGEST_LIST = 1024 * 1024;

/**
 * The tools that a server has said it has. What a client calls a tool is the client's choice, and must not bring
 * names into metrics.
 */
export class ListedTools {
  readonly #names = new Map<Wire, string>();
  #last: Wire = '';

  /**
   * Reads an answer to `tools/list`; the same twice in a row only once.
   *
   * @param mayShow whether a name holds no secret
   */
  learn(answer: Message, mayShow: (name: string) => boolean): void {
    const list = answerOf(answer);
    if (this.#names.size >= MAX_TOOLS || list.length > LARGEST_LIST || list === this.#last) return;
    this.#last = list;
    const { tools } = asRecord(parseWire(list));
    if (!Array.isArray(tools)) return;
    for (const tool of tools) {
      const name = textOf(asRecord(tool).name, '');
      if (name === '' || name.length > LONGEST || this.#names.size >= MAX_TOOLS) continue;
      if (mayShow(name)) this.#names.set(toWire(name), name);
    }
  }

  /** The name, where it is one of them. */
  named({ text, nameAt, nameEnd }: Message): string | undefined {
    return nameAt < 0 ? undefined : this.#names.get(text.slice(nameAt, nameEnd));
  }
}
